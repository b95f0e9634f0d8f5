"""What becomes of every picture of the corpus: its renditions pixel by pixel, or the reason why it is refused."""

import random
import time
import zlib
from functools import cache
from io import BytesIO
from itertools import islice

import pytest
from PIL import Image

from image_processor.domain.picture import LONG_SIDES, MAX_PIXELS, PictureRefused
from image_processor.domain.pixels import RenditionFile, render
from tests.pictures.corpus import SECRET, SMALL, Good, formats, good, quadrants, saved
from tests.pictures.defects import Bad, bad
from tests.pictures.png import chunk, header

GOOD, BAD = good(), bad()
# Such as can be read often: some of each. In a file of few pixels more changes hit what is said about them.
_SOME: list[Good | Bad] = [*islice(formats(SMALL), 12), *BAD[-4:]]
SMALL_FILES = [case for case in _SOME if len(case.content) < 200_000]
SEED = 20261121


@cache
def rendered(case: Good) -> list[RenditionFile]:
    """The picture's renditions, made once for all tests."""
    return render(case.content)


def opened(rendition: RenditionFile) -> Image.Image:
    picture = Image.open(BytesIO(rendition.body))
    picture.load()
    return picture


def centres(picture: Image.Image) -> list[tuple[int, ...]]:
    """The pixels in the middle of the four quadrants."""
    width, height = picture.size
    return [
        picture.getpixel((int(width * x), int(height * y)))  # type: ignore[misc]
        for y in (0.25, 0.75)
        for x in (0.25, 0.75)
    ]


def near(found: tuple[int, ...], expected: tuple[int, ...], tolerance: int) -> bool:
    return all(abs(one - other) <= tolerance for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_a_picture_has_renditions_of_the_right_size_upright_and_in_its_colours(case: Good) -> None:
    renditions = rendered(case)
    longest = max(case.size)
    expected = sorted({min(side, longest) for side in LONG_SIDES})
    assert [rendition.name for rendition in renditions] == [
        f"{side}.{suffix}" for side in expected for suffix in ("jpg", "webp")
    ]
    for rendition in renditions:
        picture = opened(rendition)
        assert picture.size == (rendition.width, rendition.height)
        assert f"{max(picture.size)}." in rendition.name
        for side, original in zip(picture.size, case.size, strict=True):
            assert abs(side - max(1, original * max(picture.size) / longest)) <= 0.5
        assert rendition.content_type == Image.MIME[picture.format or ""]
        if rendition.content_type == "image/jpeg":
            found = centres(picture.convert("RGB"))
            assert all(map(near, found, case.quadrants, [case.tolerance] * 4)), found


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_webp_keeps_transparency_and_has_none_where_there_was_none(case: Good) -> None:
    for rendition in rendered(case):
        if rendition.content_type != "image/webp":
            continue
        picture = opened(rendition)
        assert picture.mode == ("RGB" if case.alpha is None else "RGBA")
        alphas = case.alpha or (255,) * 4
        for found, colour, alpha in zip(
            centres(picture.convert("RGBA")), case.quadrants, alphas, strict=True
        ):
            assert abs(found[3] - alpha) <= 4
            if alpha == 255:
                assert near(found[:3], colour, case.tolerance + 4), found


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_a_rendition_holds_nothing_but_pixels(case: Good) -> None:
    for rendition in rendered(case):
        picture = opened(rendition)
        assert not picture.getexif()
        assert not {"icc_profile", "exif", "xmp", "comment", "photoshop", "dpi"} & set(picture.info)
        if "jfif" in picture.info:
            assert [name for name, _ in picture.applist] == ["APP0"]  # type: ignore[attr-defined]
        assert SECRET.encode() not in rendition.body
        assert getattr(picture, "n_frames", 1) == 1


def test_the_same_picture_makes_the_same_bytes() -> None:
    for case in GOOD[::5]:
        assert render(case.content) == rendered(case)


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_a_picture_that_cannot_be_shown_is_refused_with_its_reason(case: Bad) -> None:
    started = time.process_time()
    with pytest.raises(PictureRefused) as refused:
        render(case.content)
    assert refused.value.reason == case.reason
    assert refused.value.detail[0].isupper() and refused.value.detail.endswith(".")
    assert time.process_time() - started < 2  # seconds of work, for any claim of the file


def test_the_refusal_of_an_unsupported_type_names_the_supported_ones() -> None:
    with pytest.raises(PictureRefused) as refused:
        render(saved(quadrants(size=(60, 40)), "GIF"))
    assert refused.value.detail == "Pictures of the type GIF are not taken. Send it as JPEG, PNG or WebP."


def test_the_pixel_limit_itself_is_allowed() -> None:
    width, height = 10_000, MAX_PIXELS // 10_000
    with pytest.raises(PictureRefused) as refused:
        render(header(width, height) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND"))
    assert refused.value.reason == "truncated"  # it would have been read, had it any pixels


@pytest.mark.parametrize("case", SMALL_FILES, ids=lambda case: case.name)
def test_bytes_changed_at_random_make_a_picture_or_a_refusal_and_nothing_else(case: Good | Bad) -> None:
    chance = random.Random(SEED)  # noqa: S311
    for _ in range(25):
        changed = bytearray(case.content)
        for _ in range(chance.randint(1, 8)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        try:
            assert render(bytes(changed))
        except PictureRefused as refused:
            assert refused.detail  # noqa: PT017
