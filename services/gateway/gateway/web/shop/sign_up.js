import { confirmSignUp, confirmNewPassword, CognitoRefused, forgotPassword, sendCodeAgain } from "../common/cognito.js";
import { language, t } from "../common/i18n.js";
import { settings } from "../common/settings.js";
import { isEmbedded, SignInForm } from "../common/sign_in.js";
import { ErrorBox, Field, fieldsOf, Heading, useAction } from "../common/ui.js";
import { html, useState } from "../vendor/preact.js";
import { api, session } from "./app.js";
import { mailsTo } from "./mails.js";

/**
 * Signing in, signing up with the code from the mail, and a new password for one that was forgotten. The reader stays where
 * they were: the place that needs a customer shows this until there is one.
 *
 * @typedef {"signIn" | "signUp" | "code" | "forgot" | "newPassword"} Stage
 */
export function SignIn() {
  const [stage, setStage] = useState(/** @type {Stage} */ ("signIn"));
  // The password waits here, in memory, for the code that comes by mail.
  const [account, setAccount] = useState({ email: "", password: "" });
  /** @param {Stage} next */
  const go = (next) => () => setStage(next);
  const title = t(`signIn.title.${stage}`);
  return html`<div class="sign-in">
    <${Heading} title=${title}>${title}<//>
    ${stage === "signIn"
      ? html`<${SignInForm} session=${session} onError=${(/** @type {unknown} */ error, /** @type {Record<string, string>} */ fields) => {
            if (!(error instanceof CognitoRefused && error.code === "UserNotConfirmedException")) return false;
            setAccount({ email: fields.email ?? "", password: fields.password ?? "" });
            setStage("code");
            return true;
          }} />
          <p>${t("signUp.new")} <button class="link" onClick=${go("signUp")}>${t("signUp.open")}</button></p>
          <p><button class="link" onClick=${go("forgot")}>${t("signIn.forgot")}</button></p>`
      : null}
    ${stage === "signUp"
      ? html`<${SignUpForm} onDone=${(/** @type {typeof account} */ made) => {
          setAccount(made);
          setStage("code");
        }} />
        <p>${t("signUp.known")} <button class="link" onClick=${go("signIn")}>${t("signIn.do")}</button></p>`
      : null}
    ${stage === "code" ? html`<${CodeForm} account=${account} onDone=${go("signIn")} />` : null}
    ${stage === "forgot" || stage === "newPassword"
      ? html`<${NewPasswordForm} asked=${stage === "newPassword" ? account.email : ""} onAsked=${(/** @type {string} */ email) => {
            setAccount({ email, password: "" });
            setStage("newPassword");
          }} />
          <p><button class="link" onClick=${go("signIn")}>${t("signIn.back")}</button></p>`
      : null}
  </div>`;
}

/** @param {{onDone: (account: {email: string, password: string}) => void}} props */
function SignUpForm({ onDone }) {
  const { run, busy, error } = useAction(async (/** @type {Record<string, string>} */ { email = "", password = "", name }) => {
    await api.call("POST", "users", { anonymous: true, body: { email, password, name, locale: language } });
    onDone({ email, password });
  });
  return html`<form onSubmit=${(/** @type {Event} */ event) => run(fieldsOf(event))}>
    <${Field} label=${t("signUp.name")} name="name" autocomplete="name" required maxlength="100" />
    <${Field} label=${t("signIn.email")} name="email" type="email" autocomplete="username" required maxlength="254" />
    <${Field} label=${t("signIn.password")} name="password" type="password" autocomplete="new-password" required minlength="12" maxlength="256" hint=${t("signUp.passwordHint")} />
    <${ErrorBox} error=${error} />
    <button aria-busy=${busy}>${t("signUp.do")}</button>
  </form>`;
}

/** @param {{account: {email: string, password: string}, onDone: () => void}} props */
function CodeForm({ account, onDone }) {
  const client = settings.user_pool_client;
  const [mail, setMail] = useState("");
  const confirm = useAction(async (/** @type {Record<string, string>} */ fields) => {
    await confirmSignUp(client, account.email, fields.code ?? "");
    onDone();
    await session.signIn(account.email, account.password);
  });
  const again = useAction(() => sendCodeAgain(client, account.email));
  const show = useAction(async () => {
    const [latest] = await mailsTo(account.email);
    setMail(latest?.text ?? t("mails.none"));
  });
  return html`<p class="lead">${t("signUp.codeSent", { email: account.email })}</p>
    <form onSubmit=${(/** @type {Event} */ event) => confirm.run(fieldsOf(event))}>
      <${Field} label=${t("signUp.code")} name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="10" />
      <${ErrorBox} error=${confirm.error ?? again.error ?? show.error} />
      <button aria-busy=${confirm.busy}>${t("signUp.confirm")}</button>
    </form>
    <p><button class="link" aria-busy=${again.busy} onClick=${() => again.run()}>${t("signUp.again")}</button></p>
    ${isEmbedded ? html`<p><button class="link" onClick=${() => show.run()}>${t("signUp.showMail")}</button></p>` : null}
    ${mail ? html`<pre class="card mail-text" role="status">${mail}</pre>` : null}`;
}

/** @param {{asked: string, onAsked: (email: string) => void}} props */
function NewPasswordForm({ asked, onAsked }) {
  const client = settings.user_pool_client;
  const { run, busy, error } = useAction(async (/** @type {Record<string, string>} */ { email = "", code = "", password = "" }) => {
    if (!asked) {
      await forgotPassword(client, email);
      onAsked(email);
    } else {
      await confirmNewPassword(client, asked, code, password);
      await session.signIn(asked, password);
    }
  });
  return html`<form key=${asked} onSubmit=${(/** @type {Event} */ event) => run(fieldsOf(event))}>
    ${asked
      ? html`<p class="lead">${t("signIn.codeMaybeSent", { email: asked })}</p>
          <${Field} label=${t("signUp.code")} name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="10" />
          <${Field} label=${t("signIn.newPassword")} name="password" type="password" autocomplete="new-password" required minlength="12" hint=${t("signUp.passwordHint")} />`
      : html`<${Field} label=${t("signIn.email")} name="email" type="email" autocomplete="username" required />`}
    <${ErrorBox} error=${error} />
    <button aria-busy=${busy}>${t(asked ? "signIn.do" : "signIn.sendCode")}</button>
  </form>`;
}
