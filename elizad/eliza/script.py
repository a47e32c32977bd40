"""A compiled script: immutable values, shared by all conversations. Made by parser.py, read by engine.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, final

from elizad.eliza.match import Decomposition, hints

NONE = "NONE"
EXPRESSION = "EXPRESSION"
NO_CURSOR = -1


class Word(NamedTuple):
    """A word of the script: `key` is what matching sees, `said` how a reply spells it."""

    key: str
    said: str


Part = int | Word
"""An element of a reassembly: a word, or the number (from 1) of a part of the decomposition."""


@final
class Say(NamedTuple):
    """`(WHY DO YOU 3)`: answer with these parts."""

    parts: tuple[Part, ...]


@final
class Link(NamedTuple):
    """`(=WHAT)`: go on with another keyword's rule, with the text as it is."""

    keyword: str


@final
class Pre(NamedTuple):
    """`(PRE (I ARE 3) (=YOU))`: rewrite the text, then go on with another keyword's rule."""

    parts: tuple[Part, ...]
    keyword: str


@final
class NewKey(NamedTuple):
    """`(NEWKEY)`: give up on this keyword and try the next one on the stack."""


Reassembly = Say | Link | Pre | NewKey


@dataclass(frozen=True, slots=True)
class Transformation:
    """A decomposition and its reassemblies, which take turns.

    `cursor` is where a state counts them: NO_CURSOR where there is only one, and in the rules of expressions.
    """

    decomposition: Decomposition
    reassemblies: tuple[Reassembly, ...]
    cursor: int
    line: int


@dataclass(frozen=True)
class Rule:
    """All that a script says of one keyword."""

    keyword: str
    substitute: Word | None
    rank: int
    tags: tuple[str, ...]
    transformations: tuple[Transformation, ...]
    link: str | None
    line: int
    active: bool
    """Whether the rule can answer; one that only substitutes or tags is never put on the keyword stack."""

    @cached_property
    def tries(self) -> tuple[int, Mapping[str, int], Mapping[int, Transformation], Transformation | None]:
        """How the first transformation that fits is found: bit i stands for number i.

        Which may fit any text, which others one with a certain word in it, what each bit stands for, and apart from
        these the last one, if that fits every text. Looked for when the rule is first tried: a call has use for few
        rules, and a script has hundreds.
        """
        tried = [*self.transformations]
        free = tried.pop() if tried and tried[-1].decomposition.elements == ("0",) else None
        possible, hinted = hints([one.decomposition for one in tried])
        return possible, hinted, {1 << number: one for number, one in enumerate(tried)}, free


class ExpressionRule(NamedTuple):
    """What to say when the voice has every expression of `needs` at least so strongly: (name in the script, percent).

    Its rule has no keyword that anybody could say. Its reassemblies are words or NEWKEY, and its transformations have
    no cursor: whose turn it is depends on how many remarks were made, so that a state depends on words alone.
    """

    needs: tuple[tuple[str, int], ...]
    rule: Rule


class MemoryForm(NamedTuple):
    """One of the four ways to remember a sentence."""

    decomposition: Decomposition
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """A whole script.

    `cursors` is how many transformations take turns, the length of a state's `cursors`; `most_turns` is how many
    reassemblies the longest of them has.
    """

    opening: tuple[Word, ...]
    rules: Mapping[str, Rule]
    none: Rule
    memory_keyword: str
    memory_forms: tuple[MemoryForm, ...]
    tags: Mapping[str, frozenset[str]]
    cursors: int
    most_turns: int
    expressions: tuple[ExpressionRule, ...] = ()

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        """Every rule there is: of keywords, of expressions, and NONE."""
        return (*self.rules.values(), *(expression.rule for expression in self.expressions), self.none)

    @property
    def inserted(self) -> list[str]:
        """The words that can get into a text: substitutes and what PRE writes."""
        words: list[str] = []
        for rule in (*self.rules.values(), self.none):
            if rule.substitute is not None:
                words.extend(rule.substitute)
            for transformation in rule.transformations:
                for reassembly in transformation.reassemblies:
                    if isinstance(reassembly, Pre):
                        words.extend(text for part in reassembly.parts if not isinstance(part, int) for text in part)
        return words


def describe(reassembly: Reassembly) -> str:
    """Write a reassembly the way a script does."""
    match reassembly:
        case Say(parts):
            return f"({_words(parts)})"
        case Link(target):
            return f"(={target})"
        case Pre(parts, target):
            return f"(PRE ({_words(parts)}) (={target}))"
        case NewKey():
            return "(NEWKEY)"


def _words(parts: Sequence[Part]) -> str:
    return " ".join(str(part) if isinstance(part, int) else part.said for part in parts)
