"""The form for a browser's upload of a product's picture: its limits and its signature."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.component.catalog.account import BUCKET, CatalogAccount
from tests.component.rest_events import header, json_body

TEN_MIB = 10 * 1024 * 1024
PATH = "/products/TEA-1/picture-uploads"


@pytest.fixture(autouse=True)
def tea(catalog: CatalogAccount) -> None:
    """TEA-1 is on sale."""
    catalog.sell("TEA-1")


def prepared(catalog: CatalogAccount, content_type: str = "image/png") -> dict[str, Any]:
    answer = catalog.send("POST", PATH, {"content_type": content_type})
    assert answer["statusCode"] == 201
    upload: dict[str, Any] = json_body(answer)
    return upload


def policy_of(upload: dict[str, Any]) -> dict[str, Any]:
    policy: dict[str, Any] = json.loads(base64.b64decode(upload["fields"]["policy"]))
    return policy


@pytest.mark.parametrize("content_type", ["image/jpeg", "image/png", "image/webp"])
def test_the_form_takes_one_object_of_one_type_and_size(catalog: CatalogAccount, content_type: str) -> None:
    upload = prepared(catalog, content_type)
    conditions = policy_of(upload)["conditions"]
    assert {"bucket": BUCKET} in conditions
    assert {"key": upload["key"]} in conditions
    assert {"Content-Type": content_type} in conditions
    assert ["content-length-range", 1, TEN_MIB] in conditions
    assert not [condition for condition in conditions if "starts-with" in condition]
    assert upload["fields"]["key"] == upload["key"]
    assert upload["fields"]["Content-Type"] == content_type
    assert upload["max_bytes"] == TEN_MIB


def test_every_upload_has_a_key_of_its_own_under_the_product(catalog: CatalogAccount) -> None:
    first, second = prepared(catalog)["key"], prepared(catalog)["key"]
    assert first != second
    for key in (first, second):
        folder, sku, upload_id = key.split("/")
        assert (folder, sku, len(upload_id)) == ("uploads", "TEA-1", 32)


def test_the_form_is_good_for_a_quarter_of_an_hour_and_promises_no_more(catalog: CatalogAccount) -> None:
    before = datetime.now(UTC)
    upload = prepared(catalog)
    promised = datetime.fromisoformat(upload["expires_at"])
    signed = datetime.fromisoformat(policy_of(upload)["expiration"])
    assert promised <= signed
    assert before - timedelta(seconds=1) <= promised - timedelta(minutes=15) <= datetime.now(UTC)


def test_the_form_is_signed_with_the_functions_temporary_credentials(catalog: CatalogAccount) -> None:
    upload = prepared(catalog)
    assert upload["fields"]["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    assert upload["fields"]["x-amz-security-token"] == "testing"
    assert {"x-amz-security-token": "testing"} in policy_of(upload)["conditions"]


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "s3.eu-central-1.amazonaws.com"),
        # The oldest region's own address; there botocore would sign by the old method without a setting.
        ("us-east-1", "s3.amazonaws.com"),
    ],
)
def test_on_aws_the_form_goes_to_the_buckets_own_address_signed_by_version_4(
    catalog: CatalogAccount, monkeypatch: pytest.MonkeyPatch, region: str, host: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    upload = prepared(catalog)
    assert upload["url"] == f"https://{BUCKET}.{host}/"
    assert upload["fields"]["x-amz-credential"].split("/")[2:] == [region, "s3", "aws4_request"]


def test_at_an_endpoint_without_names_the_form_goes_to_the_buckets_path(
    catalog: CatalogAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert prepared(catalog)["url"] == f"http://127.0.0.1:4566/{BUCKET}"


def test_caches_do_not_store_the_answer(catalog: CatalogAccount) -> None:
    answer = catalog.send("POST", PATH, {"content_type": "image/png"})
    assert header(answer, "Cache-Control") == "no-store"


def test_a_retired_product_may_get_a_picture_before_it_comes_back(catalog: CatalogAccount) -> None:
    product = catalog.store.find("TEA-1")
    assert product is not None
    catalog.revise(product, active=False)
    assert prepared(catalog)["key"].startswith("uploads/TEA-1/")


@pytest.mark.parametrize("sku", ["TEA-404", "not a sku", "x" * 3000])
def test_an_unknown_product_gets_no_picture(catalog: CatalogAccount, sku: str) -> None:
    answer = catalog.send("POST", f"/products/{sku}/picture-uploads", {"content_type": "image/png"})
    assert answer["statusCode"] == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/body/content_type"),
        ({"content_type": None}, "/body/content_type"),
        ({"content_type": "image/svg+xml"}, "/body/content_type"),
        ({"content_type": "text/html"}, "/body/content_type"),
        ({"content_type": "image/PNG"}, "/body/content_type"),
        ({"content_type": "image/png", "key": "uploads/OTHER/1"}, "/body/key"),
    ],
)
def test_a_request_for_another_type_is_unprocessable_and_named(
    catalog: CatalogAccount, body: dict[str, Any], pointer: str
) -> None:
    answer = catalog.send("POST", PATH, body)
    assert answer["statusCode"] == 422
    assert pointer in [error["pointer"] for error in json_body(answer)["errors"]]
