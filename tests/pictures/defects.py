"""Uploads that are refused, each with its reason."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from image_processor.domain.picture import Refusal
from tests.pictures.corpus import SECRET, quadrants, saved
from tests.pictures.png import SIGNATURE, chunk, header


@dataclass(frozen=True)
class Bad:
    """An upload that is refused, for `reason`."""

    name: str
    content: bytes
    reason: Refusal


def bad() -> list[Bad]:
    """Every upload that is refused."""
    return [*_other_things(), *_other_formats(), *_incomplete(), *_damaged(), *_bombs()]


def _other_things() -> Iterator[Bad]:
    reason = Refusal.NOT_A_PICTURE
    yield Bad("empty", b"", reason)
    yield Bad("text", b"This is no picture.\n" * 20, reason)
    yield Bad("html", b"<!doctype html><script>alert(1)</script>", reason)
    yield Bad("zip", b"PK\x03\x04" + bytes(500), reason)
    yield Bad("program", b"\x7fELF" + bytes(500), reason)
    yield Bad("zeros", bytes(100_000), reason)
    yield Bad("riff-sound", b"RIFF" + struct.pack("<I", 100) + b"WAVEfmt " + bytes(92), reason)


def _other_formats() -> Iterator[Bad]:
    reason, picture = Refusal.UNSUPPORTED_TYPE, quadrants(size=(60, 40))
    for name in ("GIF", "TIFF", "BMP", "AVIF", "JPEG2000", "ICO"):
        yield Bad(name.lower(), saved(picture, name), reason)
    yield Bad(
        "gif-huge-canvas", b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0xF7, 0, 0) + bytes(800), reason
    )
    yield Bad("heic", struct.pack(">I", 24) + b"ftypheic" + bytes(500), reason)
    yield Bad(
        "svg", b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', reason
    )
    yield Bad("pdf", b"%PDF-1.7\n" + bytes(500), reason)
    yield Bad("photoshop", b"8BPS\0\1" + bytes(500), reason)


def _incomplete() -> Iterator[Bad]:
    picture, reason = quadrants(size=(400, 300)), Refusal.TRUNCATED
    noisy = Image.effect_noise((400, 300), 60).convert("RGB")
    for name in ("JPEG", "PNG", "WEBP"):
        whole = saved(noisy, name)
        yield Bad(f"{name.lower()}-half", whole[: len(whole) // 2], reason)
        yield Bad(f"{name.lower()}-nine-tenths", whole[: len(whole) * 9 // 10], reason)
    jpeg = saved(noisy, "JPEG", progressive=True)
    yield Bad("jpeg-progressive-half", jpeg[: len(jpeg) // 2], reason)
    yield Bad("webp-start-alone", saved(picture, "WEBP")[:24], reason)
    # These are too short for a better diagnosis.
    yield Bad("png-header-alone", header(400, 300), Refusal.DAMAGED)
    yield Bad("png-signature-alone", SIGNATURE, Refusal.DAMAGED)
    yield Bad("jpeg-start-alone", saved(picture, "JPEG")[:20], Refusal.DAMAGED)


def _damaged() -> Iterator[Bad]:
    reason = Refusal.DAMAGED
    yield Bad("jpeg-nonsense", b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20, reason)
    yield Bad(
        "webp-nonsense",
        b"RIFF" + struct.pack("<I", 1016) + b"WEBPVP8 " + bytes(range(250)) * 4 + bytes(8),
        reason,
    )
    pixels = chunk(b"IDAT", b"no deflate stream" * 10)
    yield Bad("png-pixels-are-none", header(100, 100) + pixels + chunk(b"IEND"), reason)
    whole = bytearray(saved(quadrants(size=(100, 100)), "PNG"))
    whole[16] ^= 0xFF  # the width, which the header's checksum covers
    yield Bad("png-wrong-checksum", bytes(whole), reason)


def _bombs() -> Iterator[Bad]:
    reason = Refusal.TOO_MANY_PIXELS
    rows = chunk(b"IDAT", zlib.compress(bytes(10_000_000), 9))
    yield Bad("png-bomb", header(50_000, 50_000) + rows + chunk(b"IEND"), reason)
    yield Bad("png-largest", header(2**31 - 1, 2**31 - 1) + rows + chunk(b"IEND"), reason)
    yield Bad("png-just-over", header(10_000, 5_001) + rows + chunk(b"IEND"), reason)
    yield Bad("png-long", header(40_000, 1) + rows + chunk(b"IEND"), reason)
    yield Bad("jpeg-bomb", _resized_jpeg(saved(quadrants(size=(64, 64)), "JPEG"), 65_000, 65_000), reason)
    canvas = b"VP8X" + struct.pack("<IB3x", 10, 2) + (16383).to_bytes(3, "little") * 2
    frame = b"ANIM" + struct.pack("<I", 6) + bytes(6)
    riff = b"WEBP" + canvas + frame
    yield Bad("webp-bomb", b"RIFF" + struct.pack("<I", len(riff)) + riff, reason)

    reason = Refusal.TOO_COMPLEX
    unpacks_to_much = zlib.compress(bytes(50_000_000), 9)
    profile = chunk(b"iCCP", b"profile\0\0" + unpacks_to_much)
    text = chunk(b"zTXt", SECRET.encode()[:20] + b"\0\0" + unpacks_to_much)
    pixels = saved(quadrants(size=(100, 100)), "PNG")[33:]
    yield Bad("png-profile-bomb", header(100, 100) + profile + pixels, reason)
    yield Bad("png-text-bomb", header(100, 100) + text + pixels, reason)
    bomb = _many_scans()
    yield Bad("jpeg-scan-bomb", bomb, reason)
    # An end within the metadata is not the picture's, and a marker may have any number of 0xFF before it.
    end_in_metadata = b"\xff\xe5\0\4\xff\xd9"
    yield Bad("jpeg-scan-bomb-behind-an-end", bomb[:2] + end_in_metadata + bomb[2:], reason)
    yield Bad("jpeg-scan-bomb-with-fill", bomb.replace(b"\xff\xda", b"\xff\xff\xff\xda"), reason)


def _resized_jpeg(jpeg: bytes, width: int, height: int) -> bytes:
    """The file with another size in its frame header (SOF0)."""
    place = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:place] + struct.pack(">HH", height, width) + jpeg[place + 4 :]


def _many_scans() -> bytes:
    """A progressive JPEG that repeats its last scan a thousand times."""
    jpeg = saved(quadrants(size=(1000, 1000)), "JPEG", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:last] + jpeg[last:-2] * 1000 + jpeg[-2:]
