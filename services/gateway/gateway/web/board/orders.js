/** The orders of a day as they flow, by status; and the orders that need a hand. */

import { inMoney, inNumber, t } from "../common/i18n.js";
import { goTo } from "../common/router.js";
import { Empty, ErrorBox, Heading, Loading, fieldsOf, useAction } from "../common/ui.js";
import { html, useState } from "../vendor/preact.js";
import { api, useLive } from "./app.js";
import { Moment, OrderLink, Status, Table } from "./parts.js";

/** @typedef {import("../common/api.js").Schemas} Schemas */
/** @typedef {Schemas["PlacedOrder"]} PlacedOrder */

const COLUMNS = [
  { name: "deciding", of: ["placed", "abandoned", "cancelling"] },
  { name: "confirmed", of: ["confirmed"] },
  { name: "fulfilled", of: ["fulfilled"] },
  { name: "ended", of: ["rejected", "cancelled"] },
  { name: "parked", of: ["parked"] },
];
const NEWEST = 100;
const ATTENTION_EVERY_MS = 20_000;

const today = () => new Date().toISOString().slice(0, 10);

/** @param {{day?: string}} props */
export function Orders({ day = today() }) {
  const { value: page, error, readNow } = useLive(
    () => api.call("GET", "orders/placed", { query: { day, limit: NEWEST } }),
    [day],
  );
  const shown = /** @type {Schemas["PlacedOrderPage"] | undefined} */ (page?.day === day ? page : undefined);
  return html`<${Heading} title=${t("orders.title")}>${t("orders.title")}<//>
    <div class="tools">
      <div class="field"><label for="day">${t("orders.day")}</label>
        <input id="day" type="date" value=${day} max=${today()} onChange=${(/** @type {any} */ event) => event.target.value && goTo(["orders"], { day: event.target.value })} /></div>
      <form class="find" onSubmit=${(/** @type {Event} */ event) => { const { order } = fieldsOf(event); if (order) goTo(["orders", order]); }}>
        <div class="field"><label for="order">${t("orders.find")}</label><input id="order" name="order" autocomplete="off" spellcheck="false" placeholder="ord_…" pattern="[A-Za-z0-9_-]+" /></div>
        <button class="quiet">${t("orders.open")}</button>
      </form>
    </div>
    <${ErrorBox} error=${error} retry=${readNow} />
    ${shown ? html`<${Flow} page=${shown} key=${day} />` : error ? null : html`<${Loading} />`}`;
}

/** @param {{page: Schemas["PlacedOrderPage"]}} props */
function Flow({ page }) {
  const [older, setOlder] = useState({ orders: /** @type {PlacedOrder[]} */ ([]), next: /** @type {string | null | undefined} */ (undefined) });
  const { run, busy, error } = useAction(async () => {
    const cursor = older.next ?? page.next ?? undefined;
    const found = /** @type {Schemas["PlacedOrderPage"]} */ (await api.call("GET", "orders/placed", { query: { day: page.day, limit: NEWEST, cursor } }));
    setOlder((before) => ({ orders: [...before.orders, ...found.orders], next: found.next ?? null }));
  });
  const newest = new Set(page.orders.map((order) => order.order_id));
  const orders = [...page.orders, ...older.orders.filter((order) => !newest.has(order.order_id))];
  if (orders.length === 0) return html`<${Empty} title=${t("orders.none")}><p>${t("orders.noneWhy")}</p><//>`;
  const hasMore = older.next === undefined ? page.next : older.next;
  return html`<p class="quiet-text small-text" role="status">${t(hasMore ? "orders.newest" : "orders.all", { count: inNumber(orders.length) })}</p>
    <div class="flow">
      ${COLUMNS.map(({ name, of }) => html`<${Column} key=${name} name=${name} orders=${orders.filter((order) => of.includes(order.status))} />`)}
    </div>
    <${ErrorBox} error=${error} />
    ${hasMore ? html`<div class="actions"><button type="button" class="quiet" aria-busy=${busy} onClick=${() => run()}>${t("orders.older")}</button></div>` : null}`;
}

const SHOWN_IN_A_COLUMN = 30;

/** @param {{name: string, orders: PlacedOrder[]}} props */
function Column({ name, orders }) {
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? orders : orders.slice(0, SHOWN_IN_A_COLUMN);
  return html`<section class="column ${name === "parked" && orders.length ? "bad" : ""}" aria-labelledby="column-${name}">
    <h2 id="column-${name}">${t(`column.${name}`)} <span class="number quiet-text">${inNumber(orders.length)}</span></h2>
    <ul>
      ${shown.map((order) => html`<li key=${order.order_id}><article class="ticket" data-status=${order.status}>
        <p><${OrderLink} id=${order.order_id} /> <span class="number">${inMoney(order.total)}</span></p>
        <p class="small-text quiet-text"><${Moment} at=${order.since} /> ${name === "deciding" || name === "ended" ? html`<${Status} status=${order.status} />` : null}</p>
      </article></li>`)}
    </ul>
    ${orders.length > shown.length ? html`<button type="button" class="link" onClick=${() => setWhole(true)}>${t("orders.whole", { count: inNumber(orders.length) })}</button>` : null}
    ${orders.length === 0 ? html`<p class="quiet-text small-text">${t("column.none")}</p>` : null}
  </section>`;
}

const KINDS = /** @type {const} */ (["parked", "stuck", "late", "unsettled"]);

export function AttentionList() {
  const { value, error, readNow } = useLive(() => api.call("GET", "orders/attention", { query: { limit: 100 } }), [], ATTENTION_EVERY_MS);
  const found = /** @type {Schemas["Attention"] | undefined} */ (value);
  const isQuiet = found && KINDS.every((kind) => found[kind].length === 0);
  return html`<${Heading} title=${t("attention.title")}>${t("attention.title")}<//>
    <p class="lead">${t("attention.lead")}</p>
    <${ErrorBox} error=${error} retry=${readNow} />
    ${!found && !error ? html`<${Loading} />` : null}
    ${isQuiet ? html`<${Empty} title=${t("attention.none")} />` : null}
    ${found ? KINDS.filter((kind) => found[kind].length).map((kind) => html`<section key=${kind} class="block" aria-labelledby="kind-${kind}">
      <h2 id="kind-${kind}">${t(`attention.${kind}`)} <span class="number quiet-text">${found[kind].length}${found[kind].length === 100 ? "+" : ""}</span></h2>
      <p class="quiet-text">${t(`attention.${kind}Why`)}</p>
      <${Table} caption=${t(`attention.${kind}`)} head=${[t("order.order"), t("order.status"), t("attention.since"), t("attention.why")]}>
        ${found[kind].map((entry) => html`<tr key=${entry.order_id}>
          <td><${OrderLink} id=${entry.order_id} /></td><td><${Status} status=${entry.status} /></td><td><${Moment} at=${entry.since} /></td>
          <td>${[...(entry.reasons ?? []), ...(entry.payment_issues ?? []), entry.uncollected ? t("attention.uncollected") : ""].filter(Boolean).join("; ") || "–"}</td>
        </tr>`)}
      <//>
    </section>`) : null}`;
}
