"""The format of a file by its first bytes, regardless of its name and its declared type.

Three formats are accepted: cameras and drawing programs export them, and every browser shows them. Each further format
would expose one more decoder to strangers' bytes. Other formats are recognised only to name them to the admin.
"""

from image_processor.domain.picture import PictureRefused, Refusal

ACCEPTED = ("JPEG", "PNG", "WEBP")
_ACCEPTED_HINT = "Send it as JPEG, PNG or WebP."

# Signature, its place in the file, and the format's name.
_SIGNATURES = (
    (b"\xff\xd8\xff", 0, "JPEG"),
    (b"\x89PNG\r\n\x1a\n", 0, "PNG"),
    (b"GIF87a", 0, "GIF"),
    (b"GIF89a", 0, "GIF"),
    (b"II*\x00", 0, "TIFF"),
    (b"MM\x00*", 0, "TIFF"),
    (b"II+\x00", 0, "TIFF"),
    (b"MM\x00+", 0, "TIFF"),
    (b"BM", 0, "BMP"),
    (b"8BPS", 0, "Photoshop document"),
    (b"\x00\x00\x01\x00", 0, "Windows icon"),
    (b"\x00\x00\x00\x0cjP  ", 0, "JPEG 2000"),
    (b"\xff\x4f\xff\x51", 0, "JPEG 2000"),
    (b"\x00\x00\x00\x0cJXL ", 0, "JPEG XL"),
    (b"\xff\x0a", 0, "JPEG XL"),
    (b"%PDF-", 0, "PDF"),
    (b"ftypavif", 4, "AVIF"),
    (b"ftypavis", 4, "AVIF"),
    (b"ftyphei", 4, "HEIC"),
    (b"ftyphev", 4, "HEIC"),
    (b"ftypmif1", 4, "HEIC"),
    (b"ftypmsf1", 4, "HEIC"),
)
_SVG_WITHIN = 1024


def require_accepted(content: bytes) -> str:
    """The content's format, one of ACCEPTED; raises PictureRefused for any other."""
    name = format_of(content)
    if name is None:
        raise PictureRefused(
            Refusal.NOT_A_PICTURE, f"This is no picture, whatever its name says. {_ACCEPTED_HINT}"
        )
    if name not in ACCEPTED:
        raise PictureRefused(
            Refusal.UNSUPPORTED_TYPE, f"Pictures of the type {name} are not taken. {_ACCEPTED_HINT}"
        )
    return name


def format_of(content: bytes) -> str | None:
    """The name of the picture format whose signature `content` has, or None."""
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WEBP"
    for signature, place, name in _SIGNATURES:
        if content.startswith(signature, place):
            return name
    return "SVG" if b"<svg" in content[:_SVG_WITHIN].lower() else None
