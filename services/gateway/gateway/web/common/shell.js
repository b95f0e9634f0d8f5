/** The frame of a page: its bar with the navigation, its content, its foot. */

import { html } from "../vendor/preact.js";
import { t } from "./i18n.js";
import { place } from "./router.js";
import { useStore } from "./store.js";

/**
 * @typedef {object} NavigationLink
 * @property {string} href a place in this page
 * @property {any} text
 */

/**
 * @param {{home: string, brand: string, links: NavigationLink[], children: any, foot?: any}} props
 */
export function Shell({ home, brand, links, children, foot }) {
  const { segments } = useStore(place);
  const here = `#/${segments[0] ?? ""}`;
  return html`<a class="skip button" href="#main" onClick=${(/** @type {Event} */ event) => {
      // The fragment is the place in this page, so the link moves the focus alone.
      event.preventDefault();
      document.getElementById("main")?.focus();
    }}>${t("ui.skip")}</a>
    <header class="bar"><div class="bar-in">
      <a class="brand" href=${home}>${brand}</a>
      <nav aria-label=${brand}><ul>
        ${links.map(({ href, text }) => html`<li key=${href}><a href=${href} aria-current=${href.split("?")[0] === here ? "page" : undefined}>${text}</a></li>`)}
      </ul></nav>
    </div></header>
    <main id="main" tabindex="-1">${children}</main>
    ${foot ? html`<footer class="foot"><div class="foot-in">${foot}</div></footer>` : null}`;
}
