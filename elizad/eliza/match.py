"""Decomposition: fitting a pattern such as `(0 YOU 0 (*WANT NEED) 0)` to the words of a text.

The rule of the 1966 program: each 0 takes as few words as it can, from left to right, and the whole text is used up.
The pattern is cut before each 0; each piece is laid at the leftmost place where its fixed elements fit, the last one
at the end. There is no going back, so the cost is bounded by (words x elements) whatever the text says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from typing import Final, NamedTuple

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


class _Piece(NamedTuple):
    """A stretch of fixed elements, with or without a 0 in front."""

    wild: bool
    widths: tuple[int, ...]
    width: int
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

    def find(self, words: Sequence[str], start: int) -> int:
        """Return the leftmost place at or after `start` where the piece fits, or -1."""
        last = len(words) - self.width
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

    __slots__ = ("_middle", "_pieces", "elements", "groups", "literals")

    def __init__(self, elements: Sequence[str], tags: Tags | None = None, *, six_characters: bool = False) -> None:
        self.elements: Final = tuple(elements)
        pieces: list[_Piece] = []
        stretch: list[str] = []
        wild = False
        for element in self.elements:
            if is_number(element) and not element.strip("0"):
                if wild or stretch:
                    pieces.append(_compile(wild, stretch, tags or {}, six_characters))
                stretch, wild = [], True
            else:
                stretch.append(element)
        if wild or stretch:
            pieces.append(_compile(wild, stretch, tags or {}, six_characters))
        self._pieces: Final = tuple(pieces)
        # Most patterns are a piece with a 0 on either side.
        around = len(pieces) == 2 and pieces[0].wild and pieces[0].width and pieces[1].wild and not pieces[1].width
        self._middle: Final = pieces[0] if around else None
        self.literals: Final = frozenset(literal for piece in pieces for _, literal in piece.literals)
        groups = [group for piece in pieces for _, group in piece.groups]
        self.groups: Final = tuple(group for group in groups if isinstance(group, frozenset))

    def possible(self, words: Set[str]) -> bool:
        """Say, at the price of a few look-ups, whether each of the `groups` has a word among `words`.

        No text fits without, nor does one without all of the `literals`.
        """
        for group in self.groups:  # noqa: SIM110  (as above)
            if group.isdisjoint(words):
                return False
        return True

    def match(self, words: Sequence[str]) -> list[int] | None:
        """Return where each element begins, and the end: element i took `words[bounds[i]:bounds[i + 1]]`.

        None when the pattern does not fit.
        """
        total = len(words)
        middle = self._middle
        if middle is not None:
            at = middle.find(words, 0)
            if at < 0:
                return None
            bounds = [0, at]
            for width in middle.widths:
                at += width
                bounds.append(at)
            bounds.append(total)
            return bounds
        if self.elements == ("0",):
            return [0, total]
        bounds = [0]
        position = 0
        last = len(self._pieces) - 1
        for index, piece in enumerate(self._pieces):
            if not piece.wild:
                if piece.width > total or not piece.fits(words, 0):
                    return None
            else:
                if index < last:
                    position = piece.find(words, position)
                    if position < 0:
                        return None
                else:
                    end = total - piece.width
                    if end < position or not piece.fits(words, end):
                        return None
                    position = end
                bounds.append(position)
            for width in piece.widths:
                position += width
                bounds.append(position)
        return bounds if position == total else None


def _compile(wild: bool, stretch: Sequence[str], tags: Tags, six_characters: bool) -> _Piece:
    widths: list[int] = []
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
        widths.append(width)
        offset += width
    return _Piece(wild, tuple(widths), offset, tuple(literals), tuple(groups), len(literals) + len(groups) == 1)
