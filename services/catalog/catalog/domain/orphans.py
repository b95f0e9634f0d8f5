"""Orphans: stored pictures that no product shows and no upload still needs, and the sweep that removes them.

A rendition is stored before its product shows it, and the event between the two may wait in dead letters for weeks.
So a rendition is an orphan only once no event about it can arrive any more.

An upload is an orphan a day after it was stored, if its outcome is known or no form was signed for it. An awaited
upload can be processed again from the dead letters. It stays for a week: then the bucket's lifecycle rule removes it,
and so does the sweep, in case there is no such rule.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from catalog.domain.upload import RETENTION, Upload, UploadStatus

RENDITION_GRACE = RETENTION
"""No event about a rendition arrives later, nor one about the upload that it was made of."""
UPLOAD_GRACE = timedelta(days=1)
AWAITED_UPLOAD_GRACE = timedelta(days=7)
"""The same as in the bucket's lifecycle rule, in the template."""

TIME_FOR_A_PAGE_MS = 15_000


@dataclass(frozen=True)
class StoredObject:
    """An object of the pictures bucket; `path` is its key behind the prefix, in parts."""

    key: str
    path: tuple[str, ...]
    stored_at: datetime


class Products(Protocol):
    """The products that show pictures."""

    def picture_ids_of(self, sku: str) -> frozenset[str]:
        """The ids of the pictures that the product shows."""


class Uploads(Protocol):
    """The uploads for which a form was signed."""

    def find(self, sku: str, upload_id: str) -> Upload | None:
        """The upload, or None."""


class Bucket(Protocol):
    """The objects to be swept."""

    def page(self, after: str | None) -> tuple[list[StoredObject], bool]:
        """The next objects after the key `after`, and whether more follow."""

    def remove(self, keys: list[str]) -> None:
        """Removes the objects."""


class SweepRequest(BaseModel):
    """The input of a sweep: whether to count only, and the key after which to go on."""

    model_config = ConfigDict(frozen=True)

    dry_run: bool
    after: str | None = None


class Swept(BaseModel):
    """The result of a sweep; `next` is the key after which the next run goes on, None when all were seen."""

    seen: int = 0
    removed: int = 0
    next: str | None = None


def orphaned_renditions(objects: list[StoredObject], products: Products, now: datetime) -> Iterator[str]:
    """The keys of the renditions, in the bucket's order, that no product shows; ignores objects of other names."""
    old = [stored for stored in objects if stored.stored_at < now - RENDITION_GRACE and len(stored.path) == 3]
    for sku, of_product in groupby(old, key=lambda stored: stored.path[0]):
        shown = products.picture_ids_of(sku)
        yield from (stored.key for stored in of_product if stored.path[1] not in shown)


def orphaned_uploads(objects: list[StoredObject], uploads: Uploads, now: datetime) -> Iterator[str]:
    """The keys of the uploads that are no longer needed; ignores objects of other names."""
    for stored in objects:
        if len(stored.path) != 2 or stored.stored_at >= now - UPLOAD_GRACE:
            continue
        if stored.stored_at < now - AWAITED_UPLOAD_GRACE or not _is_awaited(*stored.path, uploads=uploads):
            yield stored.key


def sweep(
    bucket: Bucket,
    orphans_among: Callable[[list[StoredObject]], Iterable[str]],
    request: SweepRequest,
    remaining_ms: Callable[[], int],
) -> Swept:
    """Removes the orphans of the bucket, or counts them in a dry run, page by page while time remains.

    A second sweep finds none of them. Raises the errors of `bucket`.
    """
    swept = Swept(next=request.after)
    while remaining_ms() > TIME_FOR_A_PAGE_MS:
        objects, more_follow = bucket.page(swept.next)
        orphans = list(orphans_among(objects))
        if not request.dry_run:
            bucket.remove(orphans)
        swept.seen += len(objects)
        swept.removed += len(orphans)
        if not more_follow:
            swept.next = None
            return swept
        swept.next = objects[-1].key
    return swept


def _is_awaited(sku: str, upload_id: str, *, uploads: Uploads) -> bool:
    upload = uploads.find(sku, upload_id)
    return upload is not None and upload.status is UploadStatus.AWAITED
