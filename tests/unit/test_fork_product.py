"""The product's name in its spellings, and the names that it cannot have."""

import pytest

from shipping.domain.shipment import TRACKING_PREFIX, tracking_reference_of
from tools.console import StepError
from tools.fork.product import Product
from tools.fork.tree import texts
from tools.settings import REPOSITORY

PRESENT = Product.declared_in((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
OLD = Product("Old Mill", "old-mill.example", "OM")
NEW = Product.called("Bright New Thing", domain="bright.shop")


def test_each_spelling_becomes_the_same_spelling_of_the_new_name() -> None:
    text = (
        "Old Mill at https://api.old-mill.example, stack old-mill-prod, protocol old-mill.v1, OLD_MILL_TABLE, "
        'old_mill_client, Old Mill/${AWS::StackName}, parcel OM8K87J2WHJWVB, tracking_prefix = "OM", OMIT, OM1'
    )
    assert OLD.replaced_in(text, NEW) == (
        "Bright New Thing at https://api.bright.shop, stack bright-new-thing-prod, protocol bright-new-thing.v1, "
        "BRIGHT_NEW_THING_TABLE, bright_new_thing_client, Bright New Thing/${AWS::StackName}, "
        'parcel BN8K87J2WHJWVB, tracking_prefix = "BN", OMIT, OM1'
    )


def test_a_name_has_its_own_domain_and_initials_unless_others_are_given() -> None:
    assert Product.called("Teapot") == Product("Teapot", "teapot.example", "TE")
    assert Product.called("Tea for You") == Product("Tea for You", "tea-for-you.example", "TF")
    assert Product.called("Teapot", domain="tea.shop", tracking_prefix="zz") == Product(
        "Teapot", "tea.shop", "ZZ"
    )


@pytest.mark.parametrize(
    "title",
    [
        "",
        " Tea",
        "Tea ",
        "4Tea",
        "Tea & Co",
        "Tea's",
        "Tea  Shop",
        "Thé",
        "A B C D",
        "T" * 25,
        "${x}",
        "a/b",
        "<b>",
    ],
)
def test_a_name_that_fits_no_stack_no_url_or_no_page_is_refused(title: str) -> None:
    with pytest.raises(StepError, match="cannot be the name") as refused:
        Product.called(title)
    assert "ASCII letters" in refused.value.advice


@pytest.mark.parametrize(
    "domain", ["tea", "Tea.shop", "https://tea.shop", "tea.shop/", "-tea.shop", "tea..shop"]
)
def test_a_domain_that_is_none_is_refused(domain: str) -> None:
    with pytest.raises(StepError, match="is no domain"):
        Product.called("Teapot", domain=domain)


@pytest.mark.parametrize("prefix", ["T", "TEA", "T4", "é!"])
def test_tracking_references_begin_with_two_letters(prefix: str) -> None:
    with pytest.raises(StepError, match="Tracking references cannot begin"):
        Product.called("Teapot", tracking_prefix=prefix)


def test_the_declared_name_is_the_one_of_the_code() -> None:
    assert PRESENT.tracking_prefix == TRACKING_PREFIX
    assert PRESENT.replaced_in(tracking_reference_of("ord_1"), NEW).startswith(NEW.tracking_prefix)


def test_each_spelling_in_the_repository_is_one_that_a_rename_knows() -> None:
    """If not: write the name as pyproject.toml has it, in small letters with hyphens, or as an identifier."""
    odd = [
        f"{path.relative_to(REPOSITORY)}: {found.group()}"
        for path, text in texts()
        for found in PRESENT.remains.finditer(PRESENT.spellings.sub("", text))
    ]
    assert not odd


def test_a_pyproject_whose_names_differ_is_refused() -> None:
    text = '[project]\nname = "mill"\n[tool.mill]\ntitle = "Old Mill"\ndomain = "m.example"\ntracking_prefix = "OM"\n'
    with pytest.raises(StepError, match="calls the project mill, and the product Old Mill"):
        Product.declared_in(text)
    with pytest.raises(StepError, match="no 'title' of the product"):
        Product.declared_in('[project]\nname = "mill"\n[tool.mill]\n')
