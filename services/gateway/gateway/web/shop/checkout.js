import { countryName, inMoney, t } from "../common/i18n.js";
import { goTo, linkTo } from "../common/router.js";
import { settings } from "../common/settings.js";
import { useStore } from "../common/store.js";
import { Choice, Empty, ErrorBox, Field, fieldsOf, Heading, Loading, useAction, useLoaded } from "../common/ui.js";
import { html } from "../vendor/preact.js";
import { api, session } from "./app.js";
import { basket, countOf, emptyBasket, setPieces } from "./basket.js";
import { Picture } from "./catalog.js";
import { readProduct } from "./products.js";

/**
 * @typedef {import("./app.js").Product} Product
 * @typedef {import("./app.js").Order} Order
 */

/** The sandbox's cards (services/payments_sandbox/README.md), the usual one first. */
const CARDS = [
  "pm_card_visa",
  "pm_card_chargeDeclined",
  "pm_sandbox_flaky",
  "pm_sandbox_lost_answer",
  "pm_sandbox_timeout",
  "pm_sandbox_error",
  "pm_sandbox_capture_expired",
  "pm_sandbox_capture_declined_once",
  "pm_card_refundFail",
];

// No carrier goes there, so an order shows how the saga undoes what it did.
const UNSERVED = "AQ";

/** The last attempt. The same order sent again has the same key, so it is placed once, even if an answer was lost. */
let attempt = { body: "", key: "" };

/**
 * @param {object} order
 * @returns {string}
 */
function keyOf(order) {
  const body = JSON.stringify([session.state.value.person?.id, order]);
  if (attempt.body !== body) attempt = { body, key: crypto.randomUUID() };
  return attempt.key;
}

/** @param {{pieces: Record<string, number>}} props the basket's products; some may have left the catalogue since */
function useProducts({ pieces }) {
  const skus = Object.keys(pieces).sort();
  return useLoaded(() => Promise.all(skus.map((sku) => readProduct(sku))), [skus.join()]);
}

/** @param {Product[]} products @param {Record<string, number>} pieces */
function sumOf(products, pieces) {
  const amount = products.reduce((sum, product) => sum + product.price.amount * (pieces[product.sku] ?? 0), 0);
  return { amount, currency: products[0]?.price.currency ?? "EUR" };
}

export function Basket() {
  const pieces = useStore(basket);
  const { value: products, error, reload } = useProducts({ pieces });
  const heading = html`<${Heading} title=${t("basket.title")}>${t("basket.title")}<//>`;
  if (countOf(pieces) === 0) {
    return html`${heading}<${Empty} title=${t("basket.empty")}><a class="button" href="#/">${t("basket.browse")}</a><//>`;
  }
  if (error) {
    return html`${heading}<div class="stack"><${ErrorBox} error=${error} retry=${reload} />
      <button class="quiet" onClick=${emptyBasket}>${t("basket.clear")}</button></div>`;
  }
  if (!products) return html`${heading}<${Loading} />`;
  const chosen = products.filter((product) => pieces[product.sku]);
  return html`${heading}
    <div class="with-side">
      <ul class="lines">
        ${chosen.map(
          (product) => html`<li key=${product.sku} class="line">
            <${Picture} product=${product} pixels=${160} />
            <div class="line-text"><a href=${linkTo(["products", product.sku])}>${product.name}</a><span class="quiet-text number">${inMoney(product.price)}</span></div>
            <${Quantity} product=${product} quantity=${pieces[product.sku] ?? 0} />
          </li>`,
        )}
      </ul>
      <aside class="card stack" aria-label=${t("basket.sum")}>
        <p class="sum"><span>${t("basket.sum")}</span><strong class="number">${inMoney(sumOf(chosen, pieces))}</strong></p>
        <p class="hint">${t("basket.sumHint")}</p>
        <a class="button wide" href="#/checkout">${t("basket.checkout")}</a>
      </aside>
    </div>`;
}

/** @param {{product: Product, quantity: number}} props */
function Quantity({ product, quantity }) {
  const { sku, name } = product;
  return html`<div class="quantity" role="group" aria-label=${t("basket.quantityOf", { name })}>
    <button type="button" class="quiet small" aria-label=${t(quantity > 1 ? "basket.less" : "basket.remove", { name })} onClick=${() => setPieces(sku, quantity - 1)}>−</button>
    <output aria-live="polite" class="number">${quantity}</output>
    <button type="button" class="quiet small" aria-label=${t("basket.more", { name })} onClick=${() => setPieces(sku, quantity + 1)}>+</button>
  </div>`;
}

export function Checkout() {
  const pieces = useStore(basket);
  const { person } = useStore(session.state);
  const { value: products } = useProducts({ pieces });
  const { run, busy, error } = useAction(async (/** @type {Record<string, string>} */ fields) => {
    const { card, line2, ...address } = fields;
    const body = {
      lines: Object.entries(basket.value).map(([sku, quantity]) => ({ sku, quantity })),
      shipping_address: { ...address, ...(line2 ? { line2 } : {}) },
      payment_token: card,
    };
    const order = /** @type {Order} */ (await api.call("POST", "orders", { body, headers: { "Idempotency-Key": keyOf(body) } }));
    emptyBasket();
    goTo(["orders", order.order_id]);
  });
  const heading = html`<${Heading} title=${t("checkout.title")}>${t("checkout.title")}<//>`;
  if (countOf(pieces) === 0) return html`${heading}<${Empty} title=${t("basket.empty")}><a class="button" href="#/">${t("basket.browse")}</a><//>`;
  if (!settings.has_test_cards) return html`${heading}<p class="lead">${t("checkout.noCards")}</p>`;
  const countries = settings.countries.map((code) => ({ value: code, text: countryName(code) })).sort((a, b) => a.text.localeCompare(b.text));
  return html`${heading}
    <form class="with-side checkout" onSubmit=${(/** @type {Event} */ event) => run(fieldsOf(event))}>
      <div class="stack-wide">
        <fieldset class="stack"><legend><h2>${t("checkout.address")}</h2></legend>
          <${Field} label=${t("checkout.name")} name="name" autocomplete="name" required maxlength="100" value=${person?.name} />
          <${Field} label=${t("checkout.line1")} name="line1" autocomplete="address-line1" required maxlength="100" />
          <${Field} label=${t("checkout.line2")} name="line2" autocomplete="address-line2" maxlength="100" />
          <div class="two">
            <${Field} label=${t("checkout.postalCode")} name="postal_code" autocomplete="postal-code" required maxlength="20" />
            <${Field} label=${t("checkout.city")} name="city" autocomplete="address-level2" required maxlength="100" />
          </div>
          <${Choice} label=${t("checkout.country")} name="country" autocomplete="country" value=${settings.countries.includes("DE") ? "DE" : settings.countries[0]}
            options=${[...countries, { value: UNSERVED, text: `${countryName(UNSERVED)} – ${t("checkout.unserved")}` }]} />
        </fieldset>
        <fieldset class="stack"><legend><h2>${t("checkout.card")}</h2></legend>
          <p class="hint">${t("checkout.cardHint")}</p>
          <div class="cards">
            ${CARDS.map(
              (card, index) => html`<label key=${card} class="card-choice"><input type="radio" name="card" value=${card} defaultChecked=${index === 0} required />
                <span><strong>${t(`card.${card}`)}</strong><span class="hint">${t(`card.${card}.does`)}</span></span></label>`,
            )}
          </div>
        </fieldset>
      </div>
      <aside class="card stack" aria-label=${t("basket.sum")}>
        ${products
          ? html`<ul class="small-text stack">${products.map((product) => html`<li key=${product.sku} class="sum"><span>${pieces[product.sku]} × ${product.name}</span>
              <span class="number">${inMoney({ ...product.price, amount: product.price.amount * (pieces[product.sku] ?? 0) })}</span></li>`)}</ul>
            <p class="sum"><span>${t("basket.sum")}</span><strong class="number">${inMoney(sumOf(products, pieces))}</strong></p>`
          : html`<${Loading} />`}
        <p class="hint">${t("basket.sumHint")}</p>
        <${ErrorBox} error=${error} />
        <button class="wide" aria-busy=${busy}>${t("checkout.place")}</button>
      </aside>
    </form>`;
}
