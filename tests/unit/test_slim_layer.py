"""The build slims the layer's packages, and they work as before."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from shared.dynamo import to_item
from shared_layer.slim import slim

LAZY_PACKAGE = '''"""A package."""

from os import sep

from aws_lambda_powertools.heavy import Heavy, helper
from .relative import thing as renamed
from .same import same
from .used import used

__all__ = ["Heavy", "renamed", "same", "used"]

VALUE = used() + sep
'''
IMPORTING_MODULE = '''import fractions
import colorsys as colours
from calendar import FRIDAY

DAY = FRIDAY


def half():
    """Half."""
    return fractions.Fraction(1, 2)


class Paint:
    def grey(self):
        return colours.rgb_to_hsv(0, 0, 0)
'''
TIMES = """import colorsys
import dateutil.parser
from dateutil.tz import tzutc

EVENT_ALIASES = {"states": "sfn", "stepfunctions": "sfn", "ce": "cost-explorer"}


def moment(text, zone=None):
    try:
        if text is None:
            return None
        read = dateutil.parser.parse(text)
    except ValueError:
        read = dateutil.parser.isoparse("1970-01-01")
    return read.replace(tzinfo=zone or tzutc()).isoformat()
"""
ASKING = """import inspect


def accepts_kwargs(func):
    return inspect.getfullargspec(func)[2]
"""
TYPES = """from typing import TypedDict


class Settings(TypedDict, total=False):
    title: str


def settings(title):
    return Settings(title=title)
"""
MODULES = {
    "heavy": "class Heavy: ...\n\ndef helper(): ...\n",
    "relative": "thing = 7\n",
    "same": "def same(): return 'function'\n",
    "used": "def used(): return 'used'\n",
}


def model(prefix: str) -> dict[str, Any]:
    return {
        "metadata": {"endpointPrefix": prefix, "serviceId": "SFN"},
        "documentation": "<p>All about it</p>",
        "shapes": {
            "Text": {"type": "string", "documentation": "<p>A text</p>"},
            # A shape may have a member of this name.
            "Part": {"type": "structure", "members": {"documentation": {"shape": "Text"}}},
        },
    }


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A layer with the model of one AWS service, the endpoints of two, and a package of Powertools."""
    data = tmp_path / "botocore" / "data"
    service = data / "stepfunctions" / "2016-11-23"
    service.mkdir(parents=True)
    (service / "service-2.json.gz").write_bytes(gzip.compress(json.dumps(model("states")).encode()))
    endpoints = {"partitions": [{"partition": "aws", "services": {"states": {"endpoints": {}}, "ec2": {}}}]}
    (data / "endpoints.json").write_text(json.dumps(endpoints))
    for late in ("botocore/docs/__init__.py", "botocore/docs/docstring.py", "urllib3/http2/__init__.py"):
        module = tmp_path / late
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(IMPORTING_MODULE)
    for name in ("credentials", "tokens", "utils"):
        (tmp_path / "botocore" / f"{name}.py").write_text(TIMES)
    (tmp_path / "botocore" / "compat.py").write_text(ASKING)
    plugins = tmp_path / "pydantic" / "plugin"
    plugins.mkdir(parents=True)
    (tmp_path / "pydantic_core").mkdir()
    (tmp_path / "pydantic_core" / "core_schema.py").write_text(TYPES)
    for parent in ("botocore", "pydantic", "pydantic/plugin", "pydantic_core", "urllib3"):
        (tmp_path / parent / "__init__.py").touch()
    (plugins / "_loader.py").write_text("def get_plugins():\n    return ('found',)\n")
    package = tmp_path / "aws_lambda_powertools"
    package.mkdir()
    (package / "__init__.py").write_text(LAZY_PACKAGE)
    for name, code in MODULES.items():
        (package / f"{name}.py").write_text(code)
    return tmp_path


def in_a_new_process(library: Path, code: str) -> str:
    run = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(library)},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()


def test_a_model_keeps_everything_but_its_prose(library: Path) -> None:
    slim(library, {"stepfunctions"})
    (kept,) = (library / "botocore" / "data").rglob("service-2*")
    described = json.loads(kept.read_text())
    assert "<p>" not in kept.read_text()
    assert described["documentation"] == described["shapes"]["Text"]["documentation"] == ""
    assert described["shapes"]["Part"] == model("states")["shapes"]["Part"]
    assert described["metadata"] == {"endpointPrefix": "states", "serviceId": "SFN"}


def test_dynamodbs_values_are_sent_and_read_as_before(library: Path) -> None:
    shutil.copytree(
        Path(botocore.__file__).parent / "data" / "dynamodb", library / "botocore" / "data" / "dynamodb"
    )
    (packed,) = (library / "botocore" / "data" / "dynamodb").rglob("service-2.json.gz")
    before: Any = ServiceModel(json.loads(gzip.decompress(packed.read_bytes())))
    slim(library, {"dynamodb"})
    after: Any = ServiceModel(json.loads(packed.with_suffix("").read_bytes()))
    assert after.shape_for("AttributeValue").is_document_type
    item = to_item({"pk": "a", "lines": [{"n": 1, "note": None}], "tags": {"x", "y"}, "open": True})
    sent = [
        create_serializer("json").serialize_to_request(
            {"TableName": "t", "Item": item}, model.operation_model("PutItem")
        )
        for model in (before, after)
    ]
    assert sent[0] == sent[1]
    answer = {"body": json.dumps({"Item": item}).encode(), "status_code": 200, "headers": {}}
    read = [
        create_parser("json").parse(answer, model.operation_model("GetItem").output_shape)
        for model in (before, after)
    ]
    assert read[0] == read[1]
    assert read[1]["Item"] == item


def test_the_endpoints_of_the_layers_own_services_stay(library: Path) -> None:
    slim(library, {"stepfunctions"})
    (partition,) = json.loads((library / "botocore" / "data" / "endpoints.json").read_text())["partitions"]
    assert partition == {"partition": "aws", "services": {"states": {"endpoints": {}}}}


def test_a_package_loads_a_module_when_its_name_is_first_asked_for(library: Path) -> None:
    slim(library, {"stepfunctions"})
    seen = in_a_new_process(
        library,
        "import sys, aws_lambda_powertools as package\n"
        "before = {name for name in sys.modules if name.startswith('aws_lambda_powertools.')}\n"
        "from aws_lambda_powertools import Heavy, renamed, same\n"
        "print(sorted(before), Heavy.__name__, renamed, same(), package.VALUE)",
    )
    eager = ["aws_lambda_powertools.same", "aws_lambda_powertools.used"]
    assert seen == f"{eager} Heavy 7 function used/"


def test_a_package_says_that_it_lacks_a_name(library: Path) -> None:
    slim(library, {"stepfunctions"})
    code = "import aws_lambda_powertools as package; print(hasattr(package, 'Nothing'))"
    assert in_a_new_process(library, code) == "False"


def test_a_submodule_is_still_an_attribute_of_its_package(library: Path) -> None:
    slim(library, {"stepfunctions"})
    seen = in_a_new_process(library, "import aws_lambda_powertools as package; print(package.heavy.helper())")
    assert seen == "None"


def test_a_package_keeps_its_own_rule_for_names_that_it_makes_late(library: Path) -> None:
    package = library / "aws_lambda_powertools" / "__init__.py"
    package.write_text(LAZY_PACKAGE + "\n\ndef __getattr__(name):\n    return f'{name} made late'\n")
    slim(library, {"stepfunctions"})
    code = "from aws_lambda_powertools import Heavy, Late; print(Heavy.__name__, Late)"
    assert in_a_new_process(library, code) == "Heavy Late made late"


def test_a_module_imports_in_its_functions_what_they_alone_use(library: Path) -> None:
    slim(library, {"stepfunctions"})
    seen = in_a_new_process(
        library,
        "import sys, urllib3.http2 as module\n"
        "before = {'fractions', 'colorsys', 'calendar'} & sys.modules.keys()\n"
        "print(sorted(before), module.DAY, module.half(), module.Paint().grey())",
    )
    assert seen == "['calendar'] 4 1/2 (0.0, 0.0, 0)"


def test_a_module_that_functions_often_call_imports_only_the_named_package_late(library: Path) -> None:
    slim(library, {"stepfunctions"})
    seen = in_a_new_process(
        library,
        "import sys\nfrom botocore.utils import moment\n"
        "moment(None)\n"
        "before = {'colorsys', 'dateutil'} & sys.modules.keys()\n"
        "print(sorted(before), moment('2026-03-02'), moment('soon'))",
    )
    assert seen == "['colorsys'] 2026-03-02T00:00:00+00:00 1970-01-01T00:00:00+00:00"


def test_the_former_names_of_the_layers_own_services_stay(library: Path) -> None:
    slim(library, {"stepfunctions"})
    code = "from botocore.utils import EVENT_ALIASES; print(EVENT_ALIASES)"
    assert in_a_new_process(library, code) == "{'states': 'sfn', 'stepfunctions': 'sfn'}"


def test_botocore_sees_as_before_which_handlers_take_any_keyword(library: Path) -> None:
    slim(library, {"stepfunctions"})
    seen = in_a_new_process(
        library,
        "from functools import partial\nfrom botocore.compat import accepts_kwargs\n"
        "class Handler:\n"
        "    def __call__(self, **given): ...\n"
        "    def any(self, **given): ...\n"
        "    def one(self, given): ...\n"
        "handler = Handler()\n"
        "asked = (handler.any, handler.one, handler, partial(handler.any), lambda **given: 1, lambda given: 1)\n"
        "print([bool(accepts_kwargs(each)) for each in asked])",
    )
    assert seen == "[True, False, True, True, True, False]"


@pytest.mark.parametrize(("points", "plugins"), [("[console_scripts]", "()"), ("[pydantic]", "('found',)")])
def test_pydantic_looks_for_plugins_only_if_a_package_is_one(
    library: Path, points: str, plugins: str
) -> None:
    about = library / "logfire-1.dist-info"
    about.mkdir()
    (about / "entry_points.txt").write_text(points)
    slim(library, {"stepfunctions"})
    code = "from pydantic.plugin._loader import get_plugins; print(get_plugins())"
    assert in_a_new_process(library, code) == plugins


def test_the_types_of_pydantics_schemas_are_dictionaries_still(library: Path) -> None:
    slim(library, {"stepfunctions"})
    code = (
        "from pydantic_core.core_schema import Settings, settings; print(settings('a'), Settings.__mro__[1:])"
    )
    made = in_a_new_process(library, code)
    assert made.startswith("{'title': 'a'} (<class 'pydantic_core.core_schema.TypedDict'>, <class 'dict'>")


def test_a_file_that_another_environment_has_as_well_stays_there_as_it_was(library: Path) -> None:
    cache = library / "cache"
    cache.mkdir()
    files = [
        library / "aws_lambda_powertools" / "__init__.py",
        library / "botocore" / "data" / "endpoints.json",
    ]
    files += (library / "botocore" / "data").rglob("service-2.json.gz")
    before = {}
    for file in files:
        (cache / file.name).hardlink_to(file)
        before[cache / file.name] = file.read_bytes()
    slim(library, {"stepfunctions"})
    assert {file: file.read_bytes() for file in before} == before
