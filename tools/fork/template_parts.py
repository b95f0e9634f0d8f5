"""Takes a service out of template.yaml: its section, and each line elsewhere that names a part of it.

It works on lines, so all other lines stay as they are, with comments and anchors.
"""

import re
from collections.abc import Iterable, Sequence

from tools.console import StepError
from tools.new.template_text import TEMPLATE, section_of
from tools.services import camel

_RESOURCE = re.compile(r"^  (?P<id>[A-Z]\w+):", re.MULTILINE)
_TOP_LEVEL = ("Parameters:", "Conditions:", "Outputs:")


def without_service(
    text: str, service: str, *, also: Iterable[str] = (), paths: Iterable[str] = ()
) -> tuple[str, set[str]]:
    """template.yaml's text without the service, the resources `also`, and the routes below `paths` of the API.

    Returns the names that are gone as well: resources, parameters, conditions, outputs. Raises StepError if a line
    that is left needs one of them.
    """
    start, end = section_of(text, service.upper().replace("_", " "))
    section = text[start:end]
    gone = {found["id"] for found in _RESOURCE.finditer(section)} | {*also}
    gone |= {f"{camel(service)}LogGroup"}
    unused_before = _unused(text)
    lines = _Lines((text[:start] + text[end:]).split("\n"))
    lines.remove_paths(paths)
    lines.remove_entries(also)
    consumers = {name.removesuffix("Queue") for name in gone if name.endswith("Queue")}
    queues = {f"{consumer}DeadLetterQueue" for consumer in consumers}
    owner = {camel(service)} if not any(camel(service) == name for name in gone) else set()
    gone |= queues
    while True:
        outputs = lines.remove_references(gone, words=consumers | owner)
        unused = _unused(lines.text) - unused_before
        if not outputs and not unused:
            break
        lines.remove_entries(unused)
        gone |= outputs | unused
    lines.rescue_anchors(section)
    return lines.text, gone


def _unused(text: str) -> set[str]:
    """Parameters and conditions that nothing names."""
    named = re.findall(r"^  ([A-Z]\w+):", _part(text, "Parameters") + _part(text, "Conditions"), re.MULTILINE)
    return {name for name in named if len(re.findall(rf"\b{name}\b", text)) == 1}


def _part(text: str, name: str) -> str:
    found = re.search(rf"^{name}:\n(?:(?:[ #].*)?\n)*", text, re.MULTILINE)
    return found.group() if found else ""


class _Lines:
    """The template's lines."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = list(lines)

    @property
    def text(self) -> str:
        return "\n".join(self._lines)

    def remove_entries(self, names: Iterable[str]) -> None:
        """Removes entries at the second level (resources, parameters), with their comments; raises StepError."""
        for name in names:
            places = [i for i, line in enumerate(self._lines) if re.match(rf"  {name}:", line)]
            if not places:
                raise StepError(f"{TEMPLATE} has no {name}.", "Correct the recipe. Nothing was changed.")
            for place in reversed(places):
                self._remove_block(place)

    def remove_paths(self, paths: Iterable[str]) -> None:
        """Removes the API's own entries of paths and of what is below them."""
        for path in paths:
            pattern = re.compile(rf' +"?{re.escape(path)}(?:/[^:]*)?"?:')
            while (place := next((i for i, line in enumerate(self._lines) if pattern.match(line)), -1)) >= 0:
                self._remove_block(place)

    def remove_references(self, gone: set[str], *, words: set[str]) -> set[str]:
        """Removes each line that names one of them, with its block; returns the outputs that went with it."""
        outputs: set[str] = set()
        named = re.compile(rf"\b(?:{'|'.join(sorted(gone))})\b")
        whole = re.compile(rf"^ +- (?:{'|'.join(sorted(words)) or '-'})$")
        value = re.compile(rf"^ +- {{value: (?:{'|'.join(sorted(words)) or '-'})\b")
        listed = re.compile(rf"^( +- \[(?:\w+, )*)(?:{'|'.join(sorted(words)) or '-'})(?:, )?([^]]*\])$")
        place = 0
        while place < len(self._lines):
            line = self._lines[place]
            if whole.match(line) or value.match(line):
                self._remove_block(place)
                continue
            if found := listed.match(line):
                self._lines[place] = (found[1] + found[2]).replace(", ]", "]")
            elif named.search(line) and not line.lstrip().startswith("#"):
                place, output = self._remove_reference(place)
                outputs |= {output} - {""}
                continue
            place += 1
        return outputs

    def _remove_reference(self, place: int) -> tuple[int, str]:
        """Removes the statement, the list's item, or the entry around a line; returns where to go on, and an output."""
        top = self._enclosing(place, indent=0)
        if self._lines[top] == "Outputs:":
            entry = self._enclosing(place, indent=2)
            name = self._lines[entry].strip().rstrip(":")
            return self._remove_block(entry), name
        item = self._item_around(place)
        is_one_of_many = self._lines[place].lstrip().startswith("- ")
        if (
            not is_one_of_many
            and item is not None
            and any("Effect:" in line for line in self._lines[item : self._end_of(item)])
        ):
            return self._remove_block(item), ""
        return self._remove_block(place), ""

    def _item_around(self, place: int) -> int | None:
        """The list's item that a line is a part of and that is a policy's statement, if there is one."""
        indent = _indent(self._lines[place])
        for above in range(place, -1, -1):
            line = self._lines[above]
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            if _indent(line) <= indent and line.lstrip().startswith("- "):
                if "Effect:" in line:
                    return above
                indent = _indent(line) - 1
            elif _indent(line) < indent and line.rstrip().endswith("Statement:"):
                return None
            indent = min(indent, _indent(line))
            if indent <= 4:
                return None
        return None

    def _enclosing(self, place: int, *, indent: int) -> int:
        while _indent(self._lines[place]) > indent or not self._lines[place].strip():
            place -= 1
        return place

    def _end_of(self, place: int) -> int:
        """The line after the block that begins at a line."""
        indent, end = _indent(self._lines[place]), place + 1
        in_list = self._lines[place].lstrip().startswith("- ")
        while end < len(self._lines):
            line = self._lines[end]
            deeper = _indent(line) > indent or (
                not in_list and line.lstrip().startswith("- ") and _indent(line) == indent
            )
            if line.strip() and not deeper:
                break
            end += 1
        while not self._lines[end - 1].strip() and end > place + 1:
            end -= 1
        return end

    def _remove_block(self, place: int) -> int:
        """Removes the block at a line, the comments above it, and a parent that is left empty; returns its place."""
        end, indent = self._end_of(place), _indent(self._lines[place])
        while (
            place and self._lines[place - 1].lstrip().startswith("# ")
            and _indent(self._lines[place - 1]) == indent
            and not re.match(r" *# (=|-)", self._lines[place - 1])
        ):  # fmt: skip
            place -= 1
        if end < len(self._lines) and not self._lines[end].strip() and not self._lines[place - 1].strip():
            end += 1
        del self._lines[place:end]
        parent = place - 1
        while parent and (not self._lines[parent].strip() or self._lines[parent].lstrip().startswith("#")):
            parent -= 1
        if self._lines[parent].endswith(":") and self._end_of(parent) == parent + 1 and indent > 2:
            return self._remove_reference(parent)[0]
        return place

    def rescue_anchors(self, section: str) -> None:
        """Defines anchors of the section anew where they are used first; raises StepError for one over many lines."""
        text = self.text
        for name, value in re.findall(r"&([\w-]+) (.+)$", section, re.MULTILINE):
            if f"*{name}" in text and f"&{name} " not in text:
                text = re.sub(rf"\*{re.escape(name)}\b", lambda _: f"&{name} {value}", text, count=1)  # noqa: B023
        defined = {*re.findall(r"&([\w-]+)", text)}
        if lost := {*re.findall(r"(?<=[ \[{])\*([\w-]+)(?=[,\s}\]])", text)} - defined:
            raise StepError(
                f"{TEMPLATE} needs the anchors {', '.join(sorted(lost))} of the section.",
                "Define them in the recipe's `replace`. Nothing was changed.",
            )
        self._lines = text.split("\n")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
