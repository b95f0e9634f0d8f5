/** What the shop's places share: the session, the API, and the customer's orders as they change. */

import { Api } from "../common/api.js";
import { LiveFeed } from "../common/live.js";
import { Session } from "../common/session.js";
import { settings } from "../common/settings.js";
import { Store } from "../common/store.js";

/**
 * @typedef {import("../common/api.js").Schemas} Schemas
 * @typedef {Schemas["ProductView"]} Product
 * @typedef {Schemas["OrderView"]} Order
 * @typedef {import("../common/live.js").Change} Change
 */

export const session = new Session(settings.user_pool_client);
export const api = new Api(session);

/** The last change of any order or return of the customer; null says that some were missed. */
export const lastChange = new Store(/** @type {Change | null} */ (null));

export const live = new LiveFeed(
  session,
  (change) => lastChange.set(change),
  () => lastChange.set(null),
);

// The feed is one person's: another one has another feed.
let fed = "";
session.state.follow(({ person }) => {
  if (person?.id === fed) return;
  live.stop();
  fed = person?.id ?? "";
  if (person) live.start();
});
