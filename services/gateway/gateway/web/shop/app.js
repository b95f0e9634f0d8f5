/** What the shop's places share: the session, the API, the live feed. */

import { Api } from "../common/api.js";
import { Session } from "../common/session.js";
import { settings } from "../common/settings.js";

export const session = new Session(settings.user_pool_client);
export const api = new Api(session);
