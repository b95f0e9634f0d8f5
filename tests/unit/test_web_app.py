"""The web app's files: their weight, their texts in both languages, and their types beside the API's document.

The checks by TypeScript need Node's packages: `npm ci`. Without them they are skipped.
"""

import gzip
import json
import re
import subprocess
from pathlib import Path

import pytest

from gateway.adapters import WebApp
from tools.settings import REPOSITORY

WEB = REPOSITORY / "services" / "gateway" / "gateway" / "web"
TYPES = REPOSITORY / "services" / "gateway" / "web_types" / "api.d.ts"
PACKAGES = REPOSITORY / "node_modules"
PAGES = [path.parent.name for path in sorted(WEB.glob("*/page.html"))]
HEAVIEST_PAGE = 150_000
"""Bytes, compressed, without pictures."""

_LANGUAGE = re.compile(r"^  (en|de): \{$(.*?)^  \},$", re.MULTILINE | re.DOTALL)
_KEY = re.compile(r'^    "([^"]+)":', re.MULTILINE)
# A key that stands in the code as it is; others are made of a value of the API.
_USED = re.compile(r'\bt\("([^"]+)"')

needs_node = pytest.mark.skipif(
    not (PACKAGES / ".bin" / "tsc").exists(), reason="Node's packages are not installed: `npm ci`"
)


def scripts(*folders: str) -> list[Path]:
    """The scripts in these folders of the web app."""
    return [path for folder in folders for path in sorted((WEB / folder).glob("*.js"))]


def keys(folder: str, language: str) -> list[str]:
    """The keys of the folder's texts in a language."""
    text = (WEB / folder / "texts.js").read_text()
    return [key for found, body in _LANGUAGE.findall(text) if found == language for key in _KEY.findall(body)]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_weighs_little(page: str) -> None:
    app = WebApp()
    files = [app.files[tuple(part.split("/", 1))] for part in app.parts(page)]  # type: ignore[index]
    texts = [app.page(page), *(file.text for file in files)]
    assert sum(len(gzip.compress(text.encode())) for text in texts) <= HEAVIEST_PAGE


@pytest.mark.parametrize("folder", ["common", *PAGES])
def test_both_languages_have_the_same_texts(folder: str) -> None:
    assert keys(folder, "en") == keys(folder, "de")
    assert keys(folder, "en") != []


@pytest.mark.parametrize("page", PAGES)
def test_a_script_shows_only_texts_that_there_are(page: str) -> None:
    known = {*keys("common", "en"), *keys(page, "en")}
    used = {key for path in scripts("common", page) for key in _USED.findall(path.read_text())}
    assert used - known == set()
    assert used != set()


def test_no_script_stores_a_token_or_makes_html_of_text() -> None:
    for path in scripts("common", *PAGES):
        for forbidden in ("localStorage", "innerHTML", "dangerouslySetInnerHTML", "document.cookie", "eval("):
            assert forbidden not in path.read_text(), path
    stores = [path.name for path in scripts("common", *PAGES) if "sessionStorage" in path.read_text()]
    assert stores == ["basket.js"]


@needs_node
def test_the_scripts_fit_their_types() -> None:
    done = _run(".bin/tsc", "--project", "tsconfig.json")
    assert done.returncode == 0, done.stdout


@needs_node
def test_the_types_of_the_api_are_those_of_its_document(tmp_path: Path) -> None:
    made = tmp_path / "api.d.ts"
    document = "services/gateway/gateway/openapi.json"
    done = _run(".bin/openapi-typescript", document, "--output", str(made))
    assert done.returncode == 0, done.stderr
    assert made.read_text() == TYPES.read_text(), "`npm run types` renews the types"


@needs_node
def test_the_library_is_the_one_of_the_locked_package() -> None:
    package = PACKAGES / "htm"
    assert (WEB / "vendor" / "preact.js").read_bytes() == (
        package / "preact" / "standalone.module.js"
    ).read_bytes()
    version = json.loads((package / "package.json").read_text())["version"]
    locked = json.loads((REPOSITORY / "package-lock.json").read_text())
    assert locked["packages"]["node_modules/htm"]["version"] == version
    licence = (WEB / "vendor" / "LICENSE.txt").read_text()
    assert f"htm {version}" in licence
    assert (package / "LICENSE").read_text() in licence


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - of a locked package
        [str(PACKAGES / program), *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
