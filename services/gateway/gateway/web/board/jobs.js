/** Jobs: exports, imports and reports, with their progress and their files. */

import { inNumber, t, textOr } from "../common/i18n.js";
import { linkTo } from "../common/router.js";
import { Choice, Confirm, Empty, ErrorBox, Field, Heading, Loading, fieldsOf, useAction } from "../common/ui.js";
import { html, useRef, useState } from "../vendor/preact.js";
import { api, upload, useLive, usePages } from "./app.js";
import { Moment, More, Status, Table } from "./parts.js";

/** @typedef {import("../common/api.js").Schemas} Schemas */
/** @typedef {Schemas["JobView"]} Job */

const UNDER_WAY = ["queued", "running", "cancelling"];
const LIVE_MS = 2000;
const STILL_MS = 60_000;

export function Jobs() {
  const pages = usePages((cursor) => /** @type {Promise<Schemas["JobPage"]>} */ (api.call("GET", "jobs", { query: { limit: 20, cursor } })), (page) => page.jobs, []);
  return html`<${Heading} title=${t("jobs.title")}>${t("jobs.title")}<//>
    <${NewJob} />
    <section class="block" aria-labelledby="all-jobs"><h2 id="all-jobs">${t("jobs.all")}</h2>
      <${ErrorBox} error=${pages.error} retry=${pages.again} />
      ${!pages.entries && !pages.error ? html`<${Loading} />` : null}
      ${pages.entries?.length === 0 ? html`<${Empty} title=${t("jobs.none")} />` : null}
      ${pages.entries?.length ? html`<${Table} caption=${t("jobs.all")} head=${[t("jobs.kind"), t("order.status"), t("jobs.progress"), t("jobs.asked")]}>
        ${pages.entries.map((job) => html`<tr key=${job.job_id}><td><a href=${linkTo(["jobs", job.job_id])}>${textOr(`job.${job.kind}`, job.kind)}</a></td><td><${Status} status=${job.status} /></td><td class="number">${done(job)}</td><td><${Moment} at=${job.created_at} /></td></tr>`)}
      <//><${More} pages=${pages} />` : null}
    </section>`;
}

/** @param {Job} job */
const done = (job) => (job.progress.total ? `${inNumber(job.progress.done)} / ${inNumber(job.progress.total)}` : inNumber(job.progress.done));

function NewJob() {
  const [kind, setKind] = useState("order_export");
  const key = useRef(crypto.randomUUID());
  const { run, busy, error } = useAction(async (/** @type {Event} */ event) => {
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const fields = fieldsOf(event);
    const file = /** @type {HTMLInputElement | null} */ (form.elements.namedItem("file"))?.files?.[0];
    const job = /** @type {Job} */ (await api.call("POST", "jobs", { body: await bodyOf(kind, fields, file), headers: { "Idempotency-Key": key.current } }));
    key.current = crypto.randomUUID();
    location.hash = linkTo(["jobs", job.job_id]);
  });
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  return html`<form class="card" onSubmit=${run} onInput=${() => (key.current = crypto.randomUUID())}>
    <h2>${t("jobs.new")}</h2>
    <div class="three">
      <${Choice} label=${t("jobs.kind")} name="kind" value=${kind} onChange=${(/** @type {any} */ event) => setKind(event.target.value)} options=${["order_export", "product_import", "weekly_report"].map((value) => ({ value, text: t(`job.${value}`) }))} />
      ${kind === "order_export" ? html`<${Field} key="from" label=${t("jobs.from")} name="from" type="date" required value=${yesterday} /><${Field} key="to" label=${t("jobs.to")} name="to" type="date" required value=${new Date().toISOString().slice(0, 10)} />` : null}
      ${kind === "product_import" ? html`<${Field} key="file" label=${t("jobs.file")} name="file" type="file" accept=".csv,text/csv" required hint=${t("jobs.fileHint")} />` : null}
      ${kind === "weekly_report" ? html`<${Field} key="week" label=${t("jobs.week")} name="week" required pattern="[0-9]{4}-W[0-9]{2}" placeholder="2026-W10" hint=${t("jobs.weekHint")} />` : null}
    </div>
    <${ErrorBox} error=${error} />
    <div class="actions"><button aria-busy=${busy}>${t("jobs.start")}</button></div>
  </form>`;
}

/**
 * @param {string} kind
 * @param {Record<string, string>} fields
 * @param {File} [file]
 */
async function bodyOf(kind, fields, file) {
  if (kind === "order_export") return { kind, format: "csv", from: fields.from, to: fields.to };
  if (kind === "weekly_report") return { kind, format: "html", week: fields.week };
  if (!file) throw new TypeError("no file was chosen");
  const form = /** @type {Schemas["UploadForm"]} */ (await api.call("POST", "jobs/uploads"));
  await upload(form, file);
  return { kind, upload: form.upload, on_error: "apply_good" };
}

/** @param {{id: string}} props */
export function JobOf({ id }) {
  const [isLive, setLive] = useState(true);
  const path = `jobs/${encodeURIComponent(id)}`;
  const { value: job, error, readNow } = useLive(
    async () => {
      const read = /** @type {Job} */ (await api.call("GET", path));
      setLive(UNDER_WAY.includes(read.status));
      return read;
    },
    [id, isLive],
    isLive ? LIVE_MS : STILL_MS,
  );
  const [asks, setAsks] = useState(false);
  return html`<p><a href=${linkTo(["jobs"])}>${t("jobs.back")}</a></p>
    <${Heading} title=${job ? textOr(`job.${job.kind}`, job.kind) : t("jobs.job")}>${job ? textOr(`job.${job.kind}`, job.kind) : t("jobs.job")}<//>
    <p class="mono quiet-text">${id}</p>
    <${ErrorBox} error=${error} retry=${readNow} />
    ${!job && !error ? html`<${Loading} />` : null}
    ${job ? html`<div class="facts">
        <div role="status"><span class="label">${t("order.status")}</span><${Status} status=${job.status} /></div>
        <div><span class="label">${t("jobs.progress")}</span><span class="number">${done(job)}</span></div>
        <div><span class="label">${t("jobs.asked")}</span><${Moment} at=${job.created_at} /></div>
        ${Object.entries(job.counts ?? {}).map(([name, count]) => html`<div><span class="label">${textOr(`count.${name}`, name)}</span><span class="number">${String(count)}</span></div>`)}
      </div>
      ${job.progress.total && UNDER_WAY.includes(job.status) ? html`<progress max=${job.progress.total} value=${job.progress.done} aria-label=${t("jobs.progress")}></progress>` : null}
      ${job.failure ? html`<div class="notice bad"><p>${job.failure.detail}</p></div>` : null}
      <div class="actions">
        ${job.result ? html`<a class="button" href=${job.result.url} target="_blank" rel="noopener noreferrer">${t("jobs.open")}</a>` : null}
        ${UNDER_WAY.includes(job.status) && job.status !== "cancelling" ? html`<button type="button" class="quiet" onClick=${() => setAsks(true)}>${t("jobs.cancel")}</button>` : null}
      </div>` : null}
    ${asks ? html`<${Confirm} title=${t("jobs.cancelTitle")} text=${t("jobs.cancelText")} yes=${t("jobs.cancel")} onYes=${async () => { await api.call("POST", `${path}/cancel`); readNow(); }} onClose=${() => setAsks(false)} />` : null}`;
}
