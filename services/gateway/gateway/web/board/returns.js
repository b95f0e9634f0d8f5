/** The returns that wait for an operator's decision or inspection. */

import { t, textOr } from "../common/i18n.js";
import { goTo } from "../common/router.js";
import { Choice, Confirm, Dialog, Empty, ErrorBox, Field, Heading, Loading, fieldsOf, useAction } from "../common/ui.js";
import { html, useState } from "../vendor/preact.js";
import { api, usePages } from "./app.js";
import { Moment, More, OrderLink, Table } from "./parts.js";

/** @typedef {import("../common/api.js").Schemas} Schemas */
/** @typedef {Schemas["ReturnView"]} Return */

const WAITING = ["requested", "accepted", "labelled", "inspected"];
const REFUSALS = ["excluded", "not_eligible", "other"];

/** @param {{status?: string}} props */
export function Returns({ status = "requested" }) {
  const pages = usePages((cursor) => /** @type {Promise<Schemas["ReturnPage"]>} */ (api.call("GET", "returns/waiting", { query: { status, limit: 20, cursor } })), (page) => page.returns, [status]);
  const [asked, setAsked] = useState(/** @type {{action: string, entry: Return} | null} */ (null));
  const close = () => setAsked(null);
  /** @param {object} [body] */
  async function act(body) {
    if (!asked) return;
    const { action, entry } = asked;
    await api.call("POST", `orders/${encodeURIComponent(entry.order_id)}/returns/${encodeURIComponent(entry.return_id)}/${action}`, body ? { body } : {});
    pages.again();
  }
  return html`<${Heading} title=${t("returns.title")}>${t("returns.title")}<//>
    <div class="tools"><${Choice} label=${t("returns.waiting")} name="status" value=${status} onChange=${(/** @type {any} */ event) => goTo(["returns"], { status: event.target.value })} options=${WAITING.map((value) => ({ value, text: t(`returns.${value}`) }))} /></div>
    <${ErrorBox} error=${pages.error} retry=${pages.again} />
    ${!pages.entries && !pages.error ? html`<${Loading} />` : null}
    ${pages.entries?.length === 0 ? html`<${Empty} title=${t("returns.none")} />` : null}
    ${pages.entries?.length ? html`<${Table} caption=${t("returns.title")} head=${[t("order.order"), t("order.reason"), t("order.pieces"), t("attention.since"), t("returns.decision")]}>
      ${pages.entries.map((entry) => html`<tr key=${entry.return_id}>
        <td><${OrderLink} id=${entry.order_id} /></td><td>${textOr(`why.${entry.reason}`, entry.reason)}</td>
        <td>${entry.lines.map((line) => html`<div class="small-text"><span class="number">${line.quantity}</span> × <span class="mono">${line.sku}</span></div>`)}</td>
        <td><${Moment} at=${entry.history.at(-1)?.at ?? ""} /></td>
        <td><div class="row-actions">
          ${entry.status === "requested" ? html`<button type="button" class="small" onClick=${() => setAsked({ action: "accept", entry })}>${t("returns.accept")}</button>
            <button type="button" class="small quiet" onClick=${() => setAsked({ action: "refuse", entry })}>${t("returns.refuse")}</button>` : null}
          ${entry.status === "labelled" ? html`<button type="button" class="small" onClick=${() => setAsked({ action: "inspect", entry })}>${t("returns.inspect")}</button>` : null}
        </div></td>
      </tr>`)}
    <//><${More} pages=${pages} />` : null}
    ${asked?.action === "accept" ? html`<${Confirm} title=${t("returns.acceptTitle")} text=${t("returns.acceptText")} yes=${t("returns.accept")} onYes=${() => act()} onClose=${close} />` : null}
    ${asked?.action === "refuse" ? html`<${Refusal} act=${act} onClose=${close} />` : null}
    ${asked?.action === "inspect" ? html`<${Inspection} entry=${asked.entry} act=${act} onClose=${close} />` : null}`;
}

/** @param {{act: (body: object) => Promise<void>, onClose: () => void}} props */
function Refusal({ act, onClose }) {
  const { run, busy, error } = useAction(async (/** @type {Event} */ event) => {
    await act({ reason: fieldsOf(event).reason });
    onClose();
  });
  return html`<${Dialog} title=${t("returns.refuseTitle")} onClose=${onClose}><form onSubmit=${run}>
    <${Choice} label=${t("order.reason")} name="reason" options=${REFUSALS.map((value) => ({ value, text: textOr(`refusal.${value}`, value) }))} />
    <${ErrorBox} error=${error} />
    <div class="actions"><button class="danger" aria-busy=${busy}>${t("returns.refuse")}</button><button type="button" class="quiet" onClick=${onClose}>${t("ui.no")}</button></div>
  </form><//>`;
}

/** @param {{entry: Return, act: (body: object) => Promise<void>, onClose: () => void}} props */
function Inspection({ entry, act, onClose }) {
  const { run, busy, error } = useAction(async (/** @type {Event} */ event) => {
    const fields = fieldsOf(event);
    await act({ lines: entry.lines.map((line, number) => ({ sku: line.sku, restocked: Number(fields[`restocked-${number}`]), written_off: Number(fields[`written_off-${number}`]) })) });
    onClose();
  });
  return html`<${Dialog} title=${t("returns.inspectTitle")} onClose=${onClose}><form onSubmit=${run}>
    <p>${t("returns.inspectText")}</p>
    ${entry.lines.map((line, number) => html`<fieldset><legend class="mono">${line.quantity} × ${line.sku}</legend><div class="two">
      <${Field} label=${t("returns.restocked")} name="restocked-${number}" type="number" min="0" max=${line.quantity} value=${line.quantity} required />
      <${Field} label=${t("returns.writtenOff")} name="written_off-${number}" type="number" min="0" max=${line.quantity} value="0" required />
    </div></fieldset>`)}
    <${ErrorBox} error=${error} />
    <div class="actions"><button aria-busy=${busy}>${t("returns.inspect")}</button><button type="button" class="quiet" onClick=${onClose}>${t("ui.no")}</button></div>
  </form><//>`;
}
