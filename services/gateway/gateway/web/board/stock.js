/** The stock of each product, receipts and adjustments, and the ledger. */

import { inNumber, t, textOr } from "../common/i18n.js";
import { linkTo } from "../common/router.js";
import { Choice, Empty, ErrorBox, Field, Heading, Loading, fieldsOf, useAction, useLoaded } from "../common/ui.js";
import { html, useRef, useState } from "../vendor/preact.js";
import { api, usePages } from "./app.js";
import { Moment, More, OrderLink, Table } from "./parts.js";

/** @typedef {import("../common/api.js").Schemas} Schemas */

export function Stock() {
  const pages = usePages((cursor) => /** @type {Promise<Schemas["StockPage"]>} */ (api.call("GET", "inventory", { query: { limit: 50, cursor } })), (page) => page.stock, []);
  return html`<${Heading} title=${t("stock.title")}>${t("stock.title")}<//>
    <${ErrorBox} error=${pages.error} retry=${pages.again} />
    ${!pages.entries && !pages.error ? html`<${Loading} />` : null}
    ${pages.entries?.length === 0 ? html`<${Empty} title=${t("stock.none")} />` : null}
    ${pages.entries?.length ? html`<${Table} caption=${t("stock.title")} head=${[t("stock.sku"), t("stock.available"), t("stock.reserved"), t("stock.onHand"), t("stock.note")]}>
      ${pages.entries.map((level) => html`<tr key=${level.sku}>
        <td class="mono"><a href=${linkTo(["stock", level.sku])}>${level.sku}</a></td><td class="number">${inNumber(level.available)}</td><td class="number">${inNumber(level.reserved)}</td><td class="number">${inNumber(level.on_hand)}</td>
        <td>${level.low ? html`<span class="tag warn">${t("stock.low")}</span>` : null}</td>
      </tr>`)}
    <//>
    <${More} pages=${pages} />` : null}`;
}

/** @param {{sku: string}} props */
export function StockOf({ sku }) {
  const path = `inventory/${encodeURIComponent(sku)}`;
  const level = useLoaded(() => /** @type {Promise<Schemas["StockView"]>} */ (api.call("GET", path)), [sku]);
  const pages = usePages((cursor) => /** @type {Promise<Schemas["MovementPage"]>} */ (api.call("GET", `${path}/movements`, { query: { limit: 50, cursor } })), (page) => page.movements, [sku]);
  return html`<p><a href=${linkTo(["stock"])}>${t("stock.back")}</a></p>
    <${Heading} title=${sku}>${sku}<//>
    <${ErrorBox} error=${level.error} retry=${level.reload} />
    ${level.value ? html`<div class="facts">
      <div><span class="label">${t("stock.available")}</span><span class="number">${inNumber(level.value.available)}</span></div>
      <div><span class="label">${t("stock.reserved")}</span><span class="number">${inNumber(level.value.reserved)}</span></div>
      <div><span class="label">${t("stock.onHand")}</span><span class="number">${inNumber(level.value.on_hand)}</span></div>
      <div><span class="label">${t("stock.threshold")}</span><span class="number">${inNumber(level.value.low_stock_threshold)}</span></div>
    </div>` : null}
    <${Move} path=${path} onDone=${() => { level.reload(); pages.again(); }} />
    <section class="block" aria-labelledby="ledger"><h2 id="ledger">${t("stock.ledger")}</h2>
      <${ErrorBox} error=${pages.error} retry=${pages.again} />
      ${pages.entries?.length === 0 ? html`<${Empty} title=${t("stock.noMovement")} />` : null}
      ${pages.entries?.length ? html`<${Table} caption=${t("stock.ledger")} head=${[t("stock.when"), t("stock.kind"), t("order.pieces"), t("stock.why")]}>
        ${pages.entries.map((entry) => html`<tr key=${entry.movement_id}><td><${Moment} at=${entry.recorded_at} /></td><td>${textOr(`kind.${entry.kind}`, entry.kind)}</td>
          <td class="number">${entry.quantity > 0 ? "+" : ""}${inNumber(entry.quantity)}</td><td>${entry.order_id ? html`<${OrderLink} id=${entry.order_id} />` : entry.reason ?? ""}</td></tr>`)}
      <//><${More} pages=${pages} />` : null}
    </section>`;
}

/** @param {{path: string, onDone: () => void}} props */
function Move({ path, onDone }) {
  const [kind, setKind] = useState("receipt");
  const [done, setDone] = useState("");
  // The key stays until the movement is recorded, so that a repeat after a lost answer records nothing twice.
  const key = useRef(crypto.randomUUID());
  const { run, busy, error } = useAction(async (/** @type {Record<string, string>} */ fields, /** @type {HTMLFormElement} */ form) => {
    const body = { kind, quantity: Number(fields.quantity), ...(fields.reason ? { reason: fields.reason } : {}) };
    await api.call("POST", `${path}/movements`, { body, headers: { "Idempotency-Key": key.current } });
    key.current = crypto.randomUUID();
    form.reset();
    setDone(t("stock.recorded"));
    onDone();
  });
  return html`<form class="card move" onSubmit=${(/** @type {any} */ event) => { const form = event.currentTarget; setDone(""); run(fieldsOf(event), form); }}>
    <h2>${t("stock.record")}</h2>
    <div class="three">
      <${Choice} label=${t("stock.kind")} name="kind" value=${kind} onChange=${(/** @type {any} */ event) => setKind(event.target.value)} options=${[{ value: "receipt", text: t("kind.receipt") }, { value: "adjustment", text: t("kind.adjustment") }]} />
      <${Field} label=${t("order.pieces")} name="quantity" type="number" required min=${kind === "receipt" ? "1" : undefined} step="1" inputmode="numeric" />
      <${Field} label=${t("stock.why")} name="reason" required=${kind === "adjustment"} maxlength="200" />
    </div>
    <${ErrorBox} error=${error} />
    <div class="actions"><button aria-busy=${busy}>${t("stock.recordDo")}</button><span role="status">${done}</span></div>
  </form>`;
}
