"""What the largest permitted picture of each kind costs: memory of `image_processor.render` at its peak, and time.

    make benchmark-pictures        (or `.venv/bin/python -m benchmarks.pictures`)

Each picture is rendered in a process of its own, with every module that the Lambda function loads. Its peak is the
kernel's count of the process (VmHWM), as Lambda's "Max Memory Used" is.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from image_processor.domain.picture import MAX_BYTES, MAX_PIXELS
from tests.pictures.png import GREY, GREY_ALPHA, PALETTE, RGB, RGB_ALPHA, chunk, uniform

_WIDTH, _HEIGHT = 8_000, MAX_PIXELS // 8_000
_PANORAMA = (30_000, MAX_PIXELS // 30_000)


def main() -> None:
    """Measures every kind and prints the table; fails where the function's memory would not do."""
    from tools.contracts.template import resources  # noqa: PLC0415 - not to be measured with the pictures

    function = resources()["ImageProcessorRenderFunction"]["Properties"]
    memory, time_limit = int(function["MemorySize"]), int(function["Timeout"])
    print(f"{_WIDTH} x {_HEIGHT} pixels; the function has {memory} MB and {time_limit} s\n")
    print("| picture | file, MB | peak, MB | processor time, s |\n|---|---|---|---|")
    rows = [_row(name, make) for name, make in _KINDS.items()]
    peak, seconds = (max(figures) for figures in zip(*rows, strict=True))
    if peak > memory or seconds > time_limit:
        sys.exit(f"{peak} MB or {seconds:.1f} s are more than the function has")


def _row(name: str, make: Callable[[Path], None]) -> tuple[int, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        make(path)
        size = path.stat().st_size
        if size > MAX_BYTES:
            sys.exit(f"{name} has {size} bytes, which no upload may have")
        command = [sys.executable, "-m", "benchmarks.pictures", str(path)]
        answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"| {name} | {size / 1e6:.1f} | {answer['peak']} | {answer['seconds']:.1f} |", flush=True)
    return int(answer["peak"]), float(answer["seconds"])


def _measure(path: Path) -> None:
    """Renders the picture in this process, which has done nothing else; prints what that took."""
    os.environ |= {
        "AWS_REGION": "us-east-1",
        "DLQ_URL": "none",
        "POWERTOOLS_TRACE_DISABLED": "1",
        "POWERTOOLS_SERVICE_NAME": "benchmark",
    }
    import_module("image_processor.functions.render")  # the modules that the function loads
    from image_processor.domain.pixels import render  # noqa: PLC0415 - only now, with the environment that it reads

    content = path.read_bytes()
    started = time.process_time()
    if not render(content):
        sys.exit(f"{path.name} has no renditions")
    seconds = time.process_time() - started
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.partition("VmHWM:")[2].split()[0]) // 1024
    print(json.dumps({"peak": peak, "seconds": seconds}))


def _ramps(mode: str, size: tuple[int, int] = (_WIDTH, _HEIGHT)) -> Image.Image:
    """A picture with content in every band, which compresses well."""
    bands = [
        Image.linear_gradient("L").rotate(90 * i).resize(size)
        for i in range(len(Image.new(mode, (1, 1)).getbands()))
    ]
    return Image.merge(mode, bands) if len(bands) > 1 else bands[0]


def _saved(
    mode: str, file_format: str, size: tuple[int, int] = (_WIDTH, _HEIGHT), **options: Any
) -> Callable[[Path], None]:
    return lambda path: _ramps(mode, size).save(path, file_format, **options)


def _plain(file_format: str, **options: Any) -> Callable[[Path], None]:
    picture = ("RGBA", (_WIDTH, _HEIGHT), (90, 120, 30, 100))
    return lambda path: Image.new(*picture).save(path, file_format, **options)


def _dense(mode: str, file_format: str, **options: Any) -> Callable[[Path], None]:
    """A file as large as may be: its upper part is noise, which does not compress."""
    bands = len(Image.new(mode, (1, 1)).getbands())

    def noise(rows: int) -> Image.Image:
        drawn = Random(rows).randbytes(_WIDTH * rows * bands)  # noqa: S311 # nosec B311 - the same picture at every run
        return Image.frombytes(mode, (_WIDTH, rows), drawn)

    def write(path: Path) -> None:
        noise(_STRIP).save(path, file_format, **options)
        rows = min(_HEIGHT, int(0.9 * MAX_BYTES * _STRIP / path.stat().st_size))
        picture = Image.new(mode, (_WIDTH, _HEIGHT), (128,) * bands)
        picture.paste(noise(rows), (0, 0))
        picture.save(path, file_format, **options)

    return write


def _speckled(path: Path) -> None:
    """Two colours by chance, so that every pixel takes a bit, which is the most that so many may take."""
    bits = Random(1).randbytes(_WIDTH // 8 * _HEIGHT)  # noqa: S311 # nosec B311 - the same picture at every run
    band = Image.frombytes("1", (_WIDTH, _HEIGHT), bits).convert("L")
    Image.merge("RGBA", [band] * 4).save(path, "WEBP", lossless=True, quality=0, method=0, exact=True)


def _png(
    depth: int, colour: int, pixel: tuple[int, ...], *chunks: bytes, interlaced: bool = False
) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        size = (_WIDTH, _HEIGHT)
        path.write_bytes(
            uniform(size, pixel, depth=depth, colour=colour, chunks=chunks, interlaced=interlaced)
        )

    return write


_STRIP = 64
_PALETTE = chunk(b"PLTE", bytes(range(240)))
_CLEAR = chunk(b"tRNS", bytes(80))

_KINDS: dict[str, Callable[[Path], None]] = {
    "JPEG": _saved("RGB", "JPEG", quality=70),
    "JPEG, progressive, no subsampling": _saved("RGB", "JPEG", quality=70, progressive=True, subsampling=0),
    "JPEG, CMYK, progressive": _saved("CMYK", "JPEG", quality=60, progressive=True),
    "JPEG, panorama": _saved("RGB", "JPEG", _PANORAMA, quality=70),
    "PNG": _saved("RGB", "PNG", compress_level=6),
    "PNG, alpha": _saved("RGBA", "PNG", compress_level=6),
    "PNG, panorama, alpha": _saved("RGBA", "PNG", _PANORAMA, compress_level=6),
    "PNG, palette with alpha": _png(8, PALETTE, (7,), _PALETTE, _CLEAR),
    "PNG, 16 bit, alpha": _png(16, RGB_ALPHA, (60_000, 30_000, 9_000, 40_000)),
    "PNG, 16 bit, transparent colour": _png(16, RGB, (60_000, 30_000, 9_000), chunk(b"tRNS", bytes(6))),
    "PNG, 16 bit, grey with a transparent level": _png(16, GREY, (30_000,), chunk(b"tRNS", bytes(2))),
    "PNG, grey with alpha, interlaced": _png(8, GREY_ALPHA, (90, 200), interlaced=True),
    "WebP, lossy": _saved("RGB", "WEBP", quality=60, method=0),
    "WebP, lossy, alpha": _saved("RGBA", "WEBP", quality=60, method=0),
    "WebP, lossless, alpha": _plain("WEBP", lossless=True, quality=0, method=0),
    "JPEG, dense": _dense("RGB", "JPEG", quality=40),
    "JPEG, CMYK, progressive, dense": _dense("CMYK", "JPEG", quality=40, progressive=True, subsampling=0),
    "PNG, dense": _dense("RGB", "PNG", compress_level=1),
    "PNG, alpha, dense": _dense("RGBA", "PNG", compress_level=1),
    "WebP, lossy, alpha, dense": _dense("RGBA", "WEBP", quality=40, method=0),
    "WebP, lossless, alpha, dense": _speckled,
}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        _measure(Path(sys.argv[1]))
    else:
        main()
