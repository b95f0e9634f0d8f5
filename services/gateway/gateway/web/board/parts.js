/** Parts that several places of the board use. */

import { inDateAndTime, inTime, t, textOr } from "../common/i18n.js";
import { linkTo } from "../common/router.js";
import { ErrorBox, useAction } from "../common/ui.js";
import { html } from "../vendor/preact.js";

/** @type {Record<string, string>} */
const TONES = {
  fulfilled: "good", succeeded: "good", refunded: "good",
  parked: "bad", failed: "bad", refused: "bad",
  rejected: "warn", abandoned: "warn", cancelling: "warn", cancelled: "warn", expired: "warn",
};

/** @param {{status: string}} props */
export const Status = ({ status }) => html`<span class="tag ${TONES[status] ?? ""}">${textOr(`status.${status}`, status)}</span>`;

/** @param {{id: string}} props */
export const OrderLink = ({ id }) => html`<a class="mono" href=${linkTo(["orders", id])} title=${id}>${short(id)}</a>`;

/** @param {string} id */
export const short = (id) => (id.length > 16 ? `${id.slice(0, 12)}…` : id);

/** @param {{at: string}} props a time of today in short, another with its day */
export function Moment({ at }) {
  const isToday = new Date(at).toDateString() === new Date().toDateString();
  return html`<time datetime=${at} title=${at}>${isToday ? inTime(at) : inDateAndTime(at)}</time>`;
}

/**
 * A table that scrolls in itself on a narrow screen, so that the page does not.
 *
 * @param {{caption: string, head: any[], children: any}} props
 */
export const Table = ({ caption, head, children }) => html`<div class="scroller" tabindex="0" role="group" aria-label=${caption}>
  <table>
    <caption class="visually-hidden">${caption}</caption>
    <thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
    <tbody>${children}</tbody>
  </table>
</div>`;

/** @param {{pages: {next?: string | null, more: () => Promise<void>}}} props */
export function More({ pages }) {
  const { run, busy, error } = useAction(pages.more);
  return html`<${ErrorBox} error=${error} />
    ${pages.next ? html`<div class="actions"><button type="button" class="quiet" aria-busy=${busy} onClick=${() => run()}>${t("ui.more")}</button></div>` : null}`;
}
