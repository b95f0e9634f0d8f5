/** One order: where it stands, its path across the services, and what an operator can do about it. */

import { inDateAndTime, inMoney, inTime, t, textOr } from "../common/i18n.js";
import { linkTo } from "../common/router.js";
import { Confirm, Empty, ErrorBox, Heading, Loading } from "../common/ui.js";
import { html, useState } from "../vendor/preact.js";
import { api, useLive } from "./app.js";
import { Moment, Status, Table } from "./parts.js";

/** @typedef {import("../common/api.js").Schemas} Schemas */

const OPEN = ["placed", "abandoned", "cancelling"];
const CANCELLABLE = ["placed", "confirmed"];
const EVENTS_EVERY_MS = 5000;
// Each reading of an order leaves a line in the audit trail.
const OPEN_EVERY_MS = 3000;
const FINAL_EVERY_MS = 60_000;

/** @param {{id: string}} props */
export function Order({ id }) {
  const [isOpen, setOpen] = useState(true);
  const { value, error, readNow } = useLive(
    async () => {
      const read = /** @type {Schemas["OrderView"]} */ (await api.call("GET", `orders/${encodeURIComponent(id)}`));
      setOpen(OPEN.includes(read.status));
      return read;
    },
    [id, isOpen],
    isOpen ? OPEN_EVERY_MS : FINAL_EVERY_MS,
  );
  const order = value?.order_id === id ? value : undefined;
  return html`<p><a href=${linkTo(["orders"])}>${t("order.back")}</a></p>
    <${Heading} title=${t("order.title")}>${t("order.title")}<//>
    <p class="mono quiet-text">${id}</p>
    <${ErrorBox} error=${error} retry=${readNow} />
    ${order ? html`<${Facts} order=${order} /><${Actions} order=${order} onDone=${readNow} />` : error ? null : html`<${Loading} />`}
    ${order ? html`<${Path} id=${id} order=${order} />` : null}`;
}

/** @param {{order: Schemas["OrderView"]}} props */
function Facts({ order }) {
  const reason = order.rejection_reason ?? order.cancellation_reason;
  return html`<div class="facts">
      <div><span class="label">${t("order.status")}</span><${Status} status=${order.status} /></div>
      <div><span class="label">${t("order.placed")}</span>${inDateAndTime(order.placed_at)}</div>
      <div><span class="label">${t("order.total")}</span><span class="number">${inMoney(order.total)}</span></div>
      ${reason ? html`<div><span class="label">${t("order.reason")}</span>${textOr(`reason.${reason}`, reason)}</div>` : null}
      ${order.cancelled_by ? html`<div><span class="label">${t("order.by")}</span>${textOr(`by.${order.cancelled_by}`, order.cancelled_by)}</div>` : null}
      ${order.tracking_reference ? html`<div><span class="label">${t("order.tracking")}</span><span class="mono">${order.tracking_reference}</span></div>` : null}
      ${order.payment_issues?.length ? html`<div><span class="label">${t("order.issues")}</span>${order.payment_issues.join(", ")}</div>` : null}
    </div>
    <${Table} caption=${t("order.lines")} head=${[t("stock.sku"), t("order.pieces"), t("order.total")]}>
      ${order.lines.map((line) => html`<tr key=${line.sku}><td class="mono"><a href=${linkTo(["stock", line.sku])}>${line.sku}</a></td><td class="number">${line.quantity}</td><td class="number">${inMoney(line.total)}</td></tr>`)}
    <//>`;
}

/** @param {{order: Schemas["OrderView"], onDone: () => void}} props */
function Actions({ order, onDone }) {
  const [asked, setAsked] = useState("");
  const canResume = order.status === "parked" || (order.payment_issues ?? []).length > 0;
  const canCancel = CANCELLABLE.includes(order.status);
  if (!canResume && !canCancel) return null;
  return html`<div class="actions">
    ${canResume ? html`<button type="button" onClick=${() => setAsked("resume")}>${t("order.resume")}</button>` : null}
    ${canCancel ? html`<button type="button" class="quiet" onClick=${() => setAsked("cancel")}>${t("order.cancel")}</button>` : null}
    ${asked ? html`<${Confirm} title=${t(`order.${asked}Title`)} text=${t(order.status !== "parked" && asked === "resume" ? "order.settleText" : `order.${asked}Text`)} yes=${t(`order.${asked}`)}
      onYes=${async () => {
        await api.call("POST", `orders/${encodeURIComponent(order.order_id)}/${asked}`);
        onDone();
      }} onClose=${() => setAsked("")} />` : null}
  </div>`;
}

/** @param {{id: string, order: Schemas["OrderView"]}} props */
function Path({ id, order }) {
  const { value, error, readNow } = useLive(() => api.call("GET", `orders/${encodeURIComponent(id)}/events`), [id], EVENTS_EVERY_MS);
  const events = /** @type {Schemas["OrderEvents"] | undefined} */ (value)?.events;
  return html`<section class="block" aria-labelledby="path">
    <h2 id="path">${t("path.title")}</h2>
    <p class="quiet-text">${t("path.lead")}</p>
    <ol class="history">${order.history.map((entry) => html`<li><${Status} status=${entry.status} /> <${Moment} at=${entry.at} /></li>`)}</ol>
    <${ErrorBox} error=${error} retry=${readNow} />
    ${events && events.length === 0 ? html`<${Empty} title=${t("path.none")}><p>${t("path.noneWhy")}</p><//>` : null}
    ${events?.length ? html`<ol class="path">${events.map((event) => html`<${Step} key=${event.event_id} event=${event} first=${events[0]} />`)}</ol>` : null}
  </section>`;
}

/** @param {{event: Schemas["ArchivedEvent"], first: Schemas["ArchivedEvent"] | undefined}} props */
function Step({ event, first }) {
  const after = first ? (Date.parse(event.occurred_at) - Date.parse(first.occurred_at)) / 1000 : 0;
  const isBad = /failed|declined|rejected|released|voided|cancelled|parked|abandoned/.test(event.event_type);
  const service = event.event_type.split(".")[0] ?? "";
  return html`<li class=${isBad ? "bad" : ""}>
    <details>
      <summary><span class="service">${textOr(`service.${service}`, service)}</span> <strong>${event.event_type}</strong>
        <span class="quiet-text number"> ${inTime(event.occurred_at)} (+${after.toFixed(1)} s)</span></summary>
      <pre tabindex="0">${JSON.stringify(event.data, null, 2)}</pre>
      <p class="small-text quiet-text">${t("path.because", { cause: event.caused_by ?? "–" })}</p>
    </details>
  </li>`;
}
