import { inMoney, t } from "../common/i18n.js";
import { goTo, linkTo } from "../common/router.js";
import { Empty, ErrorBox, fieldsOf, Heading, Loading, useAction, useLoaded } from "../common/ui.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { addPiece } from "./basket.js";
import { CATEGORIES, pictureOf, readProduct, readProducts, searchProducts } from "./products.js";

/** @typedef {import("./app.js").Product} Product */

/**
 * The shelves: all products, the products of a category, or the hits of a search.
 *
 * @param {{category: string, words: string}} props
 */
export function Catalog({ category, words }) {
  return html`<div class="hero">
      <${Heading} title=${category ? t(`category.${category}`) : t("catalog.title")}>${category ? t(`category.${category}`) : t("catalog.hero")}<//>
      ${category ? null : html`<p class="lead">${t("catalog.lead")}</p>`}
    </div>
    <div class="shelf-bar">
      <nav aria-label=${t("catalog.categories")}><ul class="chips">
        ${["", ...CATEGORIES].map(
          (each) => html`<li key=${each}><a class="chip" href=${linkTo(each ? ["category", each] : [])} aria-current=${each === category ? "true" : undefined}>${t(each ? `category.${each}` : "catalog.all")}</a></li>`,
        )}
      </ul></nav>
      <form class="search" role="search" onSubmit=${(/** @type {Event} */ event) => {
        const { words: wanted = "" } = fieldsOf(event);
        goTo(category ? ["category", category] : [], wanted ? { search: wanted } : {});
      }}>
        <label class="visually-hidden" for="search">${t("catalog.search")}</label>
        <input id="search" type="search" name="words" placeholder=${t("catalog.search")} key=${words} value=${words} maxlength="80" />
      </form>
    </div>
    ${words ? html`<${Found} key=${`${category} ${words}`} category=${category} words=${words} />` : html`<${Shelf} key=${category} category=${category} />`}`;
}

/** @param {{category: string}} props */
function Shelf({ category }) {
  const [products, setProducts] = useState(/** @type {Product[] | null} */ (null));
  const [next, setNext] = useState(/** @type {string | null | undefined} */ (undefined));
  const more = useAction(async () => {
    const page = await readProducts({ category, cursor: next ?? undefined });
    setProducts((before) => [...(before ?? []), ...page.products]);
    setNext(page.next);
  });
  useEffect(() => void more.run(), []);
  if (products?.length === 0) return html`<${Empty} title=${t("catalog.empty")} />`;
  return html`${products ? html`<${Tiles} products=${products} />` : null}
    <${ErrorBox} error=${more.error} retry=${() => more.run()} />
    ${!products && more.busy ? html`<${Loading} />` : null}
    ${next && !more.error ? html`<div class="actions centred"><button class="quiet" aria-busy=${more.busy} onClick=${() => more.run()}>${t("ui.more")}</button></div>` : null}`;
}

/** @param {{category: string, words: string}} props */
function Found({ category, words }) {
  const { value, error, reload } = useLoaded(() => searchProducts(words, category || undefined), []);
  if (error) return html`<${ErrorBox} error=${error} retry=${reload} />`;
  if (!value) return html`<${Loading} />`;
  return html`<p class="quiet-text found" role="status">
      ${t(value.products.length === 1 ? "catalog.foundOne" : "catalog.found", { count: value.products.length, words })}
      ${value.isWhole ? null : ` ${t("catalog.foundPartly", { searched: value.searched })}`}
    </p>
    ${value.products.length
      ? html`<${Tiles} products=${value.products} />`
      : html`<${Empty} title=${t("catalog.foundNone")}><a href=${linkTo(category ? ["category", category] : [])}>${t("catalog.showAll")}</a><//>`}`;
}

/** @param {{products: Product[]}} props */
function Tiles({ products }) {
  return html`<ul class="tiles">
    ${products.map(
      (product) => html`<li key=${product.sku} class="tile">
        <a class="tile-link" href=${linkTo(["products", product.sku])}>
          <${Picture} product=${product} pixels=${400} />
          <span class="tile-name">${product.name}</span>
        </a>
        <p class="tile-foot"><span class="number">${inMoney(product.price)}</span><${Add} product=${product} small /></p>
      </li>`,
    )}
  </ul>`;
}

/**
 * Says what it did, since the basket is elsewhere on the page.
 *
 * @param {{product: Product, small?: boolean}} props
 */
function Add({ product, small = false }) {
  const [added, setAdded] = useState(0);
  useEffect(() => {
    if (!added) return undefined;
    const timer = setTimeout(() => setAdded(0), 2500);
    return () => clearTimeout(timer);
  }, [added]);
  const { name } = product;
  return html`<button type="button" class=${small ? "small quiet" : ""} onClick=${() => {
      addPiece(product.sku);
      setAdded((count) => count + 1);
    }}>${added ? t("catalog.added") : t("catalog.add")}<span class="visually-hidden">${` ${t("catalog.addWhat", { name })}`}</span></button>
    <span class="visually-hidden" role="status">${added ? t("catalog.addedLabel", { name }) : ""}</span>`;
}

/**
 * The product's picture; without one, its initial on the colour of its shelf.
 *
 * @param {{product: Product, pixels: number}} props
 */
export function Picture({ product, pixels }) {
  const [broken, setBroken] = useState(false);
  const picture = pictureOf(product, pixels);
  if (!picture || broken) return html`<span class="picture placeholder shelf-${product.category}" aria-hidden="true">${[...product.name][0]}</span>`;
  return html`<img class="picture" src=${picture.src} srcset=${picture.srcset} sizes="${pixels}px" alt="" loading="lazy" decoding="async" onError=${() => setBroken(true)} />`;
}

/** @param {{sku: string}} props */
export function ProductPlace({ sku }) {
  const { value: product, error, reload } = useLoaded(() => readProduct(sku), [sku]);
  if (error) return html`<${Heading} title=${t("catalog.title")}>${t("place.none")}<//><${ErrorBox} error=${error} retry=${reload} />`;
  if (!product) return html`<${Loading} />`;
  return html`<div class="product">
    <${Picture} product=${product} pixels=${800} />
    <div class="stack">
      <p class="eyebrow"><a href=${linkTo(["category", product.category])}>${t(`category.${product.category}`)}</a></p>
      <${Heading} title=${product.name}>${product.name}<//>
      <p class="price number">${inMoney(product.price)}</p>
      <p>${product.description}</p>
      <p class="hint">${t("catalog.taxHint")}</p>
      <div class="actions"><${Add} product=${product} /><a class="button quiet" href="#/basket">${t("basket.open")}</a></div>
      <p class="hint mono">${product.sku}</p>
    </div>
  </div>`;
}
