"""How an import reads a file and checks its lines."""

import pytest

from catalog.domain.product_import import (
    CHUNK_LINES,
    CheckedLine,
    UploadRefused,
    check_lines,
    split_into_chunks,
)

HEADER = "sku,name,description,category,price_amount,price_currency,active"
GOOD = "TEA-1,Assam,Malty,tea,790,EUR,true"


def read(*lines: str, header: str = HEADER, end: str = "\n", mark: bytes = b"") -> list[CheckedLine]:
    return list(check_lines(mark + end.join([header, *lines]).encode()))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "mark", [b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf" * 2], ids=["bare", "with a mark", "with two"]
)
def test_it_is_read_with_either_line_end_and_with_or_without_a_mark(end: str, mark: bytes) -> None:
    [line] = read(GOOD, end=end, mark=mark)

    assert line.details is not None and line.refused is None
    assert (line.line, line.sku, line.details.name, line.details.price.amount) == (2, "TEA-1", "Assam", 790)


def test_quoted_fields_hold_commas_quotes_and_lines_and_numbers_are_those_of_an_editor() -> None:
    lines = read('TEA-1,"Assam, ""first""","One\nTwo",tea,790,EUR,', "", GOOD.replace("TEA-1", "TEA-2"))

    assert [line.line for line in lines] == [2, 5]
    assert lines[0].details is not None
    assert (lines[0].details.name, lines[0].details.description) == ('Assam, "first"', "One\nTwo")


def test_columns_may_come_in_any_order_and_active_may_be_missing() -> None:
    [line] = read(
        "tea,EUR,790,TEA-1,Assam,", header="category,price_currency,price_amount,sku,name,description"
    )

    assert line.details is not None and line.details.active is True


@pytest.mark.parametrize(
    "blank",
    [
        *("", ",,,,,,", ",", " , ,\t", "\u00a0,\u3000", "\ufeff,\u200b", '"",""," "', '"\n",'),
        *("\u3164,\u2800,", "\x00", "\x1a"),
    ],
)
def test_a_row_without_content_is_no_line_and_the_next_keeps_its_number(blank: str) -> None:
    lines = read(blank, GOOD, blank, GOOD.replace("TEA-1", "TEA-2"), blank)

    height = 1 + blank.count("\n")
    assert [(line.line, line.refused) for line in lines] == [(2 + height, None), (3 + 2 * height, None)]


def test_a_visible_character_beside_a_control_character_makes_a_line_that_is_checked() -> None:
    [line] = read(GOOD.replace("Assam", "As\x00sam"))

    assert line.refused is not None and line.refused.startswith("name:")


def test_a_file_of_rows_without_content_has_no_line() -> None:
    with pytest.raises(UploadRefused, match="no line after its header"):
        read(*[",,,,,,"] * 3)


def test_rows_without_content_do_not_count_towards_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.domain.product_import.MAX_LINES", 1)

    assert len(read(*[",,,,,,"] * 3, GOOD)) == 1


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (HEADER + ",,", GOOD + ",,"),
        (HEADER + ",,", GOOD),
        (HEADER, GOOD + ", ,\u00a0"),
        (HEADER + ",\ufeff", GOOD + ","),
    ],
)
def test_columns_without_a_name_at_the_end_are_no_columns(header: str, row: str) -> None:
    [line] = read(row, header=header)

    assert line.details is not None


def test_a_cell_beyond_the_columns_is_refused() -> None:
    [line] = read(GOOD + ",,x", header=HEADER + ",,")

    assert line.refused == "has 9 fields where the header has 7"


def test_a_column_without_a_name_between_others_is_refused() -> None:
    with pytest.raises(UploadRefused, match="has a column '' that is not known"):
        read(GOOD, header="sku,,name,description,category,price_amount,price_currency")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (GOOD.replace("TEA-1", "tea 1"), "sku: "),
        (GOOD.replace("Assam", " "), "name: "),
        (GOOD.replace("Assam", "A\x07"), "name: "),
        (GOOD.replace("tea,", "cheese,"), "category: "),
        (GOOD.replace("790", "7.90"), "price_amount: is no whole number"),
        (GOOD.replace("790", "-790"), "price_amount: is no whole number"),
        (GOOD.replace("790", "\u0667"), "price_amount: is no whole number"),
        (GOOD.replace("790", "0"), "price_amount: a price is 1 to"),
        (GOOD.replace("790", "9" * 40), "price_amount: a price is 1 to"),
        (GOOD.replace("EUR", "eur"), "price_currency: "),
        (GOOD.replace("true", "maybe"), "active: "),
        ("TEA-1,Assam", "has 2 fields where the header has 7"),
    ],
)
def test_a_bad_line_is_refused_by_itself_with_its_column_and_reason(changed: str, reason: str) -> None:
    bad, good = read(changed, GOOD.replace("TEA-1", "TEA-2"))

    assert bad.details is None and bad.refused is not None
    assert bad.refused.startswith(reason)
    assert good.details is not None


def test_the_second_line_of_a_product_is_refused_and_names_the_first() -> None:
    _, second = read(GOOD, GOOD)

    assert second.refused == "sku: stands on line 2 already"


def test_a_line_may_follow_a_refused_one_of_the_same_product() -> None:
    first, second = read(GOOD.replace("790", "x"), GOOD)

    assert first.refused and second.details


def test_a_broken_quote_refuses_the_file_from_its_line_on() -> None:
    with pytest.raises(UploadRefused, match="from line 3 on"):
        read(GOOD, 'TEA-2,"Assam"x,,tea,790,EUR,')


def test_bytes_that_are_no_utf_8_refuse_the_file_and_name_the_line() -> None:
    with pytest.raises(UploadRefused, match="Line 2 is not UTF-8"):
        list(check_lines(f"{HEADER}\nTEA-1,Caf\u00e9".encode("latin-1")))


def test_chunks_hold_every_line_once_and_no_more_than_a_chunk() -> None:
    lines = read(*[GOOD.replace("TEA-1", f"TEA-{number}") for number in range(250)])

    chunks = list(split_into_chunks(iter(lines)))

    assert [len(chunk) for chunk in chunks] == [CHUNK_LINES, CHUNK_LINES, 50]
    assert [line for chunk in chunks for line in chunk] == lines
