import { countryName, inDateAndTime, inMoney, inNumber, inTime, t, textOr } from "../common/i18n.js";
import { linkTo } from "../common/router.js";
import { useStore } from "../common/store.js";
import { Confirm, Empty, ErrorBox, Heading, Loading, useAction, useLoaded } from "../common/ui.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { api, lastChange, live } from "./app.js";
import { readProduct } from "./products.js";
import { Returns } from "./returns.js";
import { canBeCancelled, isUnderWay, stepsOf, toneOf } from "./saga.js";

/**
 * @typedef {import("./app.js").Order} Order
 * @typedef {import("./app.js").Schemas["OrderPage"]} OrderPage
 */

/** Calls `onChange` with each change from now on; null says that some were missed. @param {(change: import("./app.js").Change | null) => void} onChange */
function useChanges(onChange) {
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => lastChange.follow((change) => latest.current(change)), []);
}

/** Whether changes come as they happen. */
export function LiveTag() {
  const state = useStore(live.state);
  return html`<span class="tag live ${state === "open" ? "good" : state === "lost" ? "warn" : ""}" role="status"><span class="dot" aria-hidden="true"></span>${t(`live.${state}`)}</span>`;
}

/** @param {{status: string, of?: string}} props */
export function StatusTag({ status, of = "status" }) {
  return html`<span class="tag ${toneOf(status)}">${textOr(`${of}.${status}`, status)}</span>`;
}

export function Orders() {
  const [orders, setOrders] = useState(/** @type {Order[] | null} */ (null));
  const [next, setNext] = useState(/** @type {string | null | undefined} */ (undefined));
  const first = useAction(async () => {
    const page = /** @type {OrderPage} */ (await api.call("GET", "orders", { query: { limit: 20 } }));
    setOrders(page.orders);
    setNext(page.next);
  });
  const more = useAction(async () => {
    const page = /** @type {OrderPage} */ (await api.call("GET", "orders", { query: { limit: 20, cursor: next ?? undefined } }));
    setOrders((before) => [...(before ?? []), ...page.orders]);
    setNext(page.next);
  });
  useEffect(() => void first.run(), []);
  useChanges((change) => {
    if (change && orders?.some(({ order_id }) => order_id === change.order_id)) {
      if (change.type !== "order.changed") return;
      const status = /** @type {Order["status"]} */ (change.status);
      setOrders((before) => before?.map((order) => (order.order_id === change.order_id ? { ...order, status } : order)) ?? null);
    } else void first.run();
  });
  return html`<div class="title-row"><${Heading} title=${t("orders.title")}>${t("orders.title")}<//><${LiveTag} /></div>
    <${ErrorBox} error=${first.error} retry=${() => first.run()} />
    ${!orders && first.busy ? html`<${Loading} />` : null}
    ${orders?.length === 0 ? html`<${Empty} title=${t("orders.empty")}><a class="button" href="#/">${t("basket.browse")}</a><//>` : null}
    ${orders?.length
      ? html`<ul class="orders">
          ${orders.map(
            (order) => html`<li key=${order.order_id}><a class="order-row" href=${linkTo(["orders", order.order_id])}>
              <span class="order-when">${inDateAndTime(order.placed_at)}<span class="hint">${t("orders.pieces", { count: inNumber(order.lines.reduce((sum, line) => sum + line.quantity, 0)) })}</span></span>
              <${StatusTag} status=${order.status} />
              <span class="number">${inMoney(order.total)}</span>
            </a></li>`,
          )}
        </ul>`
      : null}
    <${ErrorBox} error=${more.error} retry=${() => more.run()} />
    ${next ? html`<div class="actions centred"><button class="quiet" aria-busy=${more.busy} onClick=${() => more.run()}>${t("ui.more")}</button></div>` : null}`;
}

/** @param {{id: string}} props */
export function OrderPlace({ id }) {
  const { value: order, error, reload, set } = useLoaded(() => /** @type {Promise<Order>} */ (api.call("GET", `orders/${encodeURIComponent(id)}`)), [id]);
  const [asks, setAsks] = useState(false);
  useChanges((change) => {
    if (change && change.order_id !== id) return;
    // The status shows at once; what belongs to it follows.
    if (change?.type === "order.changed" && order) {
      const status = /** @type {Order["status"]} */ (change.status);
      set({ ...order, status, history: [...order.history, { status, at: change.at }] });
    }
    reload();
  });
  if (error && !order) {
    return html`<${Heading} title=${t("orders.one")}>${t("place.none")}<//><div class="stack"><${ErrorBox} error=${error} retry=${reload} /><a href="#/orders">${t("orders.back")}</a></div>`;
  }
  if (!order) return html`<${Loading} />`;
  return html`<p class="eyebrow"><a href="#/orders">${t("orders.title")}</a></p>
    <div class="title-row"><${Heading} title=${t("orders.one")}>${t(`headline.${order.status}`)}<//><${LiveTag} /></div>
    <p class="lead" aria-live="polite">${wordsOn(order)}</p>
    <${Steps} order=${order} />
    ${canBeCancelled(order) ? html`<div class="actions"><button class="quiet" onClick=${() => setAsks(true)}>${t("orders.cancel")}</button></div>` : null}
    ${asks
      ? html`<${Confirm} title=${t("orders.cancelTitle")} text=${t("orders.cancelText")} yes=${t("orders.cancelYes")} onClose=${() => setAsks(false)}
          onYes=${async () => set(await api.call("POST", `orders/${encodeURIComponent(id)}/cancel`))} />`
      : null}
    <div class="with-side order-parts">
      <div class="stack-wide">
        <${Bill} order=${order} />
        ${order.status === "fulfilled" ? html`<${Returns} order=${order} />` : null}
      </div>
      <aside class="stack">
        <section class="card stack"><h2>${t("orders.facts")}</h2>
          <dl class="facts">
            <dt>${t("orders.number")}</dt><dd class="mono">${order.order_id}</dd>
            ${order.tracking_reference ? html`<dt>${t("orders.tracking")}</dt><dd class="mono">${order.tracking_reference}</dd>` : null}
            <dt>${t("checkout.address")}</dt><dd>${[order.shipping_address.name, order.shipping_address.line1, order.shipping_address.line2, `${order.shipping_address.postal_code} ${order.shipping_address.city}`, countryName(order.shipping_address.country)].filter(Boolean).map((line) => html`<div>${line}</div>`)}</dd>
          </dl>
        </section>
        <section class="card stack"><h2>${t("orders.history")}</h2>
          <ol class="history">${order.history.map(({ status, at }) => html`<li key=${status + at}><time class="number" datetime=${at} title=${inDateAndTime(at)}>${inTime(at)}</time> ${t(`status.${status}`)}</li>`)}</ol>
        </section>
      </aside>
    </div>`;
}

/** @param {Order} order */
function wordsOn(order) {
  if (order.status === "rejected") return textOr(`rejection.${order.rejection_reason}`, t("rejection.technical_failure"));
  if (order.status === "cancelled" && order.cancellation_reason === "payment_failed") return t("words.cancelledPayment");
  return t(`words.${order.status}`);
}

/** @param {{order: Order}} props */
function Steps({ order }) {
  return html`<ol class="steps ${isUnderWay(order) ? "under-way" : ""}" aria-label=${t("steps.title")}>
    ${stepsOf(order).map(
      ({ step, state }) => html`<li key=${step} class="step ${state}" data-step=${step} data-state=${state}>
        <span class="step-mark" aria-hidden="true"></span>
        <span class="step-name">${t(`step.${step}`)}</span>
        <span class="step-state">${t(`state.${state}`)}</span>
      </li>`,
    )}
  </ol>`;
}

/** @param {{order: Order}} props */
function Bill({ order }) {
  const { breakdown } = order;
  const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 2 }).format(breakdown.tax.rate_basis_points / 10_000);
  return html`<section class="stack"><h2>${t("bill.title")}</h2>
    <table>
      <thead><tr><th scope="col">${t("bill.product")}</th><th scope="col" class="amount">${t("bill.pieces")}</th><th scope="col" class="amount">${t("bill.price")}</th></tr></thead>
      <tbody>${order.lines.map(
        (line) => html`<tr key=${line.sku}><td><${ProductName} sku=${line.sku} /></td><td class="amount">${inNumber(line.quantity)}</td><td class="amount">${inMoney(line.total)}</td></tr>`,
      )}</tbody>
      <tbody class="bill-sums">
        <tr><th scope="row" colspan="2">${t("bill.shipping")}</th><td class="amount">${inMoney(breakdown.shipping)}</td></tr>
        <tr class="total"><th scope="row" colspan="2">${t("bill.total")}</th><td class="amount">${inMoney(breakdown.total)}</td></tr>
        <tr><th scope="row" colspan="2">${t("bill.tax", { percent })}</th><td class="amount">${inMoney(breakdown.tax.amount)}</td></tr>
      </tbody>
    </table></section>`;
}

/** The product's name, once the catalogue has told it; its sku until then, and if it has left the catalogue. @param {{sku: string}} props */
export function ProductName({ sku }) {
  const { value } = useLoaded(() => readProduct(sku), [sku]);
  return html`<a href=${linkTo(["products", sku])}>${value?.name ?? sku}</a>`;
}
