"""Decomposition: fitting a pattern such as `(0 YOU 0 (*WANT NEED) 0)` to the words of a text.

The rule of the 1966 program: each 0 takes as few words as it can, from left to right, and the whole text is used up.
The pattern is cut before each 0; each piece is laid at the leftmost place where its fixed elements fit, the last one
at the end. There is no going back, so the cost is bounded by (words x elements) whatever the text says.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
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
    words = [*map(sys.intern, inside[1:].split())]
    if inside.startswith("*"):
        return SixCharacterWords(words) if six_characters else frozenset(words)
    if inside.startswith("/"):
        return frozenset(member for tag in words for member in tags.get(tag, ()))
    return frozenset()


def is_number(element: str) -> bool:
    """Say whether an element counts words. Only ASCII digits make a number; a symbol never begins with one."""
    return element.isascii() and element.isdecimal()


_Need = tuple[int, frozenset[str] | SixCharacterWords]  # the place of a word, and what it must be one of
_NONE: Final = ((0, None),)


class _Piece(NamedTuple):
    """A stretch of fixed elements."""

    width: int
    ends: tuple[int, ...]
    """Where each element ends, from where the piece begins."""

    needs: tuple[_Need, ...]
    """Which word of it must be one of what; first the groups, then the literals."""


class Decomposition:
    """A compiled decomposition pattern; immutable and shared by all conversations."""

    __slots__ = ("_edges", "_ends", "_head", "_inner", "_least", "_most", "_tail", "elements", "needs")

    def __init__(self, elements: Sequence[str], tags: Tags | None = None, *, six_characters: bool = False) -> None:
        self.elements: Final = tuple(elements)
        stretches: list[list[str]] = [[]]
        for element in self.elements:
            if is_number(element) and not element.strip("0"):
                stretches.append([])
            else:
                stretches[-1].append(element)
        pieces = [_compile(stretch, tags or {}, six_characters) for stretch in stretches]
        # What stands before the first 0 and after the last: how many words, and which must be one of what; None where
        # nothing does, as is usual.
        tail = pieces[-1] if len(pieces) > 1 else _Piece(0, (), ())
        self._head: Final = pieces[0].width
        self._tail: Final = tail.width
        needs = (*pieces[0].needs, *((at - tail.width, wanted) for at, wanted in tail.needs))
        self._edges: Final = needs if self._head or self._tail or len(pieces) == 1 else None
        # What stands between two: its first need is looked for, if it has any.
        self._inner: Final = tuple((piece.width, *(piece.needs or _NONE)[0], piece.needs[1:]) for piece in pieces[1:-1])
        self._ends: Final = tuple((number, end) for number, piece in enumerate(pieces) for end in (0, *piece.ends))
        self._least: Final = sum(piece.width for piece in pieces)  # words
        self._most: Final = self._least if len(pieces) == 1 else sys.maxsize
        # No text fits that has no word of one of these.
        self.needs: Final = [need for piece in pieces for _, need in piece.needs if isinstance(need, frozenset)]

    def lay(self, words: list[str]) -> list[int] | None:
        """Return where each piece stands, for `part`; None when the pattern does not fit."""
        total = len(words)
        if total < self._least:
            return None
        if self._edges is not None:
            if total > self._most:
                return None
            for at, wanted in self._edges:
                if words[at] not in wanted:
                    return None
        places = [0]
        position = self._head
        for width, offset, sought, others in self._inner:
            last = total - width
            if sought is None:
                if position > last:
                    return None
            else:
                for word in words[position + offset : last + offset + 1]:
                    if word in sought:
                        for at, wanted in others:
                            if words[position + at] not in wanted:
                                break
                        else:
                            break
                    position += 1
                else:
                    return None
            places.append(position)
            position += width
        end = total - self._tail
        if end < position:
            return None
        places.append(end)
        return places

    def part(self, words: list[str], places: list[int], number: int) -> list[str]:
        """Return what the element with this number, from 1, took of the words that the pattern was laid on."""
        first, start = self._ends[number - 1]
        last, end = self._ends[number]
        return words[places[first] + start : places[last] + end]


def _compile(stretch: Sequence[str], tags: Tags, six_characters: bool) -> _Piece:
    ends: list[int] = []
    groups: list[_Need] = []
    literals: list[_Need] = []
    offset = 0
    for element in stretch:
        width = 1
        if is_number(element):
            width = int(element[:_MAX_DIGITS])  # more than any text has words, either way
        elif element.startswith("("):
            groups.append((offset, group_words(element, tags, six_characters=six_characters)))
        else:
            literals.append((offset, frozenset((element,))))
        offset += width
        ends.append(offset)
    return _Piece(offset, tuple(ends), (*groups, *literals))


def hints(patterns: Sequence[Decomposition]) -> tuple[int, dict[str, int]]:
    """Return which patterns may fit any text, and for each word which others may fit a text with that word in it.

    Bit i stands for pattern i. A pattern is found by one set of the words that it needs: the one that is the least
    common among these patterns.
    """
    common = Counter(word for pattern in patterns for words in pattern.needs for word in words)
    always, by_word = 0, dict[str, int]()
    for number, pattern in enumerate(patterns):
        if not pattern.needs:
            always |= 1 << number
            continue
        for word in min(pattern.needs, key=lambda words: max(map(common.__getitem__, words), default=0)):
            by_word[word] = by_word.get(word, 0) | 1 << number
    return always, by_word
