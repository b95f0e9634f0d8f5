import "../common/texts.js";
import "./texts.js";
import { t } from "../common/i18n.js";
import { place } from "../common/router.js";
import { Shell } from "../common/shell.js";
import { SignInAgain, signInByLink } from "../common/sign_in.js";
import { useStore } from "../common/store.js";
import { Heading, wordsOf } from "../common/ui.js";
import { html, render } from "../vendor/preact.js";
import { Account } from "./account.js";
import { session } from "./app.js";
import { basket, countOf } from "./basket.js";
import { Catalog, ProductPlace } from "./catalog.js";
import { Basket, Checkout } from "./checkout.js";
import { OrderPlace, Orders } from "./orders.js";
import { CATEGORIES } from "./products.js";
import { SignIn } from "./sign_up.js";

/** The place that the URL names. */
function Place() {
  const { segments, query } = useStore(place);
  const [first = "", second = ""] = segments;
  const words = query.get("search") ?? "";
  if (segments.length === 0) return html`<${Catalog} category="" words=${words} />`;
  if (first === "category" && CATEGORIES.includes(second)) return html`<${Catalog} category=${second} words=${words} />`;
  if (first === "products" && second) return html`<${ProductPlace} key=${second} sku=${second} />`;
  if (first === "basket") return html`<${Basket} />`;
  if (first === "checkout") return html`<${ForCustomers}><${Checkout} /><//>`;
  if (first === "orders" && second) return html`<${ForCustomers}><${OrderPlace} key=${second} id=${second} /><//>`;
  if (first === "orders") return html`<${ForCustomers}><${Orders} /><//>`;
  if (first === "account") return html`<${ForCustomers}><${Account} /><//>`;
  return html`<${Heading} title=${t("place.none")}>${t("place.none")}<//><p class="lead">${t("place.noneText")}</p><p class="actions"><a class="button" href="#/">${t("basket.browse")}</a></p>`;
}

/** What only a customer has; anyone else signs in, and is there. @param {{children: any}} props */
function ForCustomers({ children }) {
  const { person } = useStore(session.state);
  return person ? html`<div key=${person.id}>${children}</div>` : html`<${SignIn} />`;
}

function Shop() {
  const count = countOf(useStore(basket));
  const { person } = useStore(session.state);
  const links = [
    { href: "#/", text: t("nav.shop") },
    { href: "#/orders", text: t("nav.orders") },
    { href: "#/account", text: person ? t("nav.account") : t("nav.signIn") },
    { href: "#/basket", text: html`${t("nav.basket")} <span class="count number">${count}</span><span class="visually-hidden"> ${t("nav.pieces")}</span>` },
  ];
  return html`<${Shell} home="#/" brand="Cartwright" links=${links} foot=${html`<span>${t("foot.text")}</span><a href="docs">${t("foot.api")}</a>`}>
      <${Place} />
    <//>
    <${SignInAgain} session=${session} />`;
}

/** @param {unknown} error of a link that signs in, null without one */
function show(error) {
  const notice = error ? html`<div class="notice warn" role="alert"><p>${wordsOf(error)}</p></div>` : null;
  render(html`${notice}<${Shop} />`, document.body);
}

show(null);
signInByLink(session).catch(show);
