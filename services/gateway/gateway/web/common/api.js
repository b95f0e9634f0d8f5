/**
 * The shop's API: typed bodies, problem details as errors, and patience with a busy shop.
 *
 * The types come from the OpenAPI document (`npm run types`).
 *
 * @typedef {import("api").components["schemas"]} Schemas
 */

import { apiUrl } from "./settings.js";

const TRIES = 4;
const LONGEST_WAIT_SECONDS = 5;

/** The API refused: RFC 9457 problem details. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {{type?: string, title?: string, detail?: string, errors?: {pointer?: string, detail?: string}[] | null}} details
   * @param {string} correlationId
   */
  constructor(status, details, correlationId) {
    super(details.detail ?? details.title ?? String(status));
    this.status = status;
    /** The last part of the problem's type: `not-found`, `too-many-pieces`. */
    this.kind = (details.type ?? "").split("/").pop() ?? "";
    this.errors = details.errors ?? [];
    this.correlationId = correlationId;
  }
}

/** The API did not answer. */
export class Unreachable extends Error {}

/**
 * @typedef {object} Options
 * @property {object} [body] sent as JSON
 * @property {Record<string, string | number | undefined>} [query]
 * @property {Record<string, string>} [headers]
 * @property {boolean} [anonymous] whether the request goes without a token
 */

export class Api {
  /** @param {import("./session.js").Session} session */
  constructor(session) {
    this.session = session;
  }

  /**
   * The answer's JSON body; raises Problem, Unreachable or SignedOut.
   *
   * @template T
   * @param {string} method
   * @param {string} path below the API's base URL, without a slash at its start
   * @param {Options} [options]
   * @returns {Promise<T>}
   */
  async call(method, path, options = {}) {
    const answer = await this.send(method, path, options);
    return answer.status === 204 ? /** @type {any} */ (undefined) : answer.json();
  }

  /**
   * As `call`, but gives the whole answer, for one whose headers count.
   *
   * @param {string} method
   * @param {string} path
   * @param {Options} [options]
   * @returns {Promise<Response>}
   */
  async send(method, path, options = {}) {
    const url = new URL(path, apiUrl);
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined && value !== "") url.searchParams.set(name, String(value));
    }
    let token = options.anonymous ? "" : await this.session.token();
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#fetch(method, url, options, token);
      if (answer.ok) return answer;
      if (answer.status === 401 && token && !renewed) {
        token = await this.session.renewed();
        renewed = true;
        continue;
      }
      const wait = Number(answer.headers.get("Retry-After") ?? 1);
      const busy = answer.status === 429 || answer.status === 503;
      // A request that changes something is repeated as well: each has an Idempotency-Key, or has the same effect twice.
      if (!busy || attempt === TRIES || wait > LONGEST_WAIT_SECONDS) throw await problemOf(answer);
      await new Promise((resolve) => setTimeout(resolve, 1000 * wait));
    }
  }

  /**
   * @param {string} method
   * @param {URL} url
   * @param {Options} options
   * @param {string} token
   */
  async #fetch(method, url, options, token) {
    /** @type {Record<string, string>} */
    const headers = { ...options.headers };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (options.body) headers["Content-Type"] = "application/json";
    try {
      return await fetch(url, {
        method,
        headers,
        body: options.body ? JSON.stringify(options.body) : undefined,
        credentials: "omit",
      });
    } catch (error) {
      throw new Unreachable("The API did not answer.", { cause: error });
    }
  }
}

/** @param {Response} answer */
async function problemOf(answer) {
  const correlationId = answer.headers.get("X-Correlation-Id") ?? "";
  const isJson = (answer.headers.get("Content-Type") ?? "").includes("json");
  return new Problem(answer.status, isJson ? await answer.json() : {}, correlationId);
}
