"""The tutorial's changes fit the code, and its outputs are compared line by line but for numbers and ids."""

import subprocess

import pytest

from tests.tutorial import PAGE, Block, blocks, matches
from tools.settings import REPOSITORY


def test_each_change_of_the_page_can_be_made():
    changes = [block for block in blocks(PAGE.read_text()) if block.kind == "diff"]
    assert changes
    for change in changes:
        subprocess.run(
            ["git", "apply", "--check", "-"], cwd=REPOSITORY, input=change.text, text=True, check=True
        )


def test_excerpts_of_the_source_are_no_steps():
    page = "a\n\n<!-- excerpt: x.py -->\n```python\nx = 1\n```\n\n```sh\nmake up\n```\n\n```console\n$ true\n```\n"
    assert blocks(page) == [Block("sh", "make up\n", 9), Block("console", "$ true\n", 13)]


@pytest.mark.parametrize(
    "output",
    [
        "1 order\nord_118ebd08bdee58bf9a4d0d7d1e76a930 is confirmed\n",
        "22  order\nord_0000000000000000000000000000ffff is confirmed\n",
        "1 order\nand more\nand more\nord_118ebd08bdee58bf9a4d0d7d1e76a930 is confirmed\n",
    ],
)
def test_an_output_may_differ_in_numbers_ids_and_left_out_lines(output: str):
    assert matches("2 order\n...\nord_a96eb250374a51f0bc71c144e19be280 is  confirmed\n", output)


@pytest.mark.parametrize(
    "output",
    [
        "",
        "1 order\n",
        "1 order\nord_118ebd08bdee58bf9a4d0d7d1e76a930 is parked\n",
        "1 order\nnot an id is confirmed\n",
    ],
)
def test_any_other_output_is_a_failure(output: str):
    assert not matches("1 order\n...\nord_a96eb250374a51f0bc71c144e19be280 is confirmed\n", output)
