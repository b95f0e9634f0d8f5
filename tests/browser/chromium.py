"""A headless Chromium, driven over the Chrome DevTools Protocol by way of two pipes: nothing listens anywhere.

https://chromedevtools.github.io/devtools-protocol/; with `--remote-debugging-pipe` the browser reads NUL-ended JSON
messages from descriptor 3 and writes them to descriptor 4.
"""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.waiting import wait_for

# Their codes in Windows, which the protocol has, and the text that they enter.
_KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), "Escape": (27, ""), "Space": (32, " ")}
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def executable() -> str | None:
    """The installed Chromium or Chrome, or None."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


class ScriptFailed(Exception):
    """A script in the page threw, or a protocol command was refused."""


class Page:
    """One tab."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = os.fdopen(commands, "wb", buffering=0)
        self._answers = os.fdopen(answers, "rb")
        self._sent = 0
        self._session = ""
        self.complaints: list[str] = []
        """What the browser logged as errors: scripts that threw, what a policy blocked, what did not load."""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def open(self, url: str) -> None:
        """Goes to `url`; does not wait for it."""
        self._call("Page.navigate", url=url)

    def evaluate(self, script: str) -> Any:
        """What the expression `script` gives in the page, awaited; raises ScriptFailed."""
        answer = self._call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            raise ScriptFailed(answer["exceptionDetails"].get("exception", {}).get("description", script))
        return answer["result"].get("value")

    def wait_until(self, script: str, *, seconds: float = 20) -> Any:
        """What the expression gives once that is true; raises NotInTime."""
        return wait_for(lambda: self.evaluate(script), f"`{script}` in the page", seconds=seconds)

    def type_into(self, selector: str, text: str) -> None:
        """Types `text` into the one field that the selector finds."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self._call("Input.insertText", text=text)

    def press(self, key: str, *, shift: bool = False) -> None:
        """Presses a key, as a person does: `Tab`, `Enter`, `Escape` or `Space`."""
        code, text = _KEYS[key]
        pressed = {
            "key": " " if key == "Space" else key,
            "code": key,
            "windowsVirtualKeyCode": code,
            "modifiers": 8 if shift else 0,
        }
        self._call("Input.dispatchKeyEvent", type="keyDown", text=text, **pressed)
        self._call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def before_each_page(self, script: str) -> None:
        """Runs `script` in each page that opens from now on, before the page's own scripts."""
        self._call("Page.addScriptToEvaluateOnNewDocument", source=script)

    def resize(self, width: int, height: int) -> None:
        """Makes the tab so large, in CSS pixels."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def prefer(self, scheme: str) -> None:
        """Has the page believe that its reader prefers a colour scheme, `light` or `dark`, and no motion."""
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        self._call(
            "Emulation.setEmulatedMedia",
            features=[{"name": name, "value": value} for name, value in features.items()],
        )

    def screenshot(self, path: Path) -> None:
        """Saves what the tab shows, as PNG."""
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        """Closes the pipes, at which the browser ends."""
        self._commands.close()
        self._answers.close()

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._sent += 1
        message: dict[str, Any] = {"id": self._sent, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") != self._sent:
                self._note(answer)
            elif "error" in answer:
                raise ScriptFailed(f"{method}: {answer['error']['message']}")
            else:
                result: dict[str, Any] = answer["result"]
                return result

    def _next(self) -> dict[str, Any]:
        message = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            if not byte:
                raise ScriptFailed("The browser ended.")
            message += byte
        parsed: dict[str, Any] = json.loads(message)
        return parsed

    def _note(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(parameters["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.complaints.append(f"{parameters['entry']['text']} ({parameters['entry'].get('url')})")


@contextlib.contextmanager
def browser(program: str, *, language: str = "en") -> Iterator[Page]:
    """A tab of a Chromium of its own, with an empty profile; `language` is its reader's."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        to_read, commands = os.pipe()
        answers, to_write = os.pipe()
        command = [
            program, "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--no-proxy-server",
            "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
            f"--accept-lang={language}", "--window-size=1280,1400", f"--user-data-dir={profile}",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
        ]  # fmt: skip
        process = subprocess.Popen(  # noqa: S603 - of a program that this machine has
            # The shell puts the two ends where the browser looks for them.
            ["/bin/bash", "-c", f'exec "$@" 3<&{to_read} 4>&{to_write}', "sh", *command],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        try:
            page = Page(commands, answers)
            yield page
            page.close()
        finally:
            process.terminate()
            process.wait(timeout=20)
