"""Short names for long texts, since millions of moments are distinguished by their content."""

_numbers: dict[str, int] = {}


def number_of(text: str) -> int:
    """The same for the same text, within this process."""
    return _numbers.setdefault(text, len(_numbers))
