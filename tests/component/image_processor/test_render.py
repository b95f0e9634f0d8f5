"""From S3's notification of an upload to stored renditions and the event, against a pretended S3 and SQS."""

import json
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ClientError
from PIL import Image

from image_processor.domain.picture import MAX_BYTES
from tests.component.image_processor.account import UPLOADED_AT, ImageProcessorAccount, notification
from tests.pictures.corpus import BLUE, SMALL, quadrants, saved

PICTURE = saved(quadrants(size=SMALL), "PNG")
OTHER = saved(Image.new("RGB", SMALL, BLUE), "PNG")
KEY = "uploads/TEA-1/0b8f3c526f0e4a0c9f572f3a5d1c7e90"


def test_an_upload_becomes_renditions_that_the_event_names(account: ImageProcessorAccount) -> None:
    (event,) = account.process(KEY, PICTURE, **{"correlation-id": "c-1"})

    data = event["data"]
    assert (data["sku"], data["upload_id"]) == ("TEA-1", KEY.rpartition("/")[2])
    assert event["correlation_id"] == "c-1"
    assert event["occurred_at"] == UPLOADED_AT
    folder = f"renditions/TEA-1/{data['picture_id']}"
    named = {entry["key"]: entry for entry in data["renditions"]}
    assert list(named) == [f"{folder}/{name}" for name in ("200.jpg", "200.webp", "300.jpg", "300.webp")]
    assert account.objects().keys() == named.keys()
    for key, entry in named.items():
        stored = account.head(key)
        assert stored["ContentType"] == entry["content_type"]
        assert stored["CacheControl"] == "public, max-age=31536000, immutable"
        with Image.open(BytesIO(stored["Body"].read())) as picture:
            assert picture.size == (entry["width"], entry["height"])


def test_a_message_that_comes_twice_makes_the_same_objects_and_the_same_event(
    account: ImageProcessorAccount,
) -> None:
    first, before = account.process(KEY, PICTURE), account.objects()
    assert account.deliver(notification(KEY)) == []
    assert account.objects() == before
    assert account.events() == first


def test_the_same_picture_uploaded_again_makes_no_further_object(account: ImageProcessorAccount) -> None:
    (first,), before = account.process(KEY, PICTURE), account.objects()
    (second,) = account.process("uploads/TEA-1/another", PICTURE)
    assert account.objects() == before
    assert first["data"]["picture_id"] == second["data"]["picture_id"]
    assert first["event_id"] != second["event_id"]


def test_a_form_used_again_for_another_picture_makes_another_event(account: ImageProcessorAccount) -> None:
    (first,) = account.process(KEY, PICTURE)
    (second,) = account.process(KEY, OTHER)
    assert first["event_id"] != second["event_id"]
    assert first["data"]["picture_id"] != second["data"]["picture_id"]


@pytest.mark.parametrize(
    "name", ["my picture.png", "a+b.png", "Grüße 茶.png", "100%25.png", "folder/in it/x.png", "&=?#.png"]
)
def test_every_name_that_an_object_may_have_is_found(account: ImageProcessorAccount, name: str) -> None:
    (event,) = account.process(f"uploads/TEA-1/{name}", PICTURE)
    assert event["data"]["upload_id"] == name


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no picture", "not-a-picture"),
        (PICTURE[:200], "truncated"),
        (saved(quadrants(size=SMALL), "GIF"), "unsupported-type"),
        (PICTURE + bytes(MAX_BYTES), "too-large"),
    ],
)
def test_the_catalogue_is_told_why_a_picture_is_refused(
    account: ImageProcessorAccount, content: bytes, reason: str
) -> None:
    (event,) = account.process(KEY, content)
    assert event["event_type"] == "product.image_refused"
    assert (event["data"]["reason"], event["data"]["sku"]) == (reason, "TEA-1")
    assert event["data"]["detail"].endswith(".")
    assert account.objects() == {}
    assert account.dead_letters() == []


def test_too_many_bytes_are_not_even_fetched(
    account: ImageProcessorAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.upload(KEY, bytes(MAX_BYTES + 1))
    from botocore.response import StreamingBody

    monkeypatch.setattr(StreamingBody, "read", lambda *_: pytest.fail("the body was read"))
    assert account.deliver(notification(KEY)) == []
    assert (
        account.events()[0]["data"]["detail"]
        == "It has 10,485,761 bytes; at most 10,485,760 (10 MiB) are taken."
    )


def test_an_outcome_that_cannot_be_sent_is_made_again_with_the_message(
    account: ImageProcessorAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    from image_processor.adapters.outcome_queue import OutcomeQueue

    def throttled(*_: Any) -> None:
        raise ClientError({"Error": {"Code": "RequestThrottled"}}, "SendMessage")

    account.upload(KEY, PICTURE)
    with monkeypatch.context() as patched:
        patched.setattr(OutcomeQueue, "send", throttled)
        assert account.deliver(notification(KEY)) == ["m-0"]
    assert account.events() == []
    assert account.deliver(notification(KEY)) == []
    assert len(account.events()) == 1


def test_the_catalogue_is_not_told_of_a_rendition_that_cannot_be_stored(
    account: ImageProcessorAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    from image_processor.adapters.pictures_bucket import PicturesBucket

    stored = PicturesBucket.put

    def fail_at_webp(self: PicturesBucket, sku: str, picture_id: str, rendition: Any) -> str:
        if rendition.name == "300.webp":
            raise ClientError({"Error": {"Code": "SlowDown"}}, "PutObject")
        return stored(self, sku, picture_id, rendition)

    account.upload(KEY, PICTURE)
    with monkeypatch.context() as patched:
        patched.setattr(PicturesBucket, "put", fail_at_webp)
        assert account.deliver(notification(KEY)) == ["m-0"]
    assert account.events() == []
    assert account.deliver(notification(KEY)) == []
    assert len(account.events()) == 1


def test_the_test_that_s3_sends_when_it_is_set_up_is_no_upload(account: ImageProcessorAccount) -> None:
    test = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": UPLOADED_AT, "Bucket": "pictures"}
    assert account.deliver(json.dumps(test)) == []
    assert account.events() == []
    assert account.dead_letters() == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("nothing", "UnreadableNotification"),
        ('{"Event": "s3:ObjectRemoved:Delete"}', "UnreadableNotification"),
        (notification("uploads/lost.png"), "NotAnUpload"),
        (notification("uploads//x"), "NotAnUpload"),
        (notification("uploads/" + "X" * 300 + "/x"), "NotAnUpload"),
        (notification("renditions/TEA-1/p/200.jpg"), "NotAnUpload"),
        (notification("uploads/TEA-1/gone"), "UploadGone"),
    ],
)
def test_a_message_that_can_never_succeed_is_a_dead_letter_at_once(
    account: ImageProcessorAccount, body: str, reason: str
) -> None:
    account.upload("renditions/TEA-1/p/200.jpg", PICTURE)
    assert account.deliver(body) == []
    ((letter, given),) = account.dead_letters()
    assert (letter, given.partition(":")[0]) == (body, reason)
    assert account.events() == []
    assert list(account.objects()) == ["renditions/TEA-1/p/200.jpg"]


def test_a_failing_message_does_not_hold_up_the_good_ones(account: ImageProcessorAccount) -> None:
    account.upload(KEY, PICTURE)
    assert account.deliver("nothing", notification(KEY)) == []
    assert len(account.events()) == 1


def test_a_bucket_that_does_not_answer_fails_the_message_alone(
    account: ImageProcessorAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.upload(KEY, PICTURE)
    from image_processor.adapters.pictures_bucket import PicturesBucket

    def refuse(self: PicturesBucket, upload: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")

    monkeypatch.setattr(PicturesBucket, "find", refuse)
    assert account.deliver(notification(KEY)) == ["m-0"]
    assert account.dead_letters() == []
