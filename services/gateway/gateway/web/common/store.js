import { useEffect, useState } from "../vendor/preact.js";

/**
 * A value that components follow.
 *
 * @template T
 */
export class Store {
  /** @param {T} value */
  constructor(value) {
    this.value = value;
    /** @type {Set<(value: T) => void>} */
    this.followers = new Set();
  }

  /** @param {T} value */
  set(value) {
    this.value = value;
    for (const follower of this.followers) follower(value);
  }

  /**
   * Calls `follower` with each later value, until the function that it returns is called.
   *
   * @param {(value: T) => void} follower
   * @returns {() => void}
   */
  follow(follower) {
    this.followers.add(follower);
    return () => void this.followers.delete(follower);
  }
}

/**
 * The store's value; the component renders again with each later one.
 *
 * @template T
 * @param {Store<T>} store
 * @returns {T}
 */
export function useStore(store) {
  const [, renderAgain] = useState({});
  useEffect(() => {
    renderAgain({}); // for a change between the first rendering and this
    return store.follow(() => renderAgain({}));
  }, [store]);
  return store.value;
}
