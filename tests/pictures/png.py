"""PNG files as the standard allows them and Pillow does not write them: 16 bits, interlaced, and wrong on purpose."""

import struct
import zlib
from collections.abc import Callable, Iterable

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
_CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
# Adam7: first column and row of each pass, and the steps.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))

Samples = Callable[[int, int], tuple[int, ...]]
"""The samples of the pixel at x, y."""


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """One chunk, its checksum right."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int, depth: int = 8, colour: int = RGB, *, interlaced: bool = False) -> bytes:
    """Signature and IHDR."""
    return SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))


def png(
    size: tuple[int, int],
    samples: Samples,
    *,
    depth: int = 8,
    colour: int = RGB,
    chunks: Iterable[bytes] = (),
    interlaced: bool = False,
) -> bytes:
    """A whole file; `chunks` stand before the pixels."""
    width, height = size
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    rows = b"".join(
        b"\0" + _row([samples(x, y) for x in range(left, width, across)], depth)
        for left, top, across, down in passes
        if left < width
        for y in range(top, height, down)
    )
    assert len(samples(0, 0)) == _CHANNELS[colour]
    start = header(width, height, depth, colour, interlaced=interlaced)
    return start + b"".join(chunks) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND")


def uniform(
    size: tuple[int, int],
    pixel: tuple[int, ...],
    *,
    depth: int = 8,
    colour: int = RGB,
    chunks: Iterable[bytes] = (),
    interlaced: bool = False,
) -> bytes:
    """A whole file of one colour, however many pixels, in no time."""
    width, height = size
    packer = zlib.compressobj()
    pixels = b""
    for left, top, across, down in _PASSES if interlaced else ((0, 0, 1, 1),):
        row = b"\0" + _row([pixel], depth) * len(range(left, width, across))
        for _ in range(top, height, down):
            pixels += packer.compress(row)
    start = header(width, height, depth, colour, interlaced=interlaced)
    return start + b"".join(chunks) + chunk(b"IDAT", pixels + packer.flush()) + chunk(b"IEND")


def _row(pixels: list[tuple[int, ...]], depth: int) -> bytes:
    flat = [sample for pixel in pixels for sample in pixel]
    if depth == 16:
        return struct.pack(f">{len(flat)}H", *flat)
    bits = "".join(f"{sample:0{depth}b}" for sample in flat)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8)
