/**
 * The place in the page is the URL's fragment, `#/orders/ord_1?tab=bill`. So one document serves every place, at any stage,
 * domain and path.
 */

import { Store } from "./store.js";

/**
 * @typedef {object} Place
 * @property {string[]} segments the path, decoded: ["orders", "ord_1"]
 * @property {URLSearchParams} query
 */

/** @returns {Place} */
function read() {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  return { segments: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

/** @param {string} segment */
function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // a stray % is a character like any other
  }
}

/** Where the reader is. */
export const place = new Store(read());

addEventListener("hashchange", () => place.set(read()));

/**
 * A link to a place in this page.
 *
 * @param {string[]} segments
 * @param {Record<string, string>} [query]
 */
export function linkTo(segments, query = {}) {
  const search = new URLSearchParams(query).toString();
  return `#/${segments.map(encodeURIComponent).join("/")}${search && `?${search}`}`;
}

/**
 * Goes to a place in this page.
 *
 * @param {string[]} segments
 * @param {Record<string, string>} [query]
 */
export function goTo(segments, query = {}) {
  location.hash = linkTo(segments, query);
}

/**
 * Takes `name` out of the fragment at once, so that neither the address bar nor the history keeps its value.
 *
 * @param {string} name
 * @returns {string | null}
 */
export function takeFromFragment(name) {
  const given = new URLSearchParams(location.hash.slice(1));
  const value = given.get(name);
  if (value !== null) {
    history.replaceState(null, "", location.pathname + location.search);
    place.set(read());
  }
  return value;
}
