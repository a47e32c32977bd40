"""What a script asks of a tool: `[get_weather city: Paris]` in a reply, to be filled in by what the tool says.

A caller cannot say such a mark: the spoken diction hears no brackets. Pure: who can call tools does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from elizad.conversation.phrases import NO_TOOL
from elizad.speech.chunks import split_sentences

_MARK: Final = re.compile(r"\[(?P<name>[A-Za-z_][\w-]{0,127})(?P<arguments>(?: [^\[\]]*)?)\]")
_SPARE_END: Final = re.compile(r"([.!?…])\s*[.!?…]+")
_UNNAMED: Final = "text"


class ToolMark(NamedTuple):
    """The first mark of a text: what it asks for, and what stands before and behind it."""

    before: str
    name: str
    parameters: Mapping[str, str]
    behind: str

    def filled(self, content: str) -> str:
        """Return the text with what the tool says in the mark's place."""
        content = " ".join(content.split())
        goes_on = self.behind.lstrip()[:1]
        if goes_on.islower() or goes_on in (",", ";", ":"):
            content = content.removesuffix(".")
        text = f"{self.before}{content}{self.behind}"
        seam = len(self.before) + max(len(content) - 1, 0)
        return text[:seam] + _SPARE_END.sub(r"\1", text[seam:], count=1)


def tool_mark(text: str) -> ToolMark | None:
    """Return the first mark of a text; None if it has none.

    Arguments are `name: words`, with commas between; words without a name are called `text`.
    """
    found = _MARK.search(text) if "[" in text else None
    if found is None:
        return None
    parameters: dict[str, str] = {}
    for argument in filter(None, map(str.strip, found["arguments"].split(","))):
        name, colon, value = argument.partition(":")
        parameters[name.strip() if colon else _UNNAMED] = (value if colon else name).strip()
    return ToolMark(text[: found.start()], found["name"], parameters, text[found.end() :])


def told(content: str) -> str:
    """Return what a tool says. A JSON string is what stands in it: Hume's React provider sends JSON of any content."""
    try:
        return msgspec.json.decode(content, type=str)
    except (msgspec.MsgspecError, ValueError):
        return content


def without_tools(text: str) -> str:
    """Return what is said where no tool can be called: a sentence with a mark is another one then."""
    if "[" not in text or _MARK.search(text) is None:
        return text
    sentences = [f"{NO_TOOL} " if _MARK.search(one) else one for one in split_sentences(text)]
    return "".join(sentences).rstrip()


def unmarked(text: str) -> str:
    """Return a text that can hold a caller's words, such as a rule's, so that nothing in it is a mark."""
    if "[" not in text or _MARK.search(text) is None:
        return text
    return text.replace("[", "(").replace("]", ")")  # all of them: what stands round a mark can be one without it
