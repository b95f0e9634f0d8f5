/** What the board's places share: the session of an admin, the API, and reading again while the page is seen. */

import { Api } from "../common/api.js";
import { Session } from "../common/session.js";
import { settings } from "../common/settings.js";
import { useEffect, useState } from "../vendor/preact.js";

export const session = new Session(settings.admin_client);
export const api = new Api(session);

/** So often the board reads what it shows live. */
const READ_EVERY_MS = 2000;

/**
 * What `load` gives, read again and again while the page is seen. An error leaves the last answer where it is.
 *
 * @template T
 * @param {() => Promise<T>} load
 * @param {unknown[]} dependencies
 * @param {number} [every] milliseconds between an answer and the next request
 * @returns {{value: T | undefined, error: unknown, readNow: () => void}}
 */
export function useLive(load, dependencies, every = READ_EVERY_MS) {
  const [state, setState] = useState({ value: /** @type {T | undefined} */ (undefined), error: /** @type {unknown} */ (null) });
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    let timer = 0;
    let isCurrent = true;
    let isReading = false;
    async function read() {
      if (isReading) return;
      isReading = true;
      try {
        const value = await load();
        if (isCurrent) setState({ value, error: null });
      } catch (error) {
        if (isCurrent) setState((before) => ({ ...before, error }));
      } finally {
        isReading = false;
        if (isCurrent && !document.hidden) timer = setTimeout(read, every);
      }
    }
    function onSeen() {
      clearTimeout(timer);
      if (!document.hidden) read();
    }
    setState((before) => ({ ...before, error: null }));
    read();
    document.addEventListener("visibilitychange", onSeen);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onSeen);
    };
  }, [...dependencies, asked]);
  return { ...state, readNow: () => setAsked((count) => count + 1) };
}

/**
 * Pages of a list, one behind the other.
 *
 * @template T
 * @template {{next?: string | null}} P
 * @param {(cursor?: string) => Promise<P>} load
 * @param {(page: P) => T[]} entries
 * @param {unknown[]} dependencies
 */
export function usePages(load, entries, dependencies) {
  const [state, setState] = useState({ entries: /** @type {T[] | undefined} */ (undefined), next: /** @type {string | null | undefined} */ (null), error: /** @type {unknown} */ (null) });
  const [asked, setAsked] = useState(0);
  /** @param {string} [cursor] */
  async function read(cursor) {
    const page = await load(cursor);
    return { found: entries(page), next: page.next };
  }
  useEffect(() => {
    let isCurrent = true;
    read().then(
      ({ found, next }) => isCurrent && setState({ entries: found, next, error: null }),
      (error) => isCurrent && setState((before) => ({ ...before, error })),
    );
    return () => void (isCurrent = false);
  }, [...dependencies, asked]);
  return {
    ...state,
    again: () => setAsked((count) => count + 1),
    more: async () => {
      const { found, next } = await read(state.next ?? undefined);
      setState((before) => ({ ...before, entries: [...(before.entries ?? []), ...found], next }));
    },
  };
}

/**
 * Sends a file by a form that the API signed, straight to the bucket.
 *
 * @param {{url: string, fields: Record<string, string>}} form
 * @param {File} file
 */
export async function upload(form, file) {
  const body = new FormData();
  for (const [name, value] of Object.entries(form.fields)) body.append(name, value);
  body.append("file", file);
  const answer = await fetch(form.url, { method: "POST", body, credentials: "omit" });
  if (!answer.ok) throw new TypeError(`the bucket answered ${answer.status}`);
}
