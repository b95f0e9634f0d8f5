"""The order in which names are listed: as in a dictionary, and the same for all languages.

DynamoDB sorts by bytes: "Äthiopien" would follow "Zimt". Unicode writes "Ä" in two ways, so one name could even stand
in two places. So a name is sorted by a key. The key has the first level of the Unicode Collation Algorithm, in short
(https://www.unicode.org/reports/tr10/):

- Accents and other marks of Latin, Greek and Cyrillic letters do not count, and neither does case: Ä is a.
- Letters that Unicode does not take apart count as the letters that they were made of: Ø is o, Æ is ae, ß is ss.
- Names are compared word by word, so "Tea Black" comes before "Teapot". Other signs only part words.
- Letters of other scripts follow the Latin ones, in the order of their code points.

A library with Unicode's whole table reads more than a megabyte of it at each cold start (pyuca), or is a library of
C++ (PyICU).
"""

import unicodedata

_COMBINING_MARKS = dict.fromkeys(range(0x0300, 0x0370))
_WHOLE_LETTERS = str.maketrans(
    {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "ŧ": "t",
        "\u0131": "i",
    }
)
# Letters, their marks, and numbers; everything else parts words.
_OF_WORDS = ("L", "M", "N")


def sort_key(name: str) -> str:
    """The text by whose bytes `name` is sorted. It is empty for a name of signs alone, and holds no control characters.

    Names that differ in case, marks or signs alone have the same key.
    """
    bare = (
        unicodedata.normalize("NFKD", name).translate(_COMBINING_MARKS).casefold().translate(_WHOLE_LETTERS)
    )
    apart = (letter if unicodedata.category(letter).startswith(_OF_WORDS) else " " for letter in bare)
    return " ".join("".join(apart).split())
