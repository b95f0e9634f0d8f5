"""The structure of a JPEG: its segments, and its scans among them (ITU T.81, annex B).

A file may go on behind the picture's end. A telephone's motion photo has a film there, and an MPO has further pictures.
"""

import re

# The next marker as a decoder finds it. Within a scan 0xFF 0x00 stands for a byte of data, and restart markers
# (0xD0 to 0xD7) divide the data. Those and 0x01 have no length, so nothing of theirs needs to be skipped.
_MARKER = re.compile(rb"\xff+([\x02-\xcf\xd8-\xfe])")
_START_OF_IMAGE = 0xD8
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9


def has_more_scans(content: bytes, limit: int) -> bool:
    """Whether the JPEG at the start of `content` has more than `limit` scans.

    A thumbnail in a segment does not count, nor does anything behind the picture's end.
    """
    scans, place = 0, 0
    while found := _MARKER.search(content, place):
        marker, place = found[1][0], found.end()
        if marker == _END_OF_IMAGE:
            return False
        if marker == _START_OF_SCAN:
            scans += 1
            if scans > limit:
                return True
        if marker != _START_OF_IMAGE:
            place += max(2, int.from_bytes(content[place : place + 2]))
    return False
