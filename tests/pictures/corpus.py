"""The corpus: pictures of every format, mode, orientation and defect that uploads may have, made here.

Each good one shows four quadrants of a colour each, so that size, orientation and colours can be checked by few pixels.
"""

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, PngImagePlugin

from tests.pictures import profiles
from tests.pictures.png import GREY, GREY_ALPHA, PALETTE, RGB_ALPHA, chunk, png

Colour = tuple[int, int, int]
Quadrants = tuple[Colour, Colour, Colour, Colour]

RED, GREEN, BLUE, YELLOW = (200, 30, 40), (30, 160, 60), (40, 60, 190), (230, 210, 40)
COLOURS: Quadrants = (RED, GREEN, BLUE, YELLOW)
"""Top left, top right, bottom left, bottom right."""
WHITE = (255, 255, 255)
SIZE = (900, 600)
SMALL = (300, 200)

ORIENTATION, DESCRIPTION, GPS = 0x0112, 0x010E, 0x8825
SECRET = "47.0707N 15.4395E"
"""Metadata that no rendition may hold."""


@dataclass(frozen=True)
class Good:
    """A picture that is taken: what it is to look like upright, over white, and how opaque each quadrant is."""

    name: str
    content: bytes
    size: tuple[int, int] = SIZE
    quadrants: Quadrants = COLOURS
    alpha: tuple[int, int, int, int] | None = None
    tolerance: int = 8


def good() -> list[Good]:
    """Every picture that is taken."""
    return [
        *formats(),
        *_orientations(),
        *_greys(),
        *_palettes(),
        *_alphas(),
        *_deep(),
        *_profiled(),
        *_animated(),
    ]


def quadrants(
    colours: tuple[Any, ...] = COLOURS, size: tuple[int, int] = SIZE, mode: str = "RGB"
) -> Image.Image:
    """A picture of four quadrants."""
    picture = Image.new(mode, size, colours[0])
    half_x, half_y = size[0] // 2, size[1] // 2
    picture.paste(colours[1], (half_x, 0, size[0], half_y))
    picture.paste(colours[2], (0, half_y, half_x, size[1]))
    picture.paste(colours[3], (half_x, half_y, *size))
    return picture


def saved(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    """The picture as a file."""
    if file_format == "JPEG":
        options = {"quality": 95, "subsampling": 0, **options}
    file = BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def exif(orientation: int = 1) -> Image.Exif:
    """EXIF as a telephone writes it: how it was held, and where."""
    found = Image.Exif()
    found[ORIENTATION] = orientation
    found[DESCRIPTION] = SECRET
    found[GPS] = {1: "N", 2: (47.0, 4.0, 14.5), 3: "E", 4: (15.0, 26.0, 22.2)}
    return found


def iptc() -> bytes:
    """An APP13 segment with an IPTC caption, as Photoshop writes it."""
    caption = b"\x1c\x02\x78" + struct.pack(">H", len(SECRET)) + SECRET.encode()
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(caption)) + caption + b"\0" * (len(caption) % 2)
    return _segment(0xED, b"Photoshop 3.0\0" + resource)


XMP = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><dc:rights>{SECRET}</dc:rights></x:xmpmeta>'.encode()


def _segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def _after_start(jpeg: bytes, segment: bytes) -> bytes:
    return jpeg[:2] + segment + jpeg[2:]


def formats(size: tuple[int, int] = SIZE) -> Iterator[Good]:
    """Every way to write a picture of colours without transparency."""
    picture = quadrants(size=size)
    yield Good("jpeg", saved(picture, "JPEG"))
    yield Good("jpeg-progressive", saved(picture, "JPEG", progressive=True))
    yield Good("jpeg-subsampled", saved(picture, "JPEG", subsampling=2), tolerance=12)
    everything = saved(
        picture, "JPEG", exif=exif(), comment=SECRET.encode(), xmp=XMP, icc_profile=profiles.rgb_profile()
    )
    shown = tuple(profiles.srgb_of_adobe(colour) for colour in COLOURS)
    yield Good("jpeg-all-metadata", _after_start(everything, iptc()), quadrants=shown)  # type: ignore[arg-type]
    yield Good(
        "jpeg-broken-exif",
        _after_start(saved(picture, "JPEG"), _segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff")),
    )
    yield Good("jpeg-comment", saved(picture, "JPEG", comment=SECRET.encode()))
    yield Good("jpeg-trailing-garbage", saved(picture, "JPEG") + b"<?php" * 100)
    # A motion photo: a film lies behind the picture, and its bytes look like scans and like anything else.
    film = b"\xff\xda" * 101 + random.Random(1).randbytes(2_000_000)  # noqa: S311 - no secret
    for name in ("JPEG", "PNG", "WEBP"):
        yield Good(f"{name.lower()}-with-a-film", saved(picture, name) + film, tolerance=12)
    scans_in_metadata = _segment(0xE5, b"\xff\xda" * 101)
    yield Good("jpeg-metadata-like-scans", _after_start(saved(picture, "JPEG"), scans_in_metadata))
    yield Good("png", saved(picture, "PNG"))
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", SECRET, zip=True)
    texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
    yield Good("png-all-metadata", saved(picture, "PNG", pnginfo=texts, exif=exif(), dpi=(300, 300)))
    yield Good("png-interlaced", png(SMALL, _by_quadrant(COLOURS, SMALL), interlaced=True), SMALL)
    yield Good("webp-lossy", saved(picture, "WEBP", quality=95), tolerance=12)
    yield Good("webp-lossless", saved(picture, "WEBP", lossless=True))
    yield Good("webp-all-metadata", saved(picture, "WEBP", lossless=True, exif=exif(), xmp=XMP))
    yield Good("tiny", saved(Image.new("RGB", (3, 2), BLUE), "PNG"), (3, 2), (BLUE,) * 4)
    yield Good("one-pixel", saved(Image.new("RGB", (1, 1), RED), "PNG"), (1, 1), (RED,) * 4)
    strip = quadrants((RED, GREEN, RED, GREEN), (5000, 4))
    yield Good("strip", saved(strip, "PNG"), (5000, 4), (RED, GREEN, RED, GREEN))
    yield Good("large", saved(quadrants(size=(5000, 3000)), "JPEG"), (5000, 3000))
    yield Good("upright-large", saved(quadrants(size=(1500, 4000)), "PNG"), (1500, 4000))


def _orientations() -> Iterator[Good]:
    """The same upright picture, stored in the eight ways in which a camera may be held."""
    stored = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    for orientation, transposition in stored.items():
        picture = quadrants() if transposition is None else quadrants().transpose(transposition)
        yield Good(f"jpeg-orientation-{orientation}", saved(picture, "JPEG", exif=exif(orientation)))
    turned = quadrants().transpose(Image.Transpose.ROTATE_90)
    yield Good("png-orientation-6", saved(turned, "PNG", exif=exif(6)))
    yield Good("webp-orientation-6", saved(turned, "WEBP", lossless=True, exif=exif(6)))
    yield Good("jpeg-orientation-9", saved(quadrants(), "JPEG", exif=exif(9)))


_LEVELS = (20, 90, 160, 230)


def _grey(*levels: int) -> Quadrants:
    return tuple((level, level, level) for level in levels)  # type: ignore[return-value]


def _greys() -> Iterator[Good]:
    picture = quadrants(_LEVELS, mode="L")
    yield Good("jpeg-grey", saved(picture, "JPEG"), quadrants=_grey(*_LEVELS))
    yield Good("png-grey", saved(picture, "PNG"), quadrants=_grey(*_LEVELS))
    yield Good(
        "png-bilevel", saved(quadrants((0, 1, 1, 0), mode="1"), "PNG"), quadrants=_grey(0, 255, 255, 0)
    )
    two_bits = png(SMALL, _by_quadrant(((0,), (1,), (2,), (3,)), SMALL), depth=2, colour=GREY)
    yield Good("png-grey-2-bit", two_bits, SMALL, _grey(0, 85, 170, 255))
    linear = tuple(profiles.srgb_of_linear(level) for level in _LEVELS)
    profile = profiles.grey_profile()
    yield Good("jpeg-grey-profile", saved(picture, "JPEG", icc_profile=profile), quadrants=_grey(*linear))
    transparent = saved(picture, "PNG", transparency=90)
    yield Good(
        "png-grey-transparent-level",
        transparent,
        quadrants=_grey(20, 255, 160, 230),
        alpha=(255, 0, 255, 255),
    )


def _palettes() -> Iterator[Good]:
    indexed = quadrants().quantize(4)
    yield Good("png-palette", saved(indexed, "PNG"))
    yield Good("png-palette-2-bit", saved(indexed, "PNG", bits=2))
    palette = chunk(b"PLTE", bytes(value for colour in COLOURS for value in colour))
    index = _by_quadrant(((0,), (1,), (2,), (3,)), SMALL)
    see_through = [palette, chunk(b"tRNS", bytes((255, 0, 128)))]
    yield Good(
        "png-palette-alpha",
        png(SMALL, index, colour=PALETTE, chunks=see_through),
        SMALL,
        (RED, WHITE, _over_white(BLUE, 128), YELLOW),
        (255, 0, 128, 255),
    )


def _alphas() -> Iterator[Good]:
    alphas = (255, 128, 0, 64)
    colours = tuple((*colour, alpha) for colour, alpha in zip(COLOURS, alphas, strict=True))
    picture = quadrants(colours, mode="RGBA")
    over_white: Quadrants = tuple(_over_white(*pair) for pair in zip(COLOURS, alphas, strict=True))  # type: ignore[assignment]
    yield Good("png-alpha", saved(picture, "PNG"), quadrants=over_white, alpha=alphas)
    yield Good("webp-alpha", saved(picture, "WEBP", lossless=True), quadrants=over_white, alpha=alphas)
    opaque = quadrants(tuple((*colour, 255) for colour in COLOURS), mode="RGBA")
    yield Good("png-alpha-unused", saved(opaque, "PNG"))
    key = chunk(b"tRNS", struct.pack(">3H", *GREEN))
    keyed = png(SMALL, _by_quadrant(COLOURS, SMALL), chunks=[key])
    yield Good("png-transparent-colour", keyed, SMALL, (RED, WHITE, BLUE, YELLOW), (255, 0, 255, 255))


def _deep() -> Iterator[Good]:
    """16 bits a sample, of which the lower eight are not the upper ones again."""
    deep: tuple[Any, ...] = tuple(tuple(_sixteen(value) for value in colour) for colour in COLOURS)
    yield Good("png-16-bit", png(SMALL, _by_quadrant(deep, SMALL), depth=16), SMALL)
    key = chunk(b"tRNS", struct.pack(">3H", *deep[1]))
    keyed = png(SMALL, _by_quadrant(deep, SMALL), depth=16, chunks=[key])
    yield Good("png-16-bit-transparent-colour", keyed, SMALL, (RED, WHITE, BLUE, YELLOW), (255, 0, 255, 255))
    alphas = (255, 0, 255, 128)
    with_alpha = tuple((*colour, _sixteen(alpha)) for colour, alpha in zip(deep, alphas, strict=True))
    yield Good(
        "png-16-bit-alpha",
        png(SMALL, _by_quadrant(with_alpha, SMALL), depth=16, colour=RGB_ALPHA),
        SMALL,
        (RED, WHITE, BLUE, _over_white(YELLOW, 128)),
        alphas,
    )
    levels = tuple((_sixteen(level),) for level in _LEVELS)
    sixteen = png(SMALL, _by_quadrant(levels, SMALL), depth=16, colour=GREY)
    yield Good("png-16-bit-grey", sixteen, SMALL, _grey(*_LEVELS))
    key = chunk(b"tRNS", struct.pack(">H", _sixteen(_LEVELS[1])))
    keyed = png(SMALL, _by_quadrant(levels, SMALL), depth=16, colour=GREY, chunks=[key])
    yield Good(
        "png-16-bit-grey-transparent-level", keyed, SMALL, _grey(20, 255, 160, 230), (255, 0, 255, 255)
    )
    pairs = tuple((level[0], _sixteen(alpha)) for level, alpha in zip(levels, alphas, strict=True))
    grey_alpha = png(SMALL, _by_quadrant(pairs, SMALL), depth=16, colour=GREY_ALPHA)
    yield Good("png-16-bit-grey-alpha", grey_alpha, SMALL, _grey(20, 255, 160, 242), alphas)


_SOLID_INKS = {"C": (255, 0, 0, 0), "M": (0, 255, 0, 0), "Y": (0, 0, 255, 0), "K": (0, 0, 0, 255)}


def _profiled() -> Iterator[Good]:
    inks = quadrants(tuple(_SOLID_INKS.values()), mode="CMYK")
    plain: Quadrants = ((0, 255, 255), (255, 0, 255), (255, 255, 0), (0, 0, 0))
    yield Good("jpeg-cmyk", saved(inks, "JPEG"), quadrants=plain)
    printed: Quadrants = tuple(profiles.srgb_of_ink(ink) for ink in _SOLID_INKS)  # type: ignore[assignment]
    yield Good(
        "jpeg-cmyk-profile", saved(inks, "JPEG", icc_profile=profiles.cmyk_profile()), quadrants=printed
    )
    wide: Quadrants = ((150, 110, 100), (100, 140, 110), (100, 110, 150), (190, 180, 120))
    shown: Quadrants = tuple(profiles.srgb_of_adobe(colour) for colour in wide)  # type: ignore[assignment]
    profile = profiles.rgb_profile()
    yield Good("jpeg-rgb-profile", saved(quadrants(wide), "JPEG", icc_profile=profile), quadrants=shown)
    yield Good("png-rgb-profile", saved(quadrants(wide), "PNG", icc_profile=profile), quadrants=shown)
    yield Good(
        "webp-rgb-profile",
        saved(quadrants(wide), "WEBP", lossless=True, icc_profile=profile),
        quadrants=shown,
    )
    alphas = (255, 255, 0, 255)
    clear = quadrants(tuple((*c, a) for c, a in zip(wide, alphas, strict=True)), mode="RGBA")
    over_white = (shown[0], shown[1], WHITE, shown[3])
    yield Good(
        "png-alpha-profile", saved(clear, "PNG", icc_profile=profile), quadrants=over_white, alpha=alphas
    )
    palette = quadrants(wide).quantize(4)
    yield Good("png-palette-profile", saved(palette, "PNG", icc_profile=profile), quadrants=shown)
    yield Good("jpeg-broken-profile", saved(quadrants(), "JPEG", icc_profile=b"no profile" * 30))
    yield Good("jpeg-foreign-profile", saved(quadrants(), "JPEG", icc_profile=profiles.cmyk_profile()))


def _animated() -> Iterator[Good]:
    frames = [quadrants(size=SMALL), Image.new("RGB", SMALL, BLUE), Image.new("RGB", SMALL, RED)]
    options: dict[str, Any] = {"save_all": True, "append_images": frames[1:], "duration": 100}
    yield Good("webp-animated", saved(frames[0], "WEBP", lossless=True, **options), SMALL)
    yield Good("png-animated", saved(frames[0], "PNG", **options), SMALL)
    yield Good(
        "jpeg-several-pictures",
        saved(frames[0], "MPO", save_all=True, append_images=frames[1:], quality=95),
        SMALL,
    )


def _by_quadrant(samples: tuple[Any, ...], size: tuple[int, int]) -> Any:
    return lambda x, y: samples[(x >= size[0] // 2) + 2 * (y >= size[1] // 2)]


def _sixteen(value: int) -> int:
    """A 16-bit sample that is `value` in 8 bits."""
    return value << 8 | 255 - value


def _over_white(colour: Colour, alpha: int) -> Colour:
    red, green, blue = (round(255 + (value - 255) * alpha / 255) for value in colour)
    return red, green, blue
