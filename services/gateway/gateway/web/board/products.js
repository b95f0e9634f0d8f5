/** The products: their pictures, and what became of an uploaded one. */

import { inMoney, t, textOr } from "../common/i18n.js";
import { linkTo } from "../common/router.js";
import { Empty, ErrorBox, Field, Heading, Loading, useAction, useLoaded } from "../common/ui.js";
import { html, useState } from "../vendor/preact.js";
import { apiUrl } from "../common/settings.js";
import { api, upload, usePages } from "./app.js";
import { More, Table } from "./parts.js";

/** @typedef {import("../common/api.js").Schemas} Schemas */

const TYPES = ["image/jpeg", "image/png", "image/webp"];
const ASK_EVERY_MS = 1000;
const ASK_TIMES = 60;

export function Products() {
  const pages = usePages((cursor) => /** @type {Promise<Schemas["ProductPage"]>} */ (api.call("GET", "products", { query: { limit: 50, cursor }, anonymous: true })), (page) => page.products, []);
  return html`<${Heading} title=${t("products.title")}>${t("products.title")}<//>
    <${ErrorBox} error=${pages.error} retry=${pages.again} />
    ${!pages.entries && !pages.error ? html`<${Loading} />` : null}
    ${pages.entries?.length === 0 ? html`<${Empty} title=${t("products.none")} />` : null}
    ${pages.entries?.length ? html`<${Table} caption=${t("products.title")} head=${[t("stock.sku"), t("products.name"), t("products.category"), t("products.price"), t("products.pictures")]}>
      ${pages.entries.map((product) => html`<tr key=${product.sku}>
        <td class="mono"><a href=${linkTo(["products", product.sku])}>${product.sku}</a></td><td>${product.name}</td><td>${product.category}</td><td class="number">${inMoney(product.price)}</td><td class="number">${product.pictures?.length ?? 0}</td>
      </tr>`)}
    <//><${More} pages=${pages} />` : null}`;
}

/** @param {{sku: string}} props */
export function ProductOf({ sku }) {
  const path = `products/${encodeURIComponent(sku)}`;
  const { value: product, error, reload } = useLoaded(() => /** @type {Promise<Schemas["ProductView"]>} */ (api.call("GET", path, { anonymous: true })), [sku]);
  return html`<p><a href=${linkTo(["products"])}>${t("products.back")}</a></p>
    <${Heading} title=${product?.name ?? sku}>${product?.name ?? sku}<//>
    <p class="quiet-text"><span class="mono">${sku}</span> · <a href=${linkTo(["stock", sku])}>${t("stock.title")}</a></p>
    <${ErrorBox} error=${error} retry=${reload} />
    ${product ? html`<p>${product.description}</p>
      <section class="block" aria-labelledby="pictures"><h2 id="pictures">${t("products.pictures")}</h2>
        ${product.pictures?.length ? html`<ul class="gallery">${product.pictures.map((picture) => {
          const [first] = picture.renditions;
          return html`<li key=${picture.picture_id}>${first ? html`<img src=${new URL(first.href, new URL(path, apiUrl)).href} alt=${t("products.pictureOf", { name: product.name })} loading="lazy" />` : null}</li>`;
        })}</ul>` : html`<p class="quiet-text">${t("products.noPicture")}</p>`}
        <${Picture} path=${path} onReady=${reload} />
      </section>` : error ? null : html`<${Loading} />`}`;
}

/** @param {{path: string, onReady: () => void}} props */
function Picture({ path, onReady }) {
  const [outcome, setOutcome] = useState("");
  const [isRefused, setRefused] = useState(false);
  const { run, busy, error } = useAction(async (/** @type {Event} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const file = /** @type {HTMLInputElement} */ (form.elements.namedItem("picture")).files?.[0];
    if (!file) return;
    setRefused(false);
    setOutcome(t("products.uploading"));
    try {
      const signed = /** @type {Schemas["PictureUpload"]} */ (await api.call("POST", `${path}/picture-uploads`, { body: { content_type: file.type } }));
      await upload(signed, file);
      setOutcome(t("products.processing"));
      const found = await outcomeOf(`${path}/picture-uploads/${signed.upload_id}`);
      setRefused(found.status === "refused");
      setOutcome(found.status === "ready" ? t("products.ready") : found.status === "refused" ? t("products.refused", { why: found.detail ?? textOr(`refused.${found.reason}`, found.reason ?? "") }) : t("products.later"));
      if (found.status === "ready") {
        form.reset();
        onReady();
      }
    } catch (raised) {
      setOutcome("");
      throw raised;
    }
  });
  return html`<form class="card" onSubmit=${run}>
    <${Field} label=${t("products.add")} name="picture" type="file" accept=${TYPES.join(",")} required hint=${t("products.addHint")} />
    <${ErrorBox} error=${error} />
    <p role="status" class=${isRefused ? "notice bad" : ""}>${outcome}</p>
    <div class="actions"><button aria-busy=${busy}>${t("products.upload")}</button></div>
  </form>`;
}

/**
 * What became of the picture, as soon as it is known, or that it is awaited still.
 *
 * @param {string} path
 * @returns {Promise<Schemas["UploadView"]>}
 */
async function outcomeOf(path) {
  for (let times = 1; ; times += 1) {
    const found = /** @type {Schemas["UploadView"]} */ (await api.call("GET", path));
    if (found.status !== "awaited" || times === ASK_TIMES) return found;
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}
