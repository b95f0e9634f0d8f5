import "../common/texts.js";
import "./texts.js";
import { t } from "../common/i18n.js";
import { linkTo, place } from "../common/router.js";
import { settings } from "../common/settings.js";
import { Shell } from "../common/shell.js";
import { SignInAgain, SignInForm, signInByLink } from "../common/sign_in.js";
import { useStore } from "../common/store.js";
import { Empty, ErrorBox, Heading, useAction } from "../common/ui.js";
import { html, render } from "../vendor/preact.js";
import { session } from "./app.js";
import { Audit } from "./books.js";
import { DeadLetterQueue, DeadLetters } from "./dead_letters.js";
import { JobOf, Jobs } from "./jobs.js";
import { Order } from "./order.js";
import { AttentionList, Orders } from "./orders.js";
import { ProductOf, Products } from "./products.js";
import { Returns } from "./returns.js";
import { Stock, StockOf } from "./stock.js";

const PLACES = ["orders", "attention", "dead-letters", "stock", "products", "jobs", "returns", "books"];

/** @param {{segments: string[], query: URLSearchParams}} place */
function placeOf({ segments: [name = "orders", id], query }) {
  switch (name) {
    case "orders":
      return id ? html`<${Order} key=${id} id=${id} />` : html`<${Orders} day=${query.get("day") ?? undefined} />`;
    case "attention":
      return html`<${AttentionList} />`;
    case "dead-letters":
      return id ? html`<${DeadLetterQueue} key=${id} queue=${id} />` : html`<${DeadLetters} />`;
    case "stock":
      return id ? html`<${StockOf} key=${id} sku=${id} />` : html`<${Stock} />`;
    case "products":
      return id ? html`<${ProductOf} key=${id} sku=${id} />` : html`<${Products} />`;
    case "jobs":
      return id ? html`<${JobOf} key=${id} id=${id} />` : html`<${Jobs} />`;
    case "returns":
      return html`<${Returns} status=${query.get("status") ?? undefined} />`;
    case "books":
      return html`<${Audit} />`;
    default:
      return html`<${Heading} title=${t("board.nowhere")}>${t("board.nowhere")}<//><p><a href=${linkTo(["orders"])}>${t("orders.title")}</a></p>`;
  }
}

function Board() {
  const { person } = useStore(session.state);
  const here = useStore(place);
  const isAdmin = person?.groups.includes("admin");
  const links = isAdmin ? PLACES.map((name) => ({ href: linkTo([name]), text: t(`place.${name}`) })) : [];
  return html`<${Shell} home="#/orders" brand=${t("board.brand")} links=${links} foot=${person ? html`<${Foot} name=${person.name || person.email} />` : null}>
      ${isAdmin ? placeOf(here) : person ? html`<${NoAdmin} />` : html`<${Welcome} />`}
    <//>
    <${SignInAgain} session=${session} />`;
}

const Welcome = () => html`<div class="narrow"><${Heading} title=${t("board.title")}>${t("board.title")}<//>
  <p class="lead">${t("board.lead")}</p>
  <${SignInForm} session=${session} /></div>`;

const NoAdmin = () => html`<${Heading} title=${t("board.noAdmin")}>${t("board.noAdmin")}<//>
  <${Empty} title=${t("board.noAdminWhy")}><p>${t("board.noAdminDo")}</p><${SignOut} /><//>`;

/** @param {{name: string}} props */
const Foot = ({ name }) => html`<span>${t("board.signedIn", { name, stage: settings.stage })}</span><${SignOut} />`;

function SignOut() {
  const { run, busy, error } = useAction(() => session.signOut());
  return html`<button type="button" class="link" aria-busy=${busy} onClick=${() => run()}>${t("board.signOut")}</button><${ErrorBox} error=${error} />`;
}

await signInByLink(session);
render(html`<${Board} />`, document.body);
