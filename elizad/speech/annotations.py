"""What a platform appends in braces to the words that a caller said: strip it, and read it.

Hume's EVI ends a user message with groups such as `{very tired, quite anxious}` (expressions heard in the voice) and
`{Context: ...}` (text that the application injected), in any order. ELIZA must never answer them.

Pure text: this room knows no platform message, no conversation and no clock.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

__all__ = ["Expression", "context", "parse_expressions", "split_annotations"]

_CONTEXT: Final = "Context:"
_EXPRESSION: Final = re.compile(
    r"(?P<modifier>very slightly|slightly|moderately|quite|very|extremely) +"
    r"(?P<emotion>[^\W\d_]+(?:[ -][^\W\d_]+)*(?: \([^\W\d_]+\))?)"
)
_EXPRESSION_CHARS: Final = 80  # the longest known phrase, "very slightly aesthetic appreciation", has 36


class Expression(NamedTuple):
    """One expression heard in the voice: how much ("quite"), and of what ("anxious", "surprise (positive)")."""

    modifier: str
    emotion: str


def split_annotations(content: str) -> tuple[str, tuple[str, ...]]:
    """Separate the caller's words from the brace groups at the end: (words, the groups' insides in order).

    Every trailing balanced group goes, nested braces inside one belong to it, and both words and insides come back
    without white space round them. A brace group in the middle of the words stays. The text of a context group is not
    ours and may hold stray braces: when the end cannot be read as balanced groups, all from the first `{Context:` on
    is taken as one group. Time is linear in the length of `content`.
    """
    end = len(content.rstrip())
    if not content.endswith("}", 0, end):
        return content.strip(), ()
    groups: list[str] = []
    while content.endswith("}", 0, end) and (start := _group_start(content, end)) >= 0:
        groups.append(content[start + 1 : end - 1].strip())
        end = start
        while end and content[end - 1].isspace():
            end -= 1
    if (start := content.find("{" + _CONTEXT, 0, end)) >= 0:
        groups.append(content[start + 1 : end].removesuffix("}").strip())
        end = start
    return content[:end].strip(), tuple(reversed(groups))


def parse_expressions(group: str) -> tuple[Expression, ...] | None:
    """Read the inside of an expression group, `very tired, quite anxious`; None when it is anything else."""
    expressions = []
    for phrase in group.split(","):
        phrase = phrase.strip()
        match = _EXPRESSION.fullmatch(phrase) if len(phrase) <= _EXPRESSION_CHARS else None
        if match is None:
            return None
        expressions.append(Expression(match["modifier"], match["emotion"]))
    return tuple(expressions)


def context(groups: Sequence[str]) -> tuple[str, ...]:
    """The texts of the context groups among `groups`, in order, without their `Context:` mark."""
    return tuple(group.removeprefix(_CONTEXT).strip() for group in groups if group.startswith(_CONTEXT))


def _group_start(text: str, end: int) -> int:
    """Where the brace group that ends at `end` opens, or -1 when its braces do not balance."""
    depth = 1
    opening, closing = text.rfind("{", 0, end - 1), text.rfind("}", 0, end - 1)
    while opening >= 0:
        if closing > opening:
            depth += 1
            closing = text.rfind("}", 0, closing)
        elif depth > 1:
            depth -= 1
            opening = text.rfind("{", 0, opening)
        else:
            return opening
    return -1
