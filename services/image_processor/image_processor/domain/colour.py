"""Colours: the pixels of any picture as 8-bit sRGB, with or without transparency.

Renditions carry no profile, which means sRGB everywhere (https://www.w3.org/TR/css-color-4/#untagged). So a picture
with another profile is converted, and its profile dropped.
"""

from io import BytesIO

from PIL import Image, ImageCms

_SRGB = ImageCms.createProfile("sRGB")
# The pixels that a profile of each colour space (ICC.1, data colour space signature) describes.
_MODE_OF_SPACE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_TOP_BYTE = [value >> 8 for value in range(65536)]


def in_eight_bits(picture: Image.Image, *, sixteen_bits: bool) -> Image.Image:
    """`picture` in one of the modes L, LA, RGB, RGBA and CMYK, its transparency in the alpha band.

    `sixteen_bits` says that the file had 16 bits per band, which decides how its one transparent colour is written.
    """
    transparent = picture.info.get("transparency")
    if picture.mode.startswith("I"):
        return _from_sixteen_bits(picture, transparent)
    if sixteen_bits and isinstance(transparent, tuple):
        picture.info["transparency"] = tuple(value >> 8 for value in transparent)
    match picture.mode:
        case "1" | "L":
            return picture.convert("L" if transparent is None else "LA")
        case "RGB":
            return picture if transparent is None else picture.convert("RGBA")
        case "P":
            return picture.convert("RGB" if transparent is None else "RGBA")
        case "LA" | "RGBA" | "CMYK":
            return picture
        case _:  # other modes that a decoder may return, such as a palette with alpha
            return picture.convert("RGBA")


def in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """A picture from `in_eight_bits`, with its colours in sRGB: mode L, LA, RGB or RGBA.

    `profile` is the picture's ICC profile. A broken profile, or one of another kind of picture, is ignored, as browsers
    do. CMYK without a profile is taken for plain complements of RGB, since the inks are unknown.
    """
    alpha = picture.getchannel("A") if "A" in picture.getbands() else None
    colours = picture.convert(picture.mode[:-1]) if alpha else picture
    described = _converted(colours, profile) if profile else None
    if described is None:
        described = colours.convert("RGB") if colours.mode == "CMYK" else colours
    if alpha is None or alpha.getextrema() == (255, 255):
        return described
    described.putalpha(alpha)
    return described


def _from_sixteen_bits(picture: Image.Image, transparent: int | None) -> Image.Image:
    """A grey picture of 16 bits in 8, with its transparent value, which is one of 65,536, in an alpha band."""
    levels = picture.convert("I")  # this mode takes a table of 65,536 values
    grey = levels.point(_TOP_BYTE, "L")
    if transparent is not None:
        shown = [0 if value == transparent else 255 for value in range(65536)]
        grey.putalpha(levels.point(shown, "L"))
    return grey


def _converted(colours: Image.Image, profile: bytes) -> Image.Image | None:
    """`colours` converted from the profile to sRGB, or None if the profile does not describe them."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        mode = _MODE_OF_SPACE.get(source.profile.xcolor_space.strip())
        grey = colours.mode == "L"
        if grey and mode == "RGB":  # a grey picture saved from a colour document
            colours = colours.convert("RGB")
        if colours.mode != mode:
            return None
        converted = ImageCms.profileToProfile(
            colours,
            source,
            _SRGB,
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (OSError, ImageCms.PyCMSError):
        return None
    if converted is None:
        return None
    return converted.convert("L") if grey else converted
