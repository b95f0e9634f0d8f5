"""A product's pictures: shown once they are ready, loaded by anyone, removed by admins; and the status of uploads."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from catalog.domain.picture import MAX_PICTURES
from shared.clock import timestamp
from tests.component.catalog.account import BUCKET, CUSTOMER, NOW, TABLE, CatalogAccount, change
from tests.component.rest_events import CORRELATION_ID, header, json_body

PRODUCT = "/products/TEA-1"
UPLOADS = f"{PRODUCT}/picture-uploads"


@pytest.fixture(autouse=True)
def tea(catalog: CatalogAccount) -> None:
    """TEA-1 is on sale."""
    catalog.sell("TEA-1")


def picture_event(kind: str, upload_id: str, when: str = timestamp(NOW), **data: Any) -> dict[str, Any]:
    return {
        "event_id": f"TEA-1/{upload_id}/tag:1:{kind}",
        "event_type": kind,
        "event_version": 1,
        "occurred_at": when,
        "aggregate_id": f"TEA-1/{upload_id}/tag",
        "aggregate_version": 1,
        "correlation_id": "c-9",
        "data": {"sku": "TEA-1", "upload_id": upload_id, **data},
    }


def ready(upload_id: str = "1" * 32, picture_id: str = "p1", **changes: Any) -> dict[str, Any]:
    renditions = [
        {
            "key": f"renditions/TEA-1/{picture_id}/{side}.{suffix}",
            "content_type": f"image/{kind}",
            "width": side,
            "height": side // 2,
        }
        for side in (200, 800)
        for suffix, kind in (("jpg", "jpeg"), ("webp", "webp"))
    ]
    data = {"picture_id": picture_id, "renditions": renditions, **changes}
    return picture_event("product.image_ready", upload_id, **data)


def refused(upload_id: str = "1" * 32, **changes: Any) -> dict[str, Any]:
    data = {"reason": "truncated", "detail": "It ends too early.", **changes}
    return picture_event("product.image_refused", upload_id, **data)


def pictures(catalog: CatalogAccount) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = json_body(catalog.get(PRODUCT))["pictures"]
    return shown


def prepared(catalog: CatalogAccount) -> dict[str, Any]:
    upload: dict[str, Any] = json_body(catalog.send("POST", UPLOADS, {"content_type": "image/png"}))
    return upload


def status(catalog: CatalogAccount, upload_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json_body(catalog.send("GET", f"{UPLOADS}/{upload_id}"))
    return found


def test_a_new_product_has_no_pictures(catalog: CatalogAccount) -> None:
    assert pictures(catalog) == []


def test_a_picture_that_is_ready_is_shown_on_the_products_page_and_in_the_list(
    catalog: CatalogAccount,
) -> None:
    assert catalog.deliver(ready()) == []
    (picture,) = pictures(catalog)
    assert picture["picture_id"] == "p1"
    assert picture["renditions"][0] == {
        "href": "/test/products/TEA-1/pictures/p1/200.jpg",
        "content_type": "image/jpeg",
        "width": 200,
        "height": 100,
    }
    assert json_body(catalog.get("/products"))["products"][0]["pictures"] == [picture]


def test_a_new_picture_is_a_new_version_so_that_no_cache_keeps_the_page_without_it(
    catalog: CatalogAccount,
) -> None:
    before = header(catalog.get(PRODUCT), "ETag")
    catalog.deliver(ready())
    answer = catalog.get(PRODUCT, headers={"If-None-Match": str(before)})
    assert (answer["statusCode"], header(answer, "ETag")) == (200, '"2"')
    (event,) = catalog.outbox("TEA-1")
    assert (event["event_type"], event["correlation_id"]) == ("product.changed", "c-9")


@pytest.mark.parametrize("kind", [ready, refused])
@pytest.mark.parametrize("upload_id", ["2" * 32, "made-up", ""])
def test_an_outcome_of_an_upload_that_nobody_prepared_is_a_dead_letter(
    catalog: CatalogAccount, kind: Callable[[str], dict[str, Any]], upload_id: str
) -> None:
    """The image processor decodes strangers' bytes; taken over, it would make up uploads."""
    forged = kind(upload_id)
    assert catalog.deliver(forged, are_prepared=False) == []
    [(letter, reason)] = catalog.dead_letters()
    assert letter == forged
    assert reason.startswith("UnknownUpload: ")
    assert pictures(catalog) == []
    assert catalog.send("GET", f"{UPLOADS}/{upload_id}")["statusCode"] == 404


def test_an_event_that_comes_again_changes_nothing(catalog: CatalogAccount) -> None:
    catalog.deliver(ready(), ready())
    assert catalog.deliver(ready()) == []
    assert len(pictures(catalog)) == 1
    assert header(catalog.get(PRODUCT), "ETag") == '"2"'


@pytest.mark.parametrize("outcome", [ready(), refused()], ids=["ready", "refused"])
def test_the_relay_publishes_an_outcome_as_the_image_processor_sent_it(
    catalog: CatalogAccount, outcome: dict[str, Any]
) -> None:
    catalog.deliver(outcome)
    assert catalog.outbox(f"upload#TEA-1#{'1' * 32}") == [outcome | {"causation_id": outcome["event_id"]}]


def test_nothing_that_the_catalogue_does_not_read_is_published(catalog: CatalogAccount) -> None:
    catalog.deliver(ready(more="and more"))
    [published] = catalog.outbox(f"upload#TEA-1#{'1' * 32}")
    assert published["data"] == ready()["data"]


FORGED = {
    "another aggregate": ready() | {"aggregate_id": "ord_1", "event_id": "ord_1:1:product.image_ready"},
    "another id": refused() | {"event_id": "ord_1:2:order.confirmed"},
    "another upload": ready() | {"data": ready("2" * 32)["data"]},
    "another picture's renditions": ready(renditions=ready(picture_id="p2")["data"]["renditions"]),
}


@pytest.mark.parametrize("outcome", FORGED.values(), ids=FORGED)
def test_an_outcome_that_is_not_about_its_upload_is_a_dead_letter(
    catalog: CatalogAccount, outcome: dict[str, Any]
) -> None:
    """The image processor decodes strangers' bytes, and is not trusted."""
    assert catalog.deliver(outcome) == []
    assert [letter for letter, _ in catalog.dead_letters()] == [outcome]
    assert pictures(catalog) == []


def test_an_event_of_another_type_in_the_queue_does_nothing(catalog: CatalogAccount) -> None:
    assert catalog.deliver(ready() | {"event_type": "user.deleted"}) == []
    assert pictures(catalog) == []


def test_an_event_that_comes_again_does_not_bring_back_a_removed_picture(catalog: CatalogAccount) -> None:
    catalog.deliver(ready())
    catalog.send("DELETE", f"{PRODUCT}/pictures/p1", headers={"If-Match": '"2"'})
    catalog.deliver(ready())
    assert pictures(catalog) == []


def test_the_same_picture_uploaded_twice_is_shown_once_and_both_uploads_are_ready(
    catalog: CatalogAccount,
) -> None:
    catalog.deliver(ready("1" * 32), ready("2" * 32))
    assert len(pictures(catalog)) == 1
    assert [status(catalog, digit * 32)["status"] for digit in "12"] == ["ready", "ready"]


def test_a_removed_picture_is_shown_again_when_it_is_uploaded_again(catalog: CatalogAccount) -> None:
    catalog.deliver(ready("1" * 32))
    catalog.send("DELETE", f"{PRODUCT}/pictures/p1", headers={"If-Match": '"2"'})
    catalog.deliver(ready("2" * 32))
    assert len(pictures(catalog)) == 1


def test_a_change_of_the_product_keeps_its_pictures(catalog: CatalogAccount) -> None:
    catalog.deliver(ready())
    answer = catalog.send("PUT", PRODUCT, change(name="New"), headers={"If-Match": '"2"'})
    assert (json_body(answer)["name"], len(json_body(answer)["pictures"])) == ("New", 1)


def test_a_retired_product_keeps_its_pictures_and_takes_new_ones(catalog: CatalogAccount) -> None:
    catalog.deliver(ready())
    catalog.send("DELETE", PRODUCT, headers={"If-Match": '"2"'})
    catalog.deliver(ready("2" * 32, "p2"))
    assert [picture["picture_id"] for picture in pictures(catalog)] == ["p1", "p2"]
    assert json_body(catalog.get(PRODUCT))["active"] is False


def test_changes_at_the_same_time_are_both_kept(
    catalog: CatalogAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, product = type(catalog.store).find, catalog.store.find("TEA-1")
    assert product is not None
    stale = [product, product]

    def outdated(store: Any, sku: str, *, consistent: bool = False) -> Any:
        return stale.pop() if stale else find(store, sku, consistent=consistent)

    catalog.revise(product, name="Changed meanwhile")
    monkeypatch.setattr(type(catalog.store), "find", outdated)
    assert catalog.deliver(ready()) == []
    assert json_body(catalog.get(PRODUCT))["name"] == "Changed meanwhile"
    assert len(pictures(catalog)) == 1


def test_a_product_that_never_stands_still_gets_its_picture_with_the_next_delivery(
    catalog: CatalogAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = catalog.store.find("TEA-1")
    assert product is not None
    catalog.revise(product, name="Changed meanwhile")
    with monkeypatch.context() as patched:
        patched.setattr(type(catalog.store), "find", lambda *_, **__: product)
        assert catalog.deliver(ready()) == [ready()["event_id"]]
    assert status(catalog, "1" * 32)["status"] == "awaited"
    assert catalog.deliver(ready()) == []
    assert len(pictures(catalog)) == 1


def test_more_pictures_than_a_product_may_have_are_refused_readably(catalog: CatalogAccount) -> None:
    for number in range(MAX_PICTURES + 1):
        catalog.deliver(ready(f"{number:032x}", f"p{number}"))
    assert len(pictures(catalog)) == MAX_PICTURES
    last = status(catalog, f"{MAX_PICTURES:032x}")
    assert (last["status"], last["reason"]) == ("refused", "too-many-pictures")
    assert last["detail"] == "The product shows 8 pictures already; remove one, then upload again."


def test_a_picture_of_no_product_is_a_dead_letter(catalog: CatalogAccount) -> None:
    event = json.loads(json.dumps(ready()).replace("TEA-1", "TEA-404"))
    assert catalog.deliver(event) == []
    [(letter, reason)] = catalog.dead_letters()
    assert (letter, reason.partition(":")[0]) == (event, "UnknownProduct")


def test_an_upload_is_awaited_then_ready(catalog: CatalogAccount) -> None:
    answer = catalog.send("POST", UPLOADS, {"content_type": "image/png"})
    upload_id = json_body(answer)["upload_id"]
    assert header(answer, "Location") == f"/test{UPLOADS}/{upload_id}"
    assert status(catalog, upload_id) == {
        "upload_id": upload_id,
        "status": "awaited",
        "reason": None,
        "detail": None,
        "picture_id": None,
    }
    catalog.deliver(ready(upload_id))
    assert status(catalog, upload_id)["status"] == "ready"
    assert status(catalog, upload_id)["picture_id"] == "p1"


def test_an_admin_reads_why_an_upload_was_refused(catalog: CatalogAccount) -> None:
    upload_id = prepared(catalog)["upload_id"]
    catalog.deliver(refused(upload_id))
    found = status(catalog, upload_id)
    assert (found["status"], found["reason"], found["detail"]) == (
        "refused",
        "truncated",
        "It ends too early.",
    )
    assert pictures(catalog) == []


def test_of_two_outcomes_the_later_upload_counts_whichever_is_received_last(catalog: CatalogAccount) -> None:
    later = {**ready(), "occurred_at": "2026-11-21T10:20:00.000Z"}
    catalog.deliver(later, refused())
    assert status(catalog, "1" * 32)["status"] == "ready"


def test_the_status_of_an_upload_expires(catalog: CatalogAccount) -> None:
    upload_id = prepared(catalog)["upload_id"]
    item = boto3.client("dynamodb").get_item(TableName=TABLE, Key={"pk": {"S": f"upload#TEA-1#{upload_id}"}})[
        "Item"
    ]
    days = (int(item["expires_at"]["N"]) - NOW.timestamp()) / 86400
    assert days > 28


def test_uploads_are_no_products(catalog: CatalogAccount) -> None:
    upload_id = prepared(catalog)["upload_id"]
    assert catalog.get(f"/products/upload#TEA-1#{upload_id}")["statusCode"] == 404
    assert catalog.pages() == [["TEA-1"]]


@pytest.mark.parametrize("upload_id", ["1" * 32, "x", "1" * 2000, "1" * 31 + "é"])
def test_an_unknown_upload_is_not_found(catalog: CatalogAccount, upload_id: str) -> None:
    assert catalog.send("GET", f"{UPLOADS}/{upload_id}")["statusCode"] == 404


def test_only_admins_read_uploads_and_remove_pictures(catalog: CatalogAccount) -> None:
    catalog.deliver(ready())
    for method, path in (("GET", f"{UPLOADS}/{'1' * 32}"), ("DELETE", f"{PRODUCT}/pictures/p1")):
        assert catalog.send(method, path, claims=CUSTOMER)["statusCode"] == 403
        assert catalog.send(method, path, claims=None)["statusCode"] == 401
    assert len(pictures(catalog)) == 1


def test_a_rendition_is_where_the_redirect_says_for_as_long_as_it_may_be_cached(
    catalog: CatalogAccount,
) -> None:
    catalog.deliver(ready())
    answer = catalog.get("/products/TEA-1/pictures/p1/800.webp")
    assert answer["statusCode"] == 302
    assert header(answer, "Cache-Control") == "public, max-age=1800"
    link = urlsplit(str(header(answer, "Location")))
    assert link.netloc.startswith(f"{BUCKET}.s3")
    assert link.path == "/renditions/TEA-1/p1/800.webp"
    assert parse_qs(link.query)["X-Amz-Expires"] == ["3600"]


@pytest.mark.parametrize("path", ["p1/900.webp", "p1/..", "p2/800.webp", "p1/folder"])
def test_an_unknown_rendition_is_not_found(catalog: CatalogAccount, path: str) -> None:
    catalog.deliver(ready())
    assert catalog.get(f"/products/TEA-1/pictures/{path}")["statusCode"] == 404
    assert catalog.get(f"/products/TEA-404/pictures/{path}")["statusCode"] == 404


def test_a_picture_is_removed_at_the_version_that_was_read(catalog: CatalogAccount) -> None:
    catalog.deliver(ready())
    path = f"{PRODUCT}/pictures/p1"
    assert catalog.send("DELETE", path)["statusCode"] == 428
    assert catalog.send("DELETE", path, headers={"If-Match": '"1"'})["statusCode"] == 412
    removed = catalog.send("DELETE", path, headers={"If-Match": '"2"'})
    assert (removed["statusCode"], header(removed, "ETag")) == (204, '"3"')
    assert pictures(catalog) == []
    assert catalog.send("DELETE", path, headers={"If-Match": '"3"'})["statusCode"] == 404


def test_the_form_carries_the_correlation_id_to_the_object(catalog: CatalogAccount) -> None:
    upload = prepared(catalog)
    assert upload["fields"]["x-amz-meta-correlation-id"] == CORRELATION_ID
