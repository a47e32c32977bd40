"""Decomposition: fitting a pattern such as `(0 YOU 0 (*WANT NEED) 0)` to the words of a text.

The rule of the 1966 program: each 0 takes as few words as it can, from left to right, and the whole text is used up.
The pattern is cut before each 0; each piece is laid at the leftmost place where its fixed elements fit, the last one
at the end. There is no going back, so the cost is bounded by (words x elements) whatever the text says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

Tags = Mapping[str, Collection[str]]
"""Tag name -> the keywords that carry it (DLIST)."""

_MAX_DIGITS: Final = 12
_CELL: Final = 6  # characters in a word of the IBM 7094


class SixCharacterWords:
    """The words of a `(*...)` group as the 1965-66 Quarton programs compared them: six bytes at a time."""

    def __init__(self, words: Iterable[str]) -> None:
        self._cells = {
            data[i : i + _CELL]
            for data in (word.encode("utf-8", "surrogatepass") for word in words)
            for i in range(0, len(data), _CELL)
        }

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word.encode("utf-8", "surrogatepass")[:_CELL] in self._cells


def group_words(element: str, tags: Tags, *, six_characters: bool = False) -> frozenset[str] | SixCharacterWords:
    """Return what one word may be where `(*A B)` (a list) or `(/T U)` (tags) stands; nothing fits any other group."""
    inside = element.removeprefix("(").removesuffix(")").lstrip(" ")
    words = inside[1:].split()
    if inside.startswith("*"):
        return SixCharacterWords(words) if six_characters else frozenset(words)
    if inside.startswith("/"):
        return frozenset(member for tag in words for member in tags.get(tag, ()))
    return frozenset()


def is_number(element: str) -> bool:
    """Say whether an element counts words. Only ASCII digits make a number; a symbol never begins with one."""
    return element.isascii() and element.isdecimal()


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of fixed elements."""

    width: int
    bounds: tuple[int, ...]
    """Where each element ends, from where the piece begins."""

    literals: tuple[tuple[int, str], ...]
    groups: tuple[tuple[int, frozenset[str] | SixCharacterWords], ...]
    single: bool
    """Whether one literal or one group is all that there is to compare."""

    def fits(self, words: Sequence[str], start: int) -> bool:
        for offset, literal in self.literals:
            if words[start + offset] != literal:
                return False
        for offset, group in self.groups:  # noqa: SIM110  (a generator costs more than all the comparisons)
            if words[start + offset] not in group:
                return False
        return True

    def find(self, words: Sequence[str], start: int, end: int) -> int:
        """Return the leftmost place at or after `start` where the piece fits and is over by `end`, or -1."""
        last = end - self.width
        if self.literals:
            offset, literal = self.literals[0]
            at = start
            while at <= last:
                try:
                    at = words.index(literal, at + offset, last + offset + 1) - offset
                except ValueError:
                    return -1
                if self.single or self.fits(words, at):
                    return at
                at += 1
            return -1
        if self.groups:
            offset, group = self.groups[0]
            for at in range(start, last + 1):
                if words[at + offset] in group and (self.single or self.fits(words, at)):
                    return at
            return -1
        return start if start <= last else -1


class Decomposition:
    """A compiled decomposition pattern; immutable and shared by all conversations."""

    __slots__ = ("_free", "_head", "_inner", "_tail", "elements", "groups", "least", "literals")

    def __init__(self, elements: Sequence[str], tags: Tags | None = None, *, six_characters: bool = False) -> None:
        self.elements: Final = tuple(elements)
        stretches: list[list[str]] = [[]]
        for element in self.elements:
            if is_number(element) and not element.strip("0"):
                stretches.append([])
            else:
                stretches[-1].append(element)
        pieces = [_compile(stretch, tags or {}, six_characters) for stretch in stretches]
        # What stands before the first 0, between two, and after the last; None where there is no 0 at all.
        self._head: Final = pieces[0]
        self._inner: Final = tuple(pieces[1:-1])
        self._tail: Final = pieces[-1] if len(pieces) > 1 else None
        self._free: Final = self.elements == ("0",)
        self.least: Final = sum(piece.width for piece in pieces)  # words
        self.literals: Final = frozenset(literal for piece in pieces for _, literal in piece.literals)
        # No text fits that lacks one of the literals, has no word of one of the groups, or fewer words than the least.
        groups = [group for piece in pieces for _, group in piece.groups]
        self.groups: Final = tuple(group for group in groups if isinstance(group, frozenset))

    def match(self, words: Sequence[str]) -> list[int] | None:
        """Return where each element begins, and the end: element i took `words[bounds[i]:bounds[i + 1]]`.

        None when the pattern does not fit.
        """
        total = len(words)
        if self._free:
            return [0, total]
        if total < self.least:
            return None
        head, tail = self._head, self._tail
        if head.width and not head.fits(words, 0):
            return None
        bounds = [0, *head.bounds]
        if tail is None:
            return bounds if total == head.width else None
        position = head.width
        end = total - tail.width
        for piece in self._inner:
            position = piece.find(words, position, total)
            if position < 0:
                return None
            bounds.append(position)
            for bound in piece.bounds:
                bounds.append(position + bound)
            position += piece.width
        if tail.width:
            if end < position or not tail.fits(words, end):
                return None
            bounds.append(end)
            for bound in tail.bounds:
                bounds.append(end + bound)
        else:
            bounds.append(total)
        return bounds


def _compile(stretch: Sequence[str], tags: Tags, six_characters: bool) -> _Piece:
    bounds: list[int] = []
    literals: list[tuple[int, str]] = []
    groups: list[tuple[int, frozenset[str] | SixCharacterWords]] = []
    offset = 0
    for element in stretch:
        width = 1
        if is_number(element):
            width = int(element[:_MAX_DIGITS])  # more than any text has words, either way
        elif element.startswith("("):
            groups.append((offset, group_words(element, tags, six_characters=six_characters)))
        else:
            literals.append((offset, element))
        offset += width
        bounds.append(offset)
    return _Piece(offset, tuple(bounds), tuple(literals), tuple(groups), len(literals) + len(groups) == 1)
