/**
 * Texts in German and English, by the browser's language; numbers, money and times as that language writes them.
 *
 * @typedef {Record<string, string>} Texts
 * @typedef {{amount: number, currency: string}} Money in minor units, as the API has it
 */

/** @type {"de" | "en"} */
export const language = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag === "de" || tag === "en") === "de" ? "de" : "en";

// The region that the reader's browser names (en-GB, de-AT) decides how dates and amounts are written.
const locale = navigator.languages.find((tag) => tag.startsWith(language)) ?? language;

/** @type {Texts} */
const texts = {};

/**
 * Adds a page's texts. Both languages have the same keys (a test compares them).
 *
 * @param {{en: Texts, de: Texts}} added
 */
export function addTexts(added) {
  Object.assign(texts, added[language]);
}

/**
 * The text of `key`, with `{name}` replaced by the value of that name.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (found, name) => String(values[name] ?? found));
}

/**
 * The text of `key`, or `otherwise` if there is none: the API may gain values that this page does not know.
 *
 * @param {string} key
 * @param {string} otherwise
 */
export function textOr(key, otherwise) {
  return texts[key] ?? otherwise;
}

/** @param {Money} money */
export function inMoney({ amount, currency }) {
  const format = new Intl.NumberFormat(locale, { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** digits);
}

const dateAndTime = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const time = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
const date = new Intl.DateTimeFormat(locale, { dateStyle: "long" });

/** @param {string} at an RFC 3339 time */
export const inDateAndTime = (at) => dateAndTime.format(new Date(at));

/** @param {string} at an RFC 3339 time */
export const inTime = (at) => time.format(new Date(at));

/** @param {string} at an RFC 3339 time */
export const inDate = (at) => date.format(new Date(at));

/** @param {number} number */
export const inNumber = (number) => new Intl.NumberFormat(locale).format(number);

const countries = new Intl.DisplayNames(locale, { type: "region" });

/** @param {string} code an ISO 3166-1 alpha-2 code */
export const countryName = (code) => countries.of(code) ?? code;

document.documentElement.lang = language;
