/**
 * Changes of orders and returns as they happen, over the WebSocket (docs/live-updates.md).
 *
 * @typedef {object} Change
 * @property {"order.changed" | "return.changed" | string} type
 * @property {string} cursor
 * @property {string} order_id
 * @property {number} version
 * @property {string} status
 * @property {string} at
 * @property {string} [reason]
 *
 * @typedef {"connecting" | "open" | "lost" | "closed"} LiveState
 */

import { settings } from "./settings.js";
import { Store } from "./store.js";

const PING_EVERY_MS = 240_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

export class LiveFeed {
  /** @type {WebSocket | null} */
  #socket = null;
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #pings;
  #started = false;
  /** The highest cursor without a gap before it; null before the first subscription. @type {number | null} */
  #cursor = null;
  /** Cursors beyond a gap. @type {Set<number>} */
  #ahead = new Set();

  /**
   * @param {import("./session.js").Session} session
   * @param {(change: Change) => void} onChange called once or more often for each change, in any order
   * @param {() => void} onMissed called if some changes have expired: read the orders again
   */
  constructor(session, onChange, onMissed) {
    this.session = session;
    this.onChange = onChange;
    this.onMissed = onMissed;
    this.state = new Store(/** @type {LiveState} */ ("closed"));
    addEventListener("online", () => this.#connectNow());
    addEventListener("offline", () => this.#socket?.close());
  }

  /** Connects, and connects again whenever the connection ends, until `stop`. */
  start() {
    if (this.#started) return;
    this.#started = true;
    void this.#connect();
  }

  /** Ends the connection, and forgets where the feed was. */
  stop() {
    this.#started = false;
    this.#cursor = null;
    this.#ahead.clear();
    clearTimeout(this.#retry);
    this.#socket?.close();
    this.state.set("closed");
  }

  #connectNow() {
    if (!this.#started || this.#socket) return;
    clearTimeout(this.#retry);
    void this.#connect();
  }

  async #connect() {
    let token;
    try {
      token = await this.session.token();
    } catch {
      // Nobody is signed in, or Cognito does not answer: a later attempt asks again.
      this.#later();
      return;
    }
    if (!this.#started || this.#socket) return;
    this.state.set(this.#failures ? "lost" : "connecting");
    const socket = new WebSocket(settings.live_url, ["cartwright.v1", `cartwright.bearer.${token}`]);
    this.#socket = socket;
    socket.onopen = () => {
      this.#send({ action: "subscribe" });
      this.#pings = setInterval(() => this.#send({ action: "ping" }), PING_EVERY_MS);
    };
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = () => {
      clearInterval(this.#pings);
      this.#socket = null;
      if (this.#started) this.#later();
    };
  }

  #later() {
    if (!this.#started) return;
    this.state.set("lost");
    const wait = Math.min(FIRST_WAIT_MS * 2 ** this.#failures, LONGEST_WAIT_MS);
    this.#failures += 1;
    // Not all pages of a shop that comes back should connect at the same moment.
    this.#retry = setTimeout(() => void this.#connect(), wait * (0.5 + Math.random() / 2));
  }

  /** @param {object} message */
  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** @param {any} message */
  #receive(message) {
    switch (message.type) {
      case "subscribed":
        this.#failures = 0;
        this.state.set("open");
        if (this.#cursor === null) this.#cursor = Number(message.cursor);
        else this.#catchUp();
        break;
      case "caught_up":
        if (!message.complete) this.onMissed();
        for (const change of message.changes) this.#take(change);
        if (message.more) this.#catchUp();
        else this.#cursor = Math.max(this.#cursor ?? 0, Number(message.cursor));
        break;
      case "order.changed":
      case "return.changed":
        this.#take(message);
        break;
    }
  }

  #catchUp() {
    this.#send({ action: "catch_up", after: String(this.#cursor) });
  }

  /** @param {Change} change */
  #take(change) {
    this.#ahead.add(Number(change.cursor));
    while (this.#cursor !== null && this.#ahead.delete(this.#cursor + 1)) this.#cursor += 1;
    this.onChange(change);
  }
}
