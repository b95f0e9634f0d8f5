import { inDateAndTime, t } from "../common/i18n.js";
import { useStore } from "../common/store.js";
import { isEmbedded } from "../common/sign_in.js";
import { Choice, Confirm, Empty, ErrorBox, Field, fieldsOf, Heading, Loading, useAction, useLoaded } from "../common/ui.js";
import { html, useState } from "../vendor/preact.js";
import { api, session } from "./app.js";
import { mailsTo } from "./mails.js";

/** @typedef {import("./app.js").Schemas["ProfileView"]} Profile */

export function Account() {
  const { value: profile, error, reload, set } = useLoaded(() => /** @type {Promise<Profile>} */ (api.call("GET", "users/me")), []);
  const [saved, setSaved] = useState(false);
  const [closing, setClosing] = useState(false);
  const save = useAction(async (/** @type {Record<string, string>} */ fields) => {
    setSaved(false);
    set(await api.call("PUT", "users/me", { body: { name: fields.name, locale: fields.locale } }));
    setSaved(true);
  });
  const download = useAction(async () => {
    const data = await api.call("GET", "users/me/export");
    offer("cartwright-export.json", new Blob([JSON.stringify(data, null, 2)], { type: "application/json" }));
  });
  const heading = html`<${Heading} title=${t("account.title")}>${t("account.title")}<//>`;
  if (error && !profile) return html`${heading}<${ErrorBox} error=${error} retry=${reload} />`;
  if (!profile) return html`${heading}<${Loading} />`;
  return html`${heading}
    <div class="account">
      <section class="stack"><h2>${t("account.profile")}</h2>
        <form onSubmit=${(/** @type {Event} */ event) => save.run(fieldsOf(event))}>
          <${Field} label=${t("signIn.email")} name="email" value=${profile.email} readonly hint=${t("account.since", { at: inDateAndTime(profile.registered_at) })} />
          <${Field} label=${t("signUp.name")} name="name" autocomplete="name" required maxlength="100" value=${profile.name} />
          <${Choice} label=${t("account.language")} name="locale" value=${profile.locale.startsWith("de") ? "de" : "en"} options=${[{ value: "en", text: "English" }, { value: "de", text: "Deutsch" }]} />
          <${ErrorBox} error=${save.error} />
          <div class="actions"><button aria-busy=${save.busy}>${t("account.save")}</button><span role="status" class="quiet-text">${saved ? t("account.saved") : ""}</span></div>
        </form>
      </section>
      ${isEmbedded ? html`<${Mails} />` : null}
      <section class="stack"><h2>${t("account.data")}</h2>
        <p class="quiet-text">${t("account.dataText")}</p>
        <${ErrorBox} error=${download.error} />
        <div class="actions"><button class="quiet" aria-busy=${download.busy} onClick=${() => download.run()}>${t("account.export")}</button>
          <button class="quiet" onClick=${() => session.signOut()}>${t("account.signOut")}</button></div>
        <div><button class="link" onClick=${() => setClosing(true)}>${t("account.close")}</button></div>
      </section>
    </div>
    ${closing
      ? html`<${Confirm} title=${t("account.closeTitle")} text=${t("account.closeText")} yes=${t("account.closeYes")} onClose=${() => setClosing(false)}
          onYes=${async () => {
            await api.call("DELETE", "users/me");
            session.forget();
          }} />`
      : null}`;
}

/** @param {string} name @param {Blob} blob */
function offer(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** The mails that the shop has sent to the customer. Only the embedded cloud shows them. */
function Mails() {
  const { person } = useStore(session.state);
  const { value: mails, error, reload } = useLoaded(() => mailsTo(person?.email ?? ""), [person?.email]);
  return html`<section class="stack"><h2>${t("mails.title")}</h2>
    <p class="quiet-text">${t("mails.text")}</p>
    <${ErrorBox} error=${error} retry=${reload} />
    ${mails?.length === 0 ? html`<${Empty} title=${t("mails.none")} />` : null}
    ${mails?.map((mail) => html`<details class="card mail" key=${mail.id}><summary><strong>${mail.subject}</strong> <span class="hint">${inDateAndTime(mail.at)}</span></summary><pre>${mail.text}</pre></details>`)}
  </section>`;
}
