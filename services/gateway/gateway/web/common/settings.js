/**
 * What the page is told of the stack (`PageSettings` in gateway/domain/web_page.py). All of it is public.
 *
 * @typedef {object} Settings
 * @property {string} stage
 * @property {string} cognito_url
 * @property {string} user_pool_client
 * @property {string} admin_client
 * @property {string} live_url
 * @property {string[]} countries
 * @property {boolean} has_test_cards
 */

/** @returns {Settings} */
function read() {
  const element = document.querySelector("meta[name='settings']");
  return JSON.parse(element?.getAttribute("content") ?? "{}");
}

export const settings = read();

/** The base URL of the API, which serves this page. It ends with a slash. */
export const apiUrl = new URL(".", document.baseURI).href;
