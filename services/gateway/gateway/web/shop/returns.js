import { Problem } from "../common/api.js";
import { inDate, inMoney, t, textOr } from "../common/i18n.js";
import { Choice, Confirm, ErrorBox, fieldsOf, Loading, useAction, useLoaded } from "../common/ui.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { api, lastChange } from "./app.js";
import { ProductName, StatusTag } from "./orders.js";

/**
 * @typedef {import("./app.js").Order} Order
 * @typedef {import("./app.js").Schemas["OrderReturnsView"]} OrderReturns
 * @typedef {import("./app.js").Schemas["ReturnView"]} Return
 */

const REASONS = ["damaged", "wrong_item", "not_as_described", "changed_mind", "other"];
const ASK_AGAIN_MS = 2000;
const BEFORE_THE_PARCEL = ["requested", "accepted", "labelled"];

/** @param {{order: Order}} props */
export function Returns({ order }) {
  const path = `orders/${encodeURIComponent(order.order_id)}/returns`;
  const { value, error, reload } = useLoaded(() => /** @type {Promise<OrderReturns>} */ (api.call("GET", path)), [path]);
  const [asks, setAsks] = useState(false);
  useEffect(() => lastChange.follow((change) => {
    if (!change || change.order_id === order.order_id) reload();
  }), [path]);
  // The service of returns hears a moment later that the parcel has left.
  const isSoon = error instanceof Problem && error.kind === "not-found";
  useEffect(() => {
    const timer = isSoon ? setTimeout(reload, ASK_AGAIN_MS) : undefined;
    return () => clearTimeout(timer);
  }, [error]);
  const heading = html`<h2>${t("returns.title")}</h2>`;
  if (error && !isSoon) return html`<section class="stack">${heading}<${ErrorBox} error=${error} retry=${reload} /></section>`;
  if (!value) return html`<section class="stack">${heading}<${Loading} /></section>`;
  return html`<section class="stack returns">${heading}
    ${value.returns.map((one) => html`<${OneReturn} key=${one.return_id} one=${one} path=${path} onDone=${reload} />`)}
    ${value.returnable.length && !asks
      ? html`<p>${t("returns.until", { date: inDate(value.returnable_until) })}</p><div><button class="quiet" onClick=${() => setAsks(true)}>${t("returns.ask")}</button></div>`
      : null}
    ${value.returnable.length && asks ? html`<${Request} path=${path} returnable=${value.returnable} onDone=${() => {
      setAsks(false);
      reload();
    }} />` : null}
    ${value.returnable.length === 0 && value.returns.length === 0 ? html`<p class="quiet-text">${t("returns.none")}</p>` : null}
  </section>`;
}

/** @param {{path: string, returnable: {sku: string, quantity: number}[], onDone: () => void}} props */
function Request({ path, returnable, onDone }) {
  // One form is one wish: sent again, it asks for the same return.
  const [key] = useState(() => crypto.randomUUID());
  const { run, busy, error } = useAction(async (/** @type {Record<string, string>} */ fields) => {
    const lines = returnable.map(({ sku }) => ({ sku, quantity: Number(fields[`pieces-${sku}`]) })).filter(({ quantity }) => quantity > 0);
    await api.call("POST", path, { body: { lines, reason: fields.reason }, headers: { "Idempotency-Key": key } });
    onDone();
  });
  return html`<form class="card" onSubmit=${(/** @type {Event} */ event) => run(fieldsOf(event))}>
    ${returnable.map(
      ({ sku, quantity }) => html`<div class="sum" key=${sku}><label for="pieces-${sku}"><${ProductName} sku=${sku} /></label>
        <input id="pieces-${sku}" class="pieces" name="pieces-${sku}" type="number" min="0" max=${quantity} value=${returnable.length === 1 ? 1 : 0} required /></div>`,
    )}
    <${Choice} label=${t("returns.reason")} name="reason" options=${REASONS.map((reason) => ({ value: reason, text: t(`returnReason.${reason}`) }))} value="changed_mind" />
    <${ErrorBox} error=${error} />
    <button aria-busy=${busy}>${t("returns.send")}</button>
  </form>`;
}

/** @param {{one: Return, path: string, onDone: () => void}} props */
function OneReturn({ one, path, onDone }) {
  const [asks, setAsks] = useState(false);
  return html`<article class="card stack" data-return=${one.status}>
    <p class="sum"><strong>${textOr(`returnReason.${one.reason}`, one.reason)}</strong><${StatusTag} status=${one.status} of="returnStatus" /></p>
    <ul class="small-text">${one.lines.map(({ sku, quantity }) => html`<li key=${sku}>${quantity} × <${ProductName} sku=${sku} /></li>`)}</ul>
    ${one.tracking_reference ? html`<p class="small-text">${t("returns.label")} <span class="mono">${one.tracking_reference}</span></p>` : null}
    ${one.refund ? html`<p class="small-text">${t("returns.refund", { money: inMoney(one.refund) })}</p>` : null}
    ${BEFORE_THE_PARCEL.includes(one.status) ? html`<div><button class="link" onClick=${() => setAsks(true)}>${t("returns.withdraw")}</button></div>` : null}
    ${asks
      ? html`<${Confirm} title=${t("returns.withdraw")} text=${t("returns.withdrawText")} yes=${t("returns.withdraw")} onClose=${() => setAsks(false)}
          onYes=${async () => {
            await api.call("POST", `${path}/${encodeURIComponent(one.return_id)}/withdraw`);
            onDone();
          }} />`
      : null}
  </article>`;
}
