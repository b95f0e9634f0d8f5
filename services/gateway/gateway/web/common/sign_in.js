/** Signing in, the second factor included, and signing in again after the session has ended. */

import { html, useState } from "../vendor/preact.js";
import { SecondFactorNeeded } from "./cognito.js";
import { t } from "./i18n.js";
import { takeFromFragment } from "./router.js";
import { useStore } from "./store.js";
import { Dialog, ErrorBox, Field, fieldsOf, useAction } from "./ui.js";

/** @typedef {import("./session.js").Session} Session */

/**
 * Asks for address and password, and for a code if the account has a second factor.
 *
 * @param {{session: Session, email?: string, onDone?: () => void, onError?: (error: unknown, fields: Record<string, string>) => boolean}} props
 *   `onError` may take an error over, by true
 */
export function SignInForm({ session, email = "", onDone, onError }) {
  const [challenge, setChallenge] = useState(/** @type {{email: string, session: string} | null} */ (null));
  const { run, busy, error } = useAction(async (/** @type {Record<string, string>} */ fields) => {
    try {
      if (challenge) await session.signInWithCode(challenge.email, fields.code ?? "", challenge.session);
      else await session.signIn(fields.email ?? "", fields.password ?? "");
    } catch (raised) {
      if (raised instanceof SecondFactorNeeded) {
        setChallenge({ email: fields.email ?? "", session: raised.session });
        return;
      }
      if (onError?.(raised, fields)) return;
      throw raised;
    }
    onDone?.();
  });
  return html`<form onSubmit=${(/** @type {Event} */ event) => run(fieldsOf(event))} novalidate=${false}>
    ${challenge
      ? html`<${Field} key="code" label=${t("signIn.code")} hint=${t("signIn.codeHint")} name="code" inputmode="numeric" autocomplete="one-time-code" required autofocus />`
      : html`<${Field} key="email" label=${t("signIn.email")} name="email" type="email" autocomplete="username" required value=${email} readonly=${Boolean(email)} />
          <${Field} key="password" label=${t("signIn.password")} name="password" type="password" autocomplete="current-password" required />`}
    <${ErrorBox} error=${error} />
    <button aria-busy=${busy}>${t("signIn.do")}</button>
  </form>`;
}

/**
 * Asks a person whose session has ended to sign in again; what they did goes on after that.
 *
 * @param {{session: Session}} props
 */
export function SignInAgain({ session }) {
  const { person, expired } = useStore(session.state);
  if (!person || !expired) return null;
  return html`<${Dialog} title=${t("signIn.again")} onClose=${() => session.forget()} name="sign-in-again">
    <p>${t("signIn.againWhy")}</p>
    <${SignInForm} session=${session} email=${person.email} />
    <button type="button" class="link" onClick=${() => session.forget()}>${t("signIn.notNow")}</button>
  <//>`;
}

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

/** Whether the page comes from the embedded cloud, which listens on loopback alone. */
export const isEmbedded = LOOPBACK.includes(location.hostname);

/**
 * Signs in by a link of `make demo`: `#session=<refresh token of a made-up account>`. Only the embedded cloud takes it: elsewhere
 * anybody could have a reader order, unawares, in an account of theirs. The token leaves the address bar and the history in any case.
 *
 * @param {Session} session
 */
export async function signInByLink(session) {
  const refresh = takeFromFragment("session");
  if (refresh && isEmbedded) await session.signInWithRefreshToken(refresh);
}
