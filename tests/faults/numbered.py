"""Short names for long texts, since millions of moments are told apart by what they hold."""

_numbers: dict[str, int] = {}


def number_of(text: str) -> int:
    """The same for the same text, within this process."""
    return _numbers.setdefault(text, len(_numbers))
