"""Regular expressions that cannot backtrack: whoever speaks cannot make one slow.

Python's `re` tries the ways in which a pattern can fit one after the other, and an unlucky text makes these very many.
Here all ways are followed at once, a character at a time (Thompson's method; the programs and priorities are those of
Russ Cox, "Regular Expression Matching: the Virtual Machine Approach", 2009), so the cost is at most characters times
instructions. What that method cannot do is refused: back references and looking around.

`re` is used for single characters only, which have nothing to go back to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

_MAX_PROGRAM: Final = 200  # instructions: far above any sensible rule
_MAX_TEXT: Final = 500  # characters that are looked at: half a minute of speech. 500 x 200 steps take about 60 ms
_MAX_COUNT: Final = 100  # the highest number in {m,n}
_MAX_DEPTH: Final = 20  # groups in groups, which are read by recursion

_NAME: Final = re.compile(r"\(\?P<([A-Za-z_][A-Za-z0-9_]*)>")
_COUNT: Final = re.compile(r"\{(\d{1,3})(,?)(\d{0,3})\}")
_CLASS: Final = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_SET_SIGNS: Final = re.compile(r"(?<!\\)\[|--|&&|~~|\|\|")  # `re` keeps these for a later version of itself
_REPEATS: Final = ("*", "+", "{")
_ESCAPES: Final = "wWdDsS"


class _Fits(NamedTuple):
    """Take one character that fits; `letter` is the only one that does, but for its case, or empty."""

    test: Callable[[str], object]
    letter: str = ""


class _Split(NamedTuple):
    """Go on at both places, the first of them first."""

    first: int
    second: int


class _Save(NamedTuple):
    """Remember where in the text we are."""

    slot: int


class _Place(NamedTuple):
    """Go on only at a place of this kind: ^ $ b B."""

    kind: str


_Step = _Fits | _Split | _Save | _Place
_Thread = tuple[int, tuple[int, ...]]


class BadPattern(ValueError):
    """A regular expression that cannot be used; the message says why."""


class Pattern:
    """A regular expression. Upper and lower case are the same; of several matches the leftmost counts."""

    def __init__(self, source: str) -> None:
        """Compile `source`.

        Raises:
            BadPattern: it is malformed, too large, or needs to backtrack.
        """
        reader = _Reader(source)
        self.source: Final = source
        self._program: Final[Sequence[_Step]] = reader.read()
        self.names: Final = tuple(reader.names)
        self._needed: Final = _needed(self._program)

    def search(self, text: str) -> dict[str, str] | None:
        """Return what the named groups held ("" for one that took no part), or None when nothing fits."""
        text = text[:_MAX_TEXT]
        if self._needed not in text.lower() and text.isascii():  # beyond ASCII, letters may fit that look different
            return None
        end = len(self._program)
        found: tuple[int, ...] | None = None
        threads: list[_Thread] = []
        unset = (-1,) * (2 * len(self.names))
        for at in range(len(text) + 1):
            if found is None:
                threads.append((0, unset))
            threads = self._spread(threads, text, at)
            following: list[_Thread] = []
            for step, slots in threads:
                if step == end:
                    found = slots  # threads after this one stand below it
                    break
                fits = self._program[step]
                if isinstance(fits, _Fits) and at < len(text) and fits.test(text[at]):
                    following.append((step + 1, slots))
            threads = following
            if found is not None and not threads:
                break
        if found is None:
            return None
        return {name: text[max(found[2 * i], 0) : max(found[2 * i + 1], 0)] for i, name in enumerate(self.names)}

    def _spread(self, threads: list[_Thread], text: str, at: int) -> list[_Thread]:
        """Follow every step that takes no character; each place of the program is reached once, by the best thread."""
        reached: list[_Thread] = []
        seen: set[int] = set()
        stack = threads[::-1]
        while stack:
            step, slots = stack.pop()
            if step in seen:
                continue
            seen.add(step)
            one = self._program[step] if step < len(self._program) else None
            if isinstance(one, _Split):
                stack += (one.second, slots), (one.first, slots)
            elif isinstance(one, _Save):
                stack.append((step + 1, (*slots[: one.slot], at, *slots[one.slot + 1 :])))
            elif isinstance(one, _Place):
                if _is_place(one.kind, text, at):
                    stack.append((step + 1, slots))
            else:
                reached.append((step, slots))
        return reached


def _needed(program: Sequence[_Step]) -> str:
    """Return the longest run of letters that is in every text which fits, in lower case; empty if there is none."""
    runs = [""]
    for at, step in enumerate(program):
        if isinstance(step, _Fits):
            if step.letter and step.letter.isascii() and not _reaches_end(program, without=at):
                runs[-1] += step.letter.lower()
            else:
                runs.append("")
        elif isinstance(step, _Split):
            runs.append("")
    return max(runs, key=len)


def _reaches_end(program: Sequence[_Step], without: int) -> bool:
    seen = {without}
    stack = [0]
    while stack:
        at = stack.pop()
        if at == len(program):
            return True
        if at not in seen:
            seen.add(at)
            step = program[at]
            stack += (step.first, step.second) if isinstance(step, _Split) else (at + 1,)
    return False


def _is_place(kind: str, text: str, at: int) -> bool:
    if kind == "^":
        return at == 0
    if kind == "$":
        return at == len(text)
    before = at > 0 and _is_word(text[at - 1])
    border = before != (at < len(text) and _is_word(text[at]))
    return border == (kind == "b")


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


class _Reader:
    """Pattern text -> program, by recursive descent."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._depth = 0
        self.names: list[str] = []

    def read(self) -> list[_Step]:
        program = self._choice()
        if self._at < len(self._source):
            raise self._bad("this ) closes nothing")
        return program

    def _choice(self) -> list[_Step]:
        """Read alternatives, up to a `)` or the end."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._bad("its groups are nested too deeply")
        ways = [self._sequence()]
        while self._take("|"):
            ways.append(self._sequence())
        self._depth -= 1
        program = ways.pop()
        while ways:
            first = ways.pop()
            behind = len(first) + 2
            end = behind + len(program)
            # a jump is a split whose two ways are one
            program = [_Split(1, behind), *_moved(first, 1), _Split(end, end), *_moved(program, behind)]
            self._bounded(program)
        return program

    def _sequence(self) -> list[_Step]:
        program: list[_Step] = []
        while self._at < len(self._source) and self._source[self._at] not in "|)":
            program += _moved(self._repeated(), len(program))
            self._bounded(program)
        return program

    def _repeated(self) -> list[_Step]:
        names = len(self.names)
        one = self._one()
        low, high = self._count()
        if (low, high) == (1, 1):
            return one
        if any(isinstance(step, _Place) for step in one) and len(one) == 1:
            raise self._bad("a place such as ^ or \\b cannot be repeated")
        if len(self.names) > names and high != 1:
            raise self._bad("a group with a name cannot be repeated: only one value can have the name")
        lazy = self._take("?")
        if self._peek() in _REPEATS:
            raise self._bad("two repetitions follow each other")
        if self._bounded_length(one, low, high) > _MAX_PROGRAM:
            raise self._bad("it is too large when its repetitions are written out")
        program: list[_Step] = []
        for _ in range(low):
            program += _moved(one, len(program))
        if high is None:
            start = len(program)
            program += [_split(start + 1, start + len(one) + 2, lazy), *_moved(one, start + 1), _Split(start, start)]
            return program
        end = len(program) + (high - low) * (len(one) + 1)
        for _ in range(high - low):
            start = len(program)
            program += [_split(start + 1, end, lazy), *_moved(one, start + 1)]
        return program

    def _bounded_length(self, one: Sequence[_Step], low: int, high: int | None) -> int:
        return len(one) * low + (len(one) + 2 if high is None else (len(one) + 1) * (high - low))

    def _count(self) -> tuple[int, int | None]:
        """Read a repetition, once if there is none."""
        if self._take("*"):
            return 0, None
        if self._take("+"):
            return 1, None
        if self._take("?"):
            return 0, 1
        match = _COUNT.match(self._source, self._at)
        if match is None:
            return 1, 1
        self._at = match.end()
        low = int(match[1])
        high = int(match[3]) if match[3] else None if match[2] else low
        if low > _MAX_COUNT or (high is not None and not low <= high <= _MAX_COUNT):
            raise self._bad(f"{match[0]} is no range up to {_MAX_COUNT}")
        return low, high

    def _one(self) -> list[_Step]:
        char = self._source[self._at]
        if char == "(":
            return self._group()
        if char in "*+?":
            raise self._bad(f"{char} has nothing to repeat")
        if char == "[":
            return [self._class()]
        self._at += 1
        if char == "\\":
            return [self._escape()]
        if char in "^$":
            return [_Place(char)]
        if char == ".":
            return [_Fits(_any)]
        return [_literal(char)]

    def _group(self) -> list[_Step]:
        name = _NAME.match(self._source, self._at)
        if name is not None:
            if name[1] in self.names:
                raise self._bad(f"two groups have the name {name[1]}")
            self._at = name.end()
            slot = 2 * len(self.names)
            self.names.append(name[1])
            inside = [_Save(slot), *_moved(self._choice(), 1), _Save(slot + 1)]
        else:
            if self._source.startswith("(?:", self._at):
                self._at += 3
            elif self._source.startswith("(?", self._at):
                raise self._bad(
                    f"{self._source[self._at : self._at + 4]} is not known: groups are (...), (?:...) or (?P<name>...);"
                    " back references and looking around could make a text slow"
                )
            else:
                self._at += 1
            inside = self._choice()
        if not self._take(")"):
            raise self._bad("a group is never closed")
        return self._bounded(inside)

    def _class(self) -> _Fits:
        match = _CLASS.match(self._source, self._at)
        if match is None:
            raise self._bad("this [ is never closed")
        if _SET_SIGNS.search(match[0], 1):
            raise self._bad(f"write \\ before each mark inside {match[0]}")
        self._at = match.end()
        return self._tested(match[0])

    def _escape(self) -> _Step:
        if self._at == len(self._source):
            raise self._bad("it ends in a single \\")
        char = self._source[self._at]
        self._at += 1
        if char in "bB":
            return _Place(char)
        if char in _ESCAPES:
            return self._tested("\\" + char)
        if char.isdigit():
            raise self._bad(f"\\{char} is a back reference, and those could make a text slow")
        if char.isalpha():
            raise self._bad(f"\\{char} is not known: there are \\w \\d \\s \\b, their capitals, and marks such as \\.")
        return _literal(char)

    def _tested(self, atom: str) -> _Fits:
        try:
            return _Fits(re.compile(atom, re.IGNORECASE).fullmatch)
        except re.error as wrong:
            raise self._bad(f"{atom}: {wrong}") from None

    def _bounded(self, program: list[_Step]) -> list[_Step]:
        if len(program) > _MAX_PROGRAM:
            raise self._bad("it is too large")
        return program

    def _peek(self) -> str:
        return self._source[self._at : self._at + 1]

    def _take(self, char: str) -> bool:
        there = self._peek() == char
        self._at += there
        return there

    def _bad(self, why: str) -> BadPattern:
        return BadPattern(f"not a usable regular expression, at character {self._at + 1}: {why}")


def _split(into: int, past: int, lazy: bool) -> _Split:
    return _Split(past, into) if lazy else _Split(into, past)


def _moved(program: Sequence[_Step], by: int) -> list[_Step]:
    return [_Split(one.first + by, one.second + by) if isinstance(one, _Split) else one for one in program]


def _literal(char: str) -> _Fits:
    return _Fits(re.compile(re.escape(char), re.IGNORECASE).fullmatch, char)


def _any(char: str) -> bool:
    return char != "\n"
