"""Pictures on the deployed stack: from the upload form to renditions that load, or to a reason that can be read."""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
import requests
from PIL import Image

from tests.pictures.corpus import COLOURS, exif, quadrants, saved
from tests.pictures.defects import bad
from tests.system.links import location, target
from tools.ops.dead_letters import DeadLetters
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

STORED_ON_ITS_SIDE = saved(
    quadrants(size=(2000, 1200)).transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif(orientation=6)
)
DEFECTS = {case.name: case for case in bad()}

Upload = Callable[[bytes], dict[str, Any]]


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    """Someone who runs the shop."""
    return shop.admin()


@pytest.fixture
def product(shop: Shop, admin: Customer) -> str:
    """The path of a new product."""
    body = {
        "sku": f"TEST-{uuid4().hex[:12].upper()}",
        "name": "Test tea",
        "description": "",
        "category": "pantry",
        "price": {"amount": 790, "currency": "EUR"},
    }
    answer = shop.request("POST", "/products", token=admin.token, json=body)
    assert answer.status_code == 201
    return f"/products/{body['sku']}"


@pytest.fixture
def upload(shop: Shop, admin: Customer, product: str) -> Upload:
    """Uploads a picture of the product as a browser does, and waits for what becomes of it."""

    def send(content: bytes) -> dict[str, Any]:
        prepared = shop.request(
            "POST", f"{product}/picture-uploads", token=admin.token, json={"content_type": "image/jpeg"}
        )
        form = prepared.json()
        posted = requests.post(
            form["url"], data=form["fields"], files={"file": ("x.jpg", content)}, timeout=60
        )
        assert posted.status_code == 204

        def outcome() -> dict[str, Any] | None:
            answer = shop.request("GET", location(prepared), token=admin.token).json()
            return answer if answer["status"] != "awaited" else None

        return wait_for(outcome, f"what becomes of {form['key']}", seconds=120)

    return send


def shown(shop: Shop, product: str) -> list[dict[str, Any]]:
    """The pictures on the product's page, past every cache."""
    pictures: list[dict[str, Any]] = shop.request("GET", product).json()["pictures"]
    return pictures


def stored(stack: Stack, product: str) -> list[tuple[str, str]]:
    """The product's renditions in the bucket, each with its ETag."""
    prefix = f"renditions/{product.rpartition('/')[2]}/"
    answer = stack.client("s3").list_objects_v2(Bucket=stack.resource("PicturesBucket"), Prefix=prefix)
    return [(entry["Key"], entry["ETag"]) for entry in answer.get("Contents", [])]


def test_an_uploaded_picture_is_shown_in_every_size_upright_and_loads(
    shop: Shop, product: str, upload: Upload
) -> None:
    outcome = upload(STORED_ON_ITS_SIDE)

    assert outcome["status"] == "ready"
    page = shop.request("GET", product)
    (picture,) = page.json()["pictures"]
    assert picture["picture_id"] == outcome["picture_id"]
    sizes = [(entry["content_type"], entry["width"], entry["height"]) for entry in picture["renditions"]]
    assert sizes == [
        (kind, side, side * 3 // 5) for side in (200, 800, 1600) for kind in ("image/jpeg", "image/webp")
    ]
    for entry in picture["renditions"]:
        loaded = requests.get(target(page, entry["href"]), timeout=60)
        assert (loaded.status_code, loaded.headers["Content-Type"]) == (200, entry["content_type"])
        assert loaded.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        with Image.open(BytesIO(loaded.content)) as rendition:
            assert rendition.size == (entry["width"], entry["height"])
            assert not rendition.getexif()
            top_left: Any = rendition.getpixel((10, 10))
        assert all(abs(found - value) < 16 for found, value in zip(top_left, COLOURS[0], strict=True))
    assert [picture] in [entry["pictures"] for entry in listed(shop, "pantry")]


def listed(shop: Shop, category: str) -> Iterator[dict[str, Any]]:
    """Every product of a category, page by page."""
    page, cursor = None, ""
    while page is None or page["next"]:
        page = shop.request("GET", f"/products?category={category}&limit=100{cursor}").json()
        cursor = f"&cursor={page['next']}"
        yield from page["products"]


def test_the_same_picture_twice_is_the_same_objects_and_is_shown_once(
    stack: Stack, shop: Shop, product: str, upload: Upload
) -> None:
    first = upload(STORED_ON_ITS_SIDE)
    before = stored(stack, product)
    second = upload(STORED_ON_ITS_SIDE)

    assert first["picture_id"] == second["picture_id"]
    assert stored(stack, product) == before
    assert len(before) == 6
    assert len(shown(shop, product)) == 1


@pytest.mark.parametrize(
    ("defect", "says"),
    [
        ("text", "no picture"),
        ("jpeg-half", "ends too early"),
        ("gif", "GIF are not taken"),
        ("png-bomb", "more than 50 megapixels"),
        ("png-profile-bomb", "too large"),
    ],
)
def test_a_bad_picture_is_refused_readably_and_not_shown(
    shop: Shop, product: str, upload: Upload, defect: str, says: str
) -> None:
    outcome = upload(DEFECTS[defect].content)

    assert (outcome["status"], outcome["reason"]) == ("refused", DEFECTS[defect].reason)
    assert says in outcome["detail"]
    assert shown(shop, product) == []


def test_objects_of_any_name_are_processed_and_shown_only_if_a_form_was_signed_for_them(
    stack: Stack, shop: Shop, product: str
) -> None:
    sku = product.rpartition("/")[2]
    pictures = {
        name: saved(Image.new("RGB", (40, 30), (index * 50, 99, 99)), "PNG")
        for index, name in enumerate(("my picture.png", "a+b %2B.png", "Grüße 茶.png"))
    }
    for name, content in pictures.items():
        stack.client("s3").put_object(
            Bucket=stack.resource("PicturesBucket"), Key=f"uploads/{sku}/{name}", Body=content
        )

    box = DeadLetters(stack)
    queue = box.queue("CatalogRecordPictures")

    def reasons() -> list[str]:
        with box.inspected(queue) as letters:
            return [
                letter.attributes["reason"]["StringValue"].partition(":")[0]
                for letter in letters
                if sku in letter.body
            ]

    wait_for(lambda: reasons() == ["UnknownUpload"] * len(pictures), "all of the outcomes", seconds=120)
    assert len(stored(stack, product)) == len(pictures) * len(("jpeg", "webp"))
    assert shown(shop, product) == []


def test_a_removed_picture_is_shown_no_more(
    shop: Shop, admin: Customer, product: str, upload: Upload
) -> None:
    picture_id = upload(STORED_ON_ITS_SIDE)["picture_id"]
    version = shop.request("GET", product).headers["ETag"]
    removed = shop.request(
        "DELETE", f"{product}/pictures/{picture_id}", token=admin.token, headers={"If-Match": version}
    )

    assert removed.status_code == 204
    assert shown(shop, product) == []
    assert shop.request("GET", f"{product}/pictures/{picture_id}/200.jpg").status_code == 404


def test_what_is_no_upload_ends_among_the_dead_letters_with_its_reason(stack: Stack) -> None:
    key = f"uploads/lost-{uuid4().hex}.png"
    stack.client("s3").put_object(Bucket=stack.resource("PicturesBucket"), Key=key, Body=b"x")

    def letter() -> dict[str, Any] | None:
        answer = stack.client("sqs").receive_message(
            QueueUrl=stack.resource("ImageProcessorRenderDeadLetterQueue"),
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            MessageAttributeNames=["All"],
        )
        return next((found for found in answer.get("Messages", []) if key in found["Body"]), None)

    found = wait_for(letter, f"{key} among the dead letters", seconds=90)
    assert found["MessageAttributes"]["reason"]["StringValue"].startswith("NotAnUpload")


def test_renditions_are_read_by_signed_links_alone_and_start_nothing(
    stack: Stack, shop: Shop, product: str, upload: Upload
) -> None:
    upload(STORED_ON_ITS_SIDE)
    page = shop.request("GET", product)
    href = page.json()["pictures"][0]["renditions"][0]["href"]
    link = requests.get(target(page, href), allow_redirects=False, timeout=60)
    assert (link.status_code, link.headers["Cache-Control"]) == (302, "public, max-age=1800")
    assert requests.get(link.headers["Location"].partition("?")[0], timeout=60).status_code == 403

    again = upload(STORED_ON_ITS_SIDE)  # by now an event about renditions would have come
    assert again["status"] == "ready"
    letters = stack.client("sqs").receive_message(
        QueueUrl=stack.resource("ImageProcessorRenderDeadLetterQueue"),
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
    )
    assert not [found for found in letters.get("Messages", []) if "renditions/" in found["Body"]]
