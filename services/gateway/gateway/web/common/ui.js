/** The parts that every page is made of. */

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Problem, Unreachable } from "./api.js";
import { CognitoRefused } from "./cognito.js";
import { t, textOr } from "./i18n.js";
import { SignedOut } from "./session.js";

/**
 * What went wrong, in words for the reader.
 *
 * @param {unknown} error
 * @returns {string}
 */
export function wordsOf(error) {
  if (error instanceof Problem) {
    const known = textOr(`problem.${error.kind}`, "");
    if (known) return known;
    return error.status >= 500 ? t("problem.shop", { id: error.correlationId }) : error.message;
  }
  if (error instanceof CognitoRefused) return textOr(`cognito.${error.code}`, error.message || t("problem.signIn"));
  if (error instanceof SignedOut) return t("problem.signedOut");
  if (error instanceof Unreachable || error instanceof TypeError) return t("problem.unreachable");
  return t("problem.page");
}

/**
 * An error in a box that screen readers speak at once.
 *
 * @param {{error: unknown, retry?: () => void}} props
 */
export function ErrorBox({ error, retry }) {
  if (!error) return null;
  return html`<div class="notice bad" role="alert">
    <p>${wordsOf(error)}</p>
    ${error instanceof Problem && error.errors.length > 0
      ? html`<ul>
          ${error.errors.map((each) => html`<li>${[each.pointer, each.detail].filter(Boolean).join(": ")}</li>`)}
        </ul>`
      : null}
    ${retry ? html`<button type="button" class="small" onClick=${retry}>${t("ui.retry")}</button>` : null}
  </div>`;
}

/**
 * A field with its label, hint and error.
 *
 * @param {any} props those of the `input`, and `label`, `hint`, `error`, `children` (a `select` or `textarea` in its place)
 */
export function Field({ label, hint, error, id, children, ...input }) {
  const name = id ?? `field-${input.name}`;
  const described = [hint && `${name}-hint`, error && `${name}-error`].filter(Boolean).join(" ") || undefined;
  return html`<div class="field">
    <label for=${name}>${label}</label>
    ${children ?? html`<input id=${name} aria-describedby=${described} aria-invalid=${error ? "true" : undefined} ...${input} />`}
    ${hint ? html`<p class="hint" id="${name}-hint">${hint}</p>` : null}
    ${error ? html`<p class="field-error" id="${name}-error">${error}</p>` : null}
  </div>`;
}

/**
 * A choice from a list, with its label.
 *
 * @param {{label: string, name: string, options: {value: string, text: string}[], value?: string, onChange?: (event: any) => void, required?: boolean, autocomplete?: string, hint?: string}} props
 */
export function Choice({ label, name, options, hint, ...select }) {
  const id = `field-${name}`;
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <select id=${id} name=${name} aria-describedby=${hint ? `${id}-hint` : undefined} ...${select}>
      ${options.map(({ value, text }) => html`<option key=${value} value=${value} selected=${value === select.value}>${text}</option>`)}
    </select>
    ${hint ? html`<p class="hint" id="${id}-hint">${hint}</p>` : null}
  </div>`;
}

/**
 * An action that a button starts: `run` starts it unless it runs already; `busy` and `error` say how it goes.
 *
 * @template {any[]} A
 * @param {(...given: A) => Promise<unknown>} action
 * @returns {{run: (...given: A) => Promise<void>, busy: boolean, error: unknown, clear: () => void}}
 */
export function useAction(action) {
  const [state, setState] = useState({ busy: false, error: /** @type {unknown} */ (null) });
  const running = useRef(false);
  /** @param {A} given */
  async function run(...given) {
    if (running.current) return;
    running.current = true;
    setState({ busy: true, error: null });
    try {
      await action(...given);
      setState({ busy: false, error: null });
    } catch (error) {
      report(error);
      setState({ busy: false, error });
    } finally {
      running.current = false;
    }
  }
  return { run, ...state, clear: () => setState({ busy: false, error: null }) };
}

/**
 * What `load` gives, loaded again whenever a dependency changes. A later answer never gives way to an earlier one.
 *
 * @template T
 * @param {() => Promise<T>} load
 * @param {unknown[]} dependencies
 * @returns {{value: T | undefined, error: unknown, loading: boolean, reload: () => void, set: (value: T) => void}}
 */
export function useLoaded(load, dependencies) {
  const [state, setState] = useState({ value: /** @type {T | undefined} */ (undefined), error: /** @type {unknown} */ (null), loading: true });
  const [again, setAgain] = useState(0);
  useEffect(() => {
    let current = true;
    setState((before) => ({ ...before, error: null, loading: true }));
    load().then(
      (value) => current && setState({ value, error: null, loading: false }),
      (error) => {
        report(error);
        if (current) setState((before) => ({ ...before, error, loading: false }));
      },
    );
    return () => void (current = false);
  }, [...dependencies, again]);
  return {
    ...state,
    reload: () => setAgain((count) => count + 1),
    set: (value) => setState({ value, error: null, loading: false }),
  };
}

/**
 * An error that the page does not expect is a mistake of its own. It goes to the console.
 *
 * @param {unknown} error
 */
function report(error) {
  const expected = [Problem, Unreachable, CognitoRefused, SignedOut];
  if (!expected.some((kind) => error instanceof kind)) console.error(error);
}

/**
 * A dialog above the page. Escape and its own buttons close it; the browser then gives the focus back to where it was.
 *
 * @param {{title: string, onClose: () => void, children: any, name?: string}} props
 */
export function Dialog({ title, onClose, children, name = "dialog" }) {
  const element = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return html`<dialog ref=${element} class="dialog" aria-labelledby="${name}-title" onCancel=${(/** @type {Event} */ event) => {
    event.preventDefault();
    onClose();
  }}>
    <h2 id="${name}-title">${title}</h2>
    ${children}
  </dialog>`;
}

/**
 * Asks before something that cannot be undone.
 *
 * @param {{title: string, text: any, yes: string, onYes: () => Promise<unknown>, onClose: () => void}} props
 */
export function Confirm({ title, text, yes, onYes, onClose }) {
  const { run, busy, error } = useAction(async () => {
    await onYes();
    onClose();
  });
  return html`<${Dialog} title=${title} onClose=${onClose} name="confirm">
    <p>${text}</p>
    <${ErrorBox} error=${error} />
    <div class="actions">
      <button type="button" class="danger" aria-busy=${busy} onClick=${() => run()}>${yes}</button>
      <button type="button" class="quiet" onClick=${onClose}>${t("ui.no")}</button>
    </div>
  <//>`;
}

/** @param {{text?: string}} props */
export function Loading({ text }) {
  return html`<p class="loading" role="status">${text ?? t("ui.loading")}</p>`;
}

/**
 * What stands in place of an empty list.
 *
 * @param {{title: string, children?: any}} props
 */
export function Empty({ title, children }) {
  return html`<div class="empty">
    <p class="empty-title">${title}</p>
    ${children}
  </div>`;
}

/**
 * The heading of a place. A reader who came by a link continues there, by keyboard and by ear.
 *
 * @param {{children: any, title: string}} props
 */
export function Heading({ children, title }) {
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  useEffect(() => {
    document.title = `${title} · Cartwright`;
    if (hasMoved) heading.current?.focus({ preventScroll: true });
    if (hasMoved) scrollTo(0, 0);
  }, [title]);
  return html`<h1 ref=${heading} tabindex="-1">${children}</h1>`;
}

// The page itself has the focus when it opens; only a move in it takes the focus along.
let hasMoved = false;
addEventListener("hashchange", () => (hasMoved = true));

/**
 * The values of a form's fields, by name.
 *
 * @param {Event} event the form's `submit`
 * @returns {Record<string, string>}
 */
export function fieldsOf(event) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.currentTarget);
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value).trim()]));
}
