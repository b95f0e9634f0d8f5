/** The catalogue, as this page has read it. */

import { apiUrl } from "../common/settings.js";
import { api } from "./app.js";

/**
 * @typedef {import("./app.js").Product} Product
 * @typedef {import("./app.js").Schemas["ProductPage"]} ProductPage
 */

export const CATEGORIES = ["tea", "coffee", "teaware", "coffeeware", "pantry", "gifts"];

// A search reads the catalogue up to here: ten requests of a hundred products.
const SEARCHED_PAGES = 10;

/** @type {Map<string, Product>} */
const known = new Map();

/**
 * @param {{category?: string, cursor?: string, limit?: number}} wanted
 * @returns {Promise<ProductPage>}
 */
export async function readProducts({ category, cursor, limit = 24 }) {
  const page = /** @type {ProductPage} */ (await api.call("GET", "products", { anonymous: true, query: { category, cursor, limit } }));
  for (const product of page.products) known.set(product.sku, product);
  return page;
}

/**
 * @param {string} sku
 * @returns {Promise<Product>}
 */
export async function readProduct(sku) {
  const found = known.get(sku) ?? /** @type {Product} */ (await api.call("GET", `products/${encodeURIComponent(sku)}`, { anonymous: true }));
  known.set(sku, found);
  return found;
}

/**
 * The products whose name or description has every word; `isWhole` says whether the whole catalogue was read.
 *
 * @param {string} words
 * @param {string} [category]
 * @returns {Promise<{products: Product[], isWhole: boolean, searched: number}>}
 */
export async function searchProducts(words, category) {
  const wanted = plain(words).split(/\s+/).filter(Boolean);
  /** @type {Product[]} */
  const all = [];
  /** @type {string | null | undefined} */
  let cursor;
  for (let page = 0; page < SEARCHED_PAGES && cursor !== null; page += 1) {
    const read = await readProducts({ category, cursor, limit: 100 });
    all.push(...read.products);
    cursor = read.next ?? null;
  }
  const products = all.filter((product) => {
    const text = plain(`${product.name} ${product.description} ${product.sku}`);
    return wanted.every((word) => text.includes(word));
  });
  return { products, isWhole: cursor === null, searched: all.length };
}

/** @param {string} text */
function plain(text) {
  return text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
}

/**
 * The URL of the first picture in the smallest size that is as wide as `pixels`, and for browsers that choose by themselves all
 * sizes; null without a picture.
 *
 * @param {Product} product
 * @param {number} pixels
 * @returns {{src: string, srcset: string} | null}
 */
export function pictureOf(product, pixels) {
  const sizes = (product.pictures[0]?.renditions ?? []).filter((each) => each.content_type === "image/webp");
  const wide = sizes.find((each) => each.width >= pixels) ?? sizes[sizes.length - 1];
  if (!wide) return null;
  // Links are relative to the URL of their answer, and each of these answers is below the API's.
  const url = (/** @type {string} */ href) => new URL(href, apiUrl).href;
  return { src: url(wide.href), srcset: sizes.map((each) => `${url(each.href)} ${each.width}w`).join(", ") };
}
