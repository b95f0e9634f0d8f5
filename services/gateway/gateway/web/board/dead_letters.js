/** The dead letters: which queue has how many, why, and sending them again. */

import { inNumber, t } from "../common/i18n.js";
import { linkTo } from "../common/router.js";
import { Confirm, Empty, ErrorBox, Heading, Loading, useLoaded } from "../common/ui.js";
import { html, useState } from "../vendor/preact.js";
import { api, useLive } from "./app.js";
import { Moment, OrderLink, Table } from "./parts.js";

/** @typedef {import("../common/api.js").Schemas} Schemas */

const QUEUES_EVERY_MS = 30_000;

export function DeadLetters() {
  const { value, error, readNow } = useLive(() => api.call("GET", "dead-letters"), [], QUEUES_EVERY_MS);
  const queues = /** @type {Schemas["DeadLetterQueues"] | undefined} */ (value)?.queues;
  const filled = queues?.filter((queue) => queue.waiting > 0) ?? [];
  return html`<${Heading} title=${t("dead.title")}>${t("dead.title")}<//>
    <p class="lead">${t("dead.lead")}</p>
    <${ErrorBox} error=${error} retry=${readNow} />
    ${!queues && !error ? html`<${Loading} />` : null}
    ${queues && filled.length === 0 ? html`<${Empty} title=${t("dead.none")}><p>${t("dead.noneWhy", { count: queues.length })}</p><//>` : null}
    ${filled.length ? html`<${Table} caption=${t("dead.title")} head=${[t("dead.queue"), t("dead.waiting")]}>
      ${filled.map((queue) => html`<tr key=${queue.queue}><td><a href=${linkTo(["dead-letters", queue.queue])}>${queue.queue}</a></td><td class="number">${inNumber(queue.waiting)}</td></tr>`)}
    <//>` : null}`;
}

/** @param {{queue: string}} props */
export function DeadLetterQueue({ queue }) {
  const path = `dead-letters/${encodeURIComponent(queue)}`;
  const { value, error, loading, reload } = useLoaded(() => /** @type {Promise<Schemas["DeadLetters"]>} */ (api.call("GET", path)), [queue]);
  const [asks, setAsks] = useState(false);
  const [said, setSaid] = useState("");
  /** @param {string} before */
  async function redrive(before) {
    let sent = 0;
    for (;;) {
      const done = /** @type {Schemas["Redrive"]} */ (await api.call("POST", `${path}/redrive`, { body: { before } }));
      sent += done.sent;
      if (done.sent === 0) break;
    }
    setSaid(t("dead.sent", { count: inNumber(sent) }));
    reload();
  }
  return html`<p><a href=${linkTo(["dead-letters"])}>${t("dead.back")}</a></p>
    <${Heading} title=${queue}>${queue}<//>
    <p role="status">${said}</p>
    <${ErrorBox} error=${error} retry=${reload} />
    ${loading && !value ? html`<${Loading} />` : null}
    ${value && value.groups.length === 0 ? html`<${Empty} title=${t("dead.empty")} />` : null}
    ${value?.groups.length ? html`<p class="quiet-text">${t("dead.inspected", { inspected: inNumber(value.inspected), waiting: inNumber(value.waiting) })}</p>
      <${Table} caption=${queue} head=${[t("dead.count"), t("dead.event"), t("dead.reason"), t("dead.oldest"), t("dead.about")]}>
        ${value.groups.map((group) => html`<tr>
          <td class="number">${inNumber(group.count)}</td><td class="mono">${group.event_type ?? t("dead.noEvent")}</td>
          <td>${group.reason ?? t("dead.noReason")}</td><td><${Moment} at=${group.oldest} /></td>
          <td>${group.aggregate_ids.map((id) => html`<div class="mono small-text">${id.startsWith("ord_") ? html`<${OrderLink} id=${id} />` : id}</div>`)}</td>
        </tr>`)}
      <//>
      ${value.redrivable
        ? html`<div class="actions"><button type="button" onClick=${() => setAsks(true)}>${t("dead.redrive")}</button><button type="button" class="quiet" onClick=${reload}>${t("dead.again")}</button></div>`
        : html`<p class="notice">${t("dead.byCommand", { queue })}</p>`}` : null}
    ${asks && value ? html`<${Confirm} title=${t("dead.redriveTitle")} text=${t("dead.redriveText", { queue, count: inNumber(value.waiting) })} yes=${t("dead.redrive")} onYes=${() => redrive(value.as_of)} onClose=${() => setAsks(false)} />` : null}`;
}
