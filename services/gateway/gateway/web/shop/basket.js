/** The basket: pieces by sku. It outlives a reload, and ends with the tab. It holds nothing about the customer. */

import { Store } from "../common/store.js";

const KEY = "basket";

/** @returns {Record<string, number>} */
function stored() {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
    const pieces = Object.entries(found).filter(([, quantity]) => Number.isInteger(quantity) && Number(quantity) > 0);
    return Object.fromEntries(/** @type {[string, number][]} */ (pieces));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

export const basket = new Store(stored());
basket.follow((pieces) => sessionStorage.setItem(KEY, JSON.stringify(pieces)));

/**
 * @param {string} sku
 * @param {number} quantity none takes the sku out
 */
export function setPieces(sku, quantity) {
  const { [sku]: _, ...others } = basket.value;
  basket.set(quantity > 0 ? { ...basket.value, [sku]: quantity } : others);
}

/** @param {string} sku */
export const addPiece = (sku) => setPieces(sku, (basket.value[sku] ?? 0) + 1);

export const emptyBasket = () => basket.set({});

/** @param {Record<string, number>} pieces */
export const countOf = (pieces) => Object.values(pieces).reduce((sum, quantity) => sum + quantity, 0);
