"""What a file is by its first bytes, whatever its name and its declared type say.

Three formats are taken: those that cameras and drawing programs export and that every browser shows. Each further one
is a decoder more that strangers' bytes go through. The others are recognised only to tell the admin what it was.
"""

from image_processor.domain.picture import PictureRefused, Refusal

TAKEN = ("JPEG", "PNG", "WEBP")
_WELCOME = "Send it as JPEG, PNG or WebP."

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


def require_taken(content: bytes) -> str:
    """Which of TAKEN the content is; raises PictureRefused for anything else."""
    name = format_of(content)
    if name is None:
        raise PictureRefused(Refusal.NOT_A_PICTURE, f"This is no picture, whatever its name says. {_WELCOME}")
    if name not in TAKEN:
        raise PictureRefused(
            Refusal.UNSUPPORTED_TYPE, f"Pictures of the type {name} are not taken. {_WELCOME}"
        )
    return name


def format_of(content: bytes) -> str | None:
    """The name of the picture format that `content` starts like, or None."""
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WEBP"
    for signature, place, name in _SIGNATURES:
        if content.startswith(signature, place):
            return name
    return "SVG" if b"<svg" in content[:_SVG_WITHIN].lower() else None
