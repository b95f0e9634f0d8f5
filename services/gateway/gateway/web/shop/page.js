import "../common/texts.js";
import { Shell } from "../common/shell.js";
import { SignInAgain, SignInForm, signInByLink } from "../common/sign_in.js";
import { Heading } from "../common/ui.js";
import { html, render } from "../vendor/preact.js";
import { session } from "./app.js";

function Shop() {
  return html`<${Shell} home="#/" brand="Cartwright" links=${[]}>
      <${Heading} title="Cartwright">Cartwright<//>
      <${SignInForm} session=${session} />
    <//>
    <${SignInAgain} session=${session} />`;
}

await signInByLink(session);
render(html`<${Shop} />`, document.body);
