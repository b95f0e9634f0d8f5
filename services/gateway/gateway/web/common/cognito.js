/**
 * Cognito's public API, which browsers call directly. The shop so never sees a password after the sign-up.
 * https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/
 *
 * @typedef {object} Tokens
 * @property {string} id the identity token, which the API takes
 * @property {string} access
 * @property {string} refresh
 */

import { settings } from "./settings.js";

/** Cognito refused; `code` is its name for the reason, such as `NotAuthorizedException`. */
export class CognitoRefused extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** The account has a second factor; `session` continues the sign-in. */
export class SecondFactorNeeded extends Error {
  /** @param {string} session */
  constructor(session) {
    super("second factor needed");
    this.session = session;
  }
}

/**
 * @param {string} action
 * @param {object} body
 * @returns {Promise<any>}
 */
async function call(action, body) {
  const answer = await fetch(settings.cognito_url, {
    method: "POST",
    headers: { "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": `AWSCognitoIdentityProviderService.${action}` },
    body: JSON.stringify(body),
    credentials: "omit",
    cache: "no-store",
  });
  const text = await answer.text();
  const parsed = text ? JSON.parse(text) : {};
  if (!answer.ok) {
    const code = String(parsed.__type ?? answer.status).split("#").pop();
    throw new CognitoRefused(code ?? "", parsed.message ?? parsed.Message ?? "");
  }
  return parsed;
}

/**
 * @param {any} answer
 * @param {string} refresh the refresh token so far: a renewal brings none
 * @returns {Tokens}
 */
function tokensOf(answer, refresh = "") {
  if (answer.ChallengeName === "SOFTWARE_TOKEN_MFA") throw new SecondFactorNeeded(answer.Session);
  const result = answer.AuthenticationResult;
  if (!result) throw new CognitoRefused(answer.ChallengeName ?? "NoTokens", "");
  return { id: result.IdToken, access: result.AccessToken, refresh: result.RefreshToken ?? refresh };
}

/**
 * @param {string} client the app client
 * @param {string} email
 * @param {string} password
 * @returns {Promise<Tokens>} raises SecondFactorNeeded or CognitoRefused
 */
export async function signInWithPassword(client, email, password) {
  const AuthParameters = { USERNAME: email, PASSWORD: password };
  return tokensOf(await call("InitiateAuth", { ClientId: client, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters }));
}

/**
 * @param {string} client
 * @param {string} email
 * @param {string} code of the authenticator app
 * @param {string} session of SecondFactorNeeded
 * @returns {Promise<Tokens>}
 */
export async function signInWithCode(client, email, code, session) {
  const ChallengeResponses = { USERNAME: email, SOFTWARE_TOKEN_MFA_CODE: code };
  const answer = { ClientId: client, ChallengeName: "SOFTWARE_TOKEN_MFA", Session: session, ChallengeResponses };
  return tokensOf(await call("RespondToAuthChallenge", answer));
}

/**
 * @param {string} client
 * @param {string} refresh a refresh token
 * @returns {Promise<Tokens>}
 */
export async function renew(client, refresh) {
  const AuthParameters = { REFRESH_TOKEN: refresh };
  return tokensOf(await call("InitiateAuth", { ClientId: client, AuthFlow: "REFRESH_TOKEN_AUTH", AuthParameters }), refresh);
}

/**
 * Ends the session of a refresh token: no token is made of it any more.
 *
 * @param {string} client
 * @param {string} refresh
 */
export const revoke = (client, refresh) => call("RevokeToken", { ClientId: client, Token: refresh });

/**
 * @param {string} client
 * @param {string} email
 * @param {string} code from the mail
 */
export const confirmSignUp = (client, email, code) =>
  call("ConfirmSignUp", { ClientId: client, Username: email, ConfirmationCode: code });

/**
 * @param {string} client
 * @param {string} email
 */
export const sendCodeAgain = (client, email) => call("ResendConfirmationCode", { ClientId: client, Username: email });

/**
 * @param {string} client
 * @param {string} email
 */
export const forgotPassword = (client, email) => call("ForgotPassword", { ClientId: client, Username: email });

/**
 * @param {string} client
 * @param {string} email
 * @param {string} code from the mail
 * @param {string} password the new one
 */
export const confirmNewPassword = (client, email, code, password) =>
  call("ConfirmForgotPassword", { ClientId: client, Username: email, ConfirmationCode: code, Password: password });
