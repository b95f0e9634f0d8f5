/** The audit of the books, recomputed in the browser from what the API has: the ledger of stock, and the payments of orders. */

import { inNumber, t } from "../common/i18n.js";
import { ErrorBox, Heading, useAction } from "../common/ui.js";
import { html, useRef, useState } from "../vendor/preact.js";
import { api } from "./app.js";
import { OrderLink } from "./parts.js";

/** @typedef {import("../common/api.js").Schemas} Schemas */

// An audit is as many requests as it reads products, and orders. So it has an end, and says where it ended.
const MOST_PRODUCTS = 500;
const MOST_PAGES_OF_A_LEDGER = 50;
const MOST_ORDERS = 200;

/**
 * @typedef {object} Books
 * @property {number} products
 * @property {number} orders
 * @property {boolean} isWhole
 * @property {{sku: string, text: string}[]} oversold
 * @property {{sku: string, text: string}[]} unbalanced
 * @property {string[]} chargedTwice
 */

/** @returns {Books} */
const nothing = () => ({ products: 0, orders: 0, isWhole: true, oversold: [], unbalanced: [], chargedTwice: [] });

/** @param {Schemas["StockView"]} level */
async function sumOfLedger(level) {
  let sum = 0;
  /** @type {string | null | undefined} */
  let cursor;
  for (let pages = 0; pages < MOST_PAGES_OF_A_LEDGER; pages += 1) {
    const page = /** @type {Schemas["MovementPage"]} */ (await api.call("GET", `inventory/${encodeURIComponent(level.sku)}/movements`, { query: { limit: 100, cursor: cursor ?? undefined } }));
    for (const movement of page.movements) sum += movement.quantity;
    if (!page.next) return sum;
    cursor = page.next;
  }
  return null;
}

/**
 * A level and its ledger were read one after the other. A movement in between is no contradiction.
 *
 * @param {Schemas["StockView"]} level
 */
async function contradiction(level) {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const sum = await sumOfLedger(level);
    if (sum === null) return "too long";
    if (sum === level.on_hand) return "";
    const now = /** @type {Schemas["StockView"]} */ (await api.call("GET", `inventory/${encodeURIComponent(level.sku)}`));
    if (now.on_hand === level.on_hand) return t("books.sum", { sum: inNumber(sum), onHand: inNumber(level.on_hand) });
    level = now;
  }
  return "";
}

/**
 * @param {(books: Books) => void} show
 * @param {{current: boolean}} goesOn
 */
async function audit(show, goesOn) {
  const books = nothing();
  /** @type {string | null | undefined} */
  let cursor;
  do {
    const page = /** @type {Schemas["StockPage"]} */ (await api.call("GET", "inventory", { query: { limit: 100, cursor: cursor ?? undefined } }));
    for (const level of page.stock) {
      if (!goesOn.current) return;
      if (level.available < 0) books.oversold.push({ sku: level.sku, text: inNumber(level.available) });
      const found = await contradiction(level);
      if (found === "too long") books.isWhole = false;
      else if (found) books.unbalanced.push({ sku: level.sku, text: found });
      books.products += 1;
      show({ ...books });
    }
    cursor = page.next;
  } while (cursor && books.products < MOST_PRODUCTS);
  books.isWhole &&= !cursor;
  do {
    const page = /** @type {Schemas["PlacedOrderPage"]} */ (await api.call("GET", "orders/placed", { query: { limit: 100, cursor: cursor ?? undefined } }));
    for (const order of page.orders) {
      if (!goesOn.current) return;
      const { events } = /** @type {Schemas["OrderEvents"]} */ (await api.call("GET", `orders/${order.order_id}/events`));
      if (events.filter((event) => event.event_type === "payment.captured").length > 1) books.chargedTwice.push(order.order_id);
      books.orders += 1;
      show({ ...books });
    }
    cursor = page.next;
  } while (cursor && books.orders < MOST_ORDERS);
  books.isWhole &&= !cursor;
  show({ ...books });
}

export function Audit() {
  const [books, setBooks] = useState(/** @type {Books | null} */ (null));
  const [isDone, setDone] = useState(false);
  const goesOn = useRef(false);
  const { run, busy, error } = useAction(async () => {
    goesOn.current = true;
    setDone(false);
    setBooks(nothing());
    await audit(setBooks, goesOn);
    setDone(true);
  });
  return html`<${Heading} title=${t("books.title")}>${t("books.title")}<//>
    <p class="lead">${t("books.lead", { products: inNumber(MOST_PRODUCTS), orders: inNumber(MOST_ORDERS) })}</p>
    <div class="actions">
      <button type="button" aria-busy=${busy} onClick=${() => run()}>${t("books.do")}</button>
      ${busy ? html`<button type="button" class="quiet" onClick=${() => (goesOn.current = false)}>${t("books.stop")}</button>` : null}
    </div>
    <${ErrorBox} error=${error} retry=${() => run()} />
    ${books ? html`<p role="status">${t("books.read", { products: inNumber(books.products), orders: inNumber(books.orders) })} ${isDone ? t(books.isWhole ? "books.whole" : "books.part") : ""}</p>
      <div class="facts">
        <${Figure} label=${t("books.oversold")} count=${books.oversold.length} /><${Figure} label=${t("books.unbalanced")} count=${books.unbalanced.length} /><${Figure} label=${t("books.twice")} count=${books.chargedTwice.length} />
      </div>
      <ul>
        ${[...books.oversold, ...books.unbalanced].map(({ sku, text }) => html`<li><a class="mono" href="#/stock/${encodeURIComponent(sku)}">${sku}</a> ${text}</li>`)}
        ${books.chargedTwice.map((id) => html`<li><${OrderLink} id=${id} /></li>`)}
      </ul>` : null}`;
}

/** @param {{label: string, count: number}} props */
const Figure = ({ label, count }) => html`<div><span class="label">${label}</span><span class="figure number ${count ? "bad" : ""}">${inNumber(count)}</span></div>`;
