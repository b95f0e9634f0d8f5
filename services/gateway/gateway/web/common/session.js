/**
 * Who is signed in. Tokens are in this module's memory alone: no storage, no cookie. So a reload signs out, and a script in
 * another tab finds nothing.
 */

import * as cognito from "./cognito.js";
import { Store } from "./store.js";

/**
 * @typedef {object} Person
 * @property {string} id
 * @property {string} email
 * @property {string} name
 * @property {string[]} groups
 *
 * @typedef {object} SignedIn
 * @property {Person | null} person
 * @property {boolean} expired whether the person must sign in again to go on
 */

/** A request needed a token, and nobody is signed in. */
export class SignedOut extends Error {}

// A token that ends while its request is under way is of no use.
const RENEWED_BEFORE_MS = 30_000;

export class Session {
  /** @type {cognito.Tokens | null} */
  #tokens = null;
  /** @type {Promise<string> | null} */
  #renewal = null;
  /** @type {{resolve: (token: string) => void, reject: (error: Error) => void}[]} */
  #waiting = [];

  /** @param {string} client the app client of this page */
  constructor(client) {
    this.client = client;
    this.state = new Store(/** @type {SignedIn} */ ({ person: null, expired: false }));
  }

  /**
   * @param {string} email
   * @param {string} password
   */
  async signIn(email, password) {
    this.#begin(await cognito.signInWithPassword(this.client, email, password));
  }

  /**
   * @param {string} email
   * @param {string} code
   * @param {string} challenge the `session` of SecondFactorNeeded
   */
  async signInWithCode(email, code, challenge) {
    this.#begin(await cognito.signInWithCode(this.client, email, code, challenge));
  }

  /** @param {string} refresh a refresh token, as a link of the demo carries it */
  async signInWithRefreshToken(refresh) {
    this.#begin(await cognito.renew(this.client, refresh));
  }

  /** Forgets the tokens, and has Cognito end the session. */
  async signOut() {
    const refresh = this.#tokens?.refresh;
    this.forget();
    if (refresh) await cognito.revoke(this.client, refresh);
  }

  /** Forgets the tokens. Requests that wait for a new sign-in fail. */
  forget() {
    this.#tokens = null;
    this.state.set({ person: null, expired: false });
    for (const { reject } of this.#waiting.splice(0)) reject(new SignedOut());
  }

  /**
   * A token that is valid for a while. If it cannot be renewed, the person is asked to sign in again, and this waits for it.
   *
   * @returns {Promise<string>} raises SignedOut
   */
  async token() {
    if (!this.#tokens) throw new SignedOut();
    if (this.state.value.expired) return this.#signedInAgain();
    if (expiryOf(this.#tokens.id) - Date.now() > RENEWED_BEFORE_MS) return this.#tokens.id;
    return this.renewed();
  }

  /**
   * A new token, after the API refused the one so far.
   *
   * @returns {Promise<string>} raises SignedOut
   */
  renewed() {
    // Requests at the same time share one renewal.
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #renew() {
    if (!this.#tokens) throw new SignedOut();
    try {
      this.#tokens = await cognito.renew(this.client, this.#tokens.refresh);
      return this.#tokens.id;
    } catch (error) {
      if (!(error instanceof cognito.CognitoRefused)) throw error;
      this.state.set({ ...this.state.value, expired: true });
      return this.#signedInAgain();
    }
  }

  /** @returns {Promise<string>} */
  #signedInAgain() {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** @param {cognito.Tokens} tokens */
  #begin(tokens) {
    const person = personOf(tokens.id);
    const before = this.state.value.person;
    // What waits belongs to the person who was signed in before.
    if (before && before.id !== person.id) this.forget();
    this.#tokens = tokens;
    this.state.set({ person, expired: false });
    for (const { resolve } of this.#waiting.splice(0)) resolve(tokens.id);
  }
}

/**
 * The claims of a token. The API verifies them; the page only shows them.
 *
 * @param {string} token
 * @returns {any}
 */
function claimsOf(token) {
  const part = token.split(".")[1] ?? "";
  const bytes = Uint8Array.from(atob(part.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** @param {string} token */
function expiryOf(token) {
  return claimsOf(token).exp * 1000;
}

/**
 * @param {string} token
 * @returns {Person}
 */
function personOf(token) {
  const claims = claimsOf(token);
  return { id: claims.sub, email: claims.email, name: claims.name ?? "", groups: claims["cognito:groups"] ?? [] };
}
