"""ICC profiles small enough to know by heart what they mean, and that meaning worked out without them.

Made by ICC.1:2001-04 (version 2): header, tag table, tags. The conversions follow IEC 61966-2-1 (sRGB).
"""

import struct
from collections.abc import Sequence
from itertools import product

# CMYK inks whose solids have these CIELAB values; any overprint of two or more is black.
PAPER = (100, 0, 0)
INKS = {"C": (60, -20, -30), "M": (50, 50, 0), "Y": (85, 0, 60), "K": (20, 0, 0)}

_D50 = (0.9642, 1.0, 0.8249)
ADOBE_GAMMA = 2.19921875
# Adobe RGB (1998), adapted to D50: the colorants' XYZ, by column.
_ADOBE = ((0.60974, 0.20528, 0.14919), (0.31111, 0.62567, 0.06322), (0.01947, 0.06087, 0.74457))
_XYZ_D50_TO_SRGB = (
    (3.1338561, -1.6168667, -0.4906146),
    (-0.9787684, 1.9161415, 0.0334540),
    (0.0719453, -0.2289914, 1.4052427),
)


def cmyk_profile() -> bytes:
    """A printer's profile: CMYK to CIELAB by a table of the 16 combinations of full inks."""
    corners = [_lab8(_overprint(inks)) for inks in product((0, 1), repeat=4)]
    ramp = bytes(range(256))
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    table = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + identity + ramp * 4 + b"".join(corners) + ramp * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


def rgb_profile() -> bytes:
    """Adobe RGB (1998): wider than sRGB, so that taking its numbers for sRGB shows."""
    columns = [_xyz([row[i] for row in _ADOBE]) for i in range(3)]
    tags = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True))
    curve = _gamma(ADOBE_GAMMA)
    return _profile(b"mntr", b"RGB ", b"XYZ ", {**tags, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})


def grey_profile() -> bytes:
    """A linear grey: half of the scale is half of the light, which sRGB writes as 188."""
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _gamma(1.0)})


def srgb_of_ink(ink: str) -> tuple[int, int, int]:
    """What a full ink of `cmyk_profile` looks like."""
    lightness, a, b = INKS[ink]
    fy = (lightness + 16) / 116
    xyz = [white * _inverse_lab(f) for white, f in zip(_D50, (fy + a / 500, fy, fy - b / 200), strict=True)]
    return _srgb(xyz)


def srgb_of_adobe(colour: Sequence[int]) -> tuple[int, int, int]:
    """What an Adobe RGB colour looks like."""
    linear = [(value / 255) ** ADOBE_GAMMA for value in colour]
    return _srgb([sum(part * value for part, value in zip(row, linear, strict=True)) for row in _ADOBE])


def srgb_of_linear(value: int) -> int:
    """What a grey of `grey_profile` looks like."""
    return _companded(value / 255)


def _overprint(inks: tuple[int, ...]) -> tuple[int, int, int]:
    printed = [name for name, ink in zip(INKS, inks, strict=True) if ink]
    return PAPER if not printed else INKS[printed[0]] if len(printed) == 1 else (0, 0, 0)


def _lab8(lab: tuple[int, int, int]) -> bytes:
    return bytes((round(lab[0] * 2.55), lab[1] + 128, lab[2] + 128))


def _inverse_lab(f: float) -> float:
    return f**3 if f > 6 / 29 else 3 * (6 / 29) ** 2 * (f - 4 / 29)


def _srgb(xyz: Sequence[float]) -> tuple[int, int, int]:
    red, green, blue = (
        _companded(sum(part * value for part, value in zip(row, xyz, strict=True)))
        for row in _XYZ_D50_TO_SRGB
    )
    return red, green, blue


def _companded(linear: float) -> int:
    linear = min(1.0, max(0.0, linear))
    value = 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return round(value * 255)


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def _gamma(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))


def _profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    name = b"Cartwright test\0"
    described = b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(8 + 3 + 67)
    tags = {
        b"desc": described,
        b"cprt": b"text" + bytes(4) + b"None\0",
        b"wtpt": _xyz(_D50),
        **tags,
    }
    place = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for signature, tag in tags.items():
        padded = tag + bytes(-len(tag) % 4)
        table += signature + struct.pack(">II", place + len(body), len(tag))
        body += padded
    date = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    header = (
        struct.pack(">I4sI", place + len(body), bytes(4), 0x02100000)
        + kind
        + space
        + connection
        + date
        + b"acsp"
        + bytes(28)
        + _xyz(_D50)[8:]
    )
    return header.ljust(128, b"\0") + table + body
