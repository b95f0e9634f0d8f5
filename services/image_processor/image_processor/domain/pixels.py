"""Pixels: makes the renditions from a picture's bytes. Only this module and `colour` use Pillow.

The bytes come from outside. So a picture's size is read from its header before any decoding. Limits bound the decoders
(Pillow's own limits bound the texts and profiles of a PNG). A picture that fails is refused with a reason.
"""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from PIL import ExifTags, Image, UnidentifiedImageError

from image_processor.domain.colour import in_eight_bits, in_srgb
from image_processor.domain.formats import ACCEPTED, require_accepted
from image_processor.domain.jpeg import has_more_scans
from image_processor.domain.picture import MAX_PIXELS, MAX_SCANS, MAX_SIDE, PictureRefused, Refusal, sizes_of

# Pillow raises at twice this number, and for WebP before its decoder takes memory. Below that it warns only.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

_QUALITY_JPEG = 82
_QUALITY_WEBP = 80
_TOP_QUALITY_GAP = 2
# Many telephones write the second format: a JPEG with further ones behind it.
_JPEGS = ("JPEG", "MPO")
_PNG_BIT_DEPTH = 24  # where in the file: https://www.w3.org/TR/png-3/#11IHDR

# How to make a picture of each EXIF Orientation upright (CIPA DC-008, 4.6.5).
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# The exceptions of Pillow's decoders for broken bytes, beside OSError.
_BROKEN = (ValueError, TypeError, LookupError, ArithmeticError, SyntaxError, zlib.error)


@dataclass(frozen=True)
class RenditionFile:
    """One rendition: `body` is the file, `name` its name within the picture (`800.webp`)."""

    name: str
    content_type: str
    width: int
    height: int
    body: bytes


def render(content: bytes) -> list[RenditionFile]:
    """The renditions of a picture, smallest first, each as JPEG and as WebP; the same bytes for the same content.

    They are upright, in sRGB, and hold nothing but pixels. Raises PictureRefused.
    """
    picture = _largest(content)
    renditions: list[RenditionFile] = []
    for width, height in sizes_of(picture.size):
        scaled = picture.resize((width, height), Image.Resampling.LANCZOS)
        renditions += [
            RenditionFile(f"{max(width, height)}.jpg", "image/jpeg", width, height, _jpeg(scaled)),
            RenditionFile(f"{max(width, height)}.webp", "image/webp", width, height, _webp(scaled)),
        ]
    return renditions


def _largest(content: bytes) -> Image.Image:
    """The largest rendition's pixels, upright and in sRGB; the smaller renditions are made from them."""
    if require_accepted(content) == "WEBP" and _riff_size(content) > len(content):
        raise _truncated()  # its decoder reports this like any other fault
    with _refusing_broken_pictures(), Image.open(BytesIO(content), formats=ACCEPTED) as opened:
        _require_decodable(opened, content)
        size = sizes_of(opened.size)[-1]
        # A JPEG is decoded at a half, a quarter or an eighth, if that is still twice as large as needed.
        opened.draft(None, (size[0] * _TOP_QUALITY_GAP, size[1] * _TOP_QUALITY_GAP))
        opened.load()
        orientation, profile = _orientation(opened), opened.info.get("icc_profile")
        sixteen_bits = opened.format == "PNG" and content[_PNG_BIT_DEPTH] == 16
        decoded: Image.Image = in_eight_bits(opened, sixteen_bits=sixteen_bits)
    # Scaled first, so that the next steps cost little memory and time.
    scaled = decoded.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    del decoded, opened
    upright = scaled.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else scaled
    picture = in_srgb(upright, profile)
    picture.info = {}  # or a comment would stay in the file
    return picture


@contextmanager
def _refusing_broken_pictures() -> Iterator[None]:
    """Refuses a picture that cannot be decoded, with its decoder's reason."""
    try:
        yield
    except Image.DecompressionBombError as error:
        raise PictureRefused(
            Refusal.TOO_MANY_PIXELS, f"It has more than {MAX_PIXELS // 10**6} megapixels; send it smaller."
        ) from error
    except UnidentifiedImageError as error:
        raise PictureRefused(
            Refusal.DAMAGED, "It starts like a picture, but cannot be read as one."
        ) from error
    except (EOFError, struct.error) as error:
        raise _truncated() from error
    except OSError as error:
        if "truncated" in str(error):
            raise _truncated() from error
        raise PictureRefused(Refusal.DAMAGED, "It is damaged and cannot be read.") from error
    except _BROKEN as error:
        if "MAX_TEXT" in str(error):
            raise PictureRefused(
                Refusal.TOO_COMPLEX,
                "The texts or the colour profile in it are too large; export it without them.",
            ) from error
        raise PictureRefused(Refusal.DAMAGED, "It is damaged and cannot be read.") from error


def _truncated() -> PictureRefused:
    return PictureRefused(Refusal.TRUNCATED, "It ends too early: a part of it is missing. Upload it again.")


def _riff_size(content: bytes) -> int:
    """The size of a WebP file in bytes, by its header (https://developers.google.com/speed/webp/docs/riff_container)."""
    return 8 + int.from_bytes(content[4:8], "little")


def _require_decodable(opened: Image.Image, content: bytes) -> None:
    """Raises PictureRefused if decoding would cost too much; Pillow has counted the pixels."""
    if max(opened.size) > MAX_SIDE:
        width, height = opened.size
        raise PictureRefused(
            Refusal.TOO_MANY_PIXELS, f"It is {width} x {height} pixels; a side has {MAX_SIDE:,} at most."
        )
    if opened.format in _JPEGS and has_more_scans(content, MAX_SCANS):
        raise PictureRefused(
            Refusal.TOO_COMPLEX, "It is stored in too many passes; save it again, not as progressive."
        )


def _orientation(opened: Image.Image) -> int:
    """The picture's EXIF orientation, 1 to 8; 1 (upright) if its EXIF cannot be read."""
    try:
        orientation = opened.getexif().get(ExifTags.Base.Orientation, 1)
    except (OSError, EOFError, struct.error, *_BROKEN):
        return 1
    return orientation if isinstance(orientation, int) else 1


def _jpeg(picture: Image.Image) -> bytes:
    """The picture over white, since JPEG has no transparency."""
    if "A" in picture.getbands():
        base = Image.new(picture.mode[:-1], picture.size, "white")
        base.paste(picture.convert(base.mode), mask=picture.getchannel("A"))
        picture = base
    return _saved(picture, "JPEG", quality=_QUALITY_JPEG, optimize=True, progressive=True)


def _webp(picture: Image.Image) -> bytes:
    return _saved(picture, "WEBP", quality=_QUALITY_WEBP, method=4)


def _saved(picture: Image.Image, file_format: str, **options: object) -> bytes:
    file = BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()
