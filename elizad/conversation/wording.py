"""Ways of putting something, and finding them in what somebody says: `(just) want|wanted to die`.

A way is words in their order, whole words only. `a|b` is either of them, `[a b|c]` too, with choices of several words,
`(a)` may be missing, `a*` is any word that begins so, and `...` stands for up to four words. Short forms are written
out on both sides ("I'm" is "I am"), and upper and lower case, marks and quotes do not count.

Each way becomes a regular expression over words with a space after each. At a given place it can go on in few ways
only: five lengths for each `...`, with or without each `(a)`, and both are counted. So the time for a text grows with
its length and no faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

from elizad.conversation.said import plain_words
from elizad.speech.everyday import FUNCTION_WORDS

_MAX_GAPS: Final = 2
_MAX_PERHAPS: Final = 8
_GAP: Final = r"(?:\S+ ){0,4}"
_PLAIN: Final = re.compile(r"(?:(?!\.\.\.)[^|()*\[\]])+")
_PART: Final = re.compile(r"\.\.\.|\((?P<maybe>[^()\[\]]*)\)|\[(?P<must>[^()\[\]]*)\]|[^\s()\[\]]+")

# As a whole word: what it is written out to. Recognisers drop apostrophes; a form that is a word of its own is left.
_LONG: Final = {
    "can't": "can not", "cant": "can not", "cannot": "can not", "won't": "will not", "shan't": "shall not",
    "i'm": "i am", "im": "i am", "ive": "i have", "dont": "do not", "didnt": "did not", "doesnt": "does not",
    "isnt": "is not", "wasnt": "was not", "wouldnt": "would not", "couldnt": "could not", "shouldnt": "should not",
    "wanna": "want to", "gonna": "going to", "gotta": "got to", "lemme": "let me", "ain't": "is not",
    "let's": "let us", "ya": "you", "em": "them",
}  # fmt: skip
_SHORT: Final = frozenset(_LONG)
_ENDINGS: Final = (("n't", " not"), ("'re", " are"), ("'ve", " have"), ("'ll", " will"), ("'d", " would"))
_LETTERS: Final = bytes(ord(chr(c).lower()) if c < 128 and chr(c).isalnum() else 32 for c in range(256))  # of ASCII
_IS: Final = frozenset("he she it that what there here who where how this everything everyone somebody someone".split())


def written_out(text: str) -> str:
    """Return the words of `text` in long form, with a space before the first and after each."""
    simple = text.isascii() and text.replace(" ", "").isalpha()  # as recognised speech often is
    text = text.lower() if simple else plain_words(text)
    words = text.split()
    if "'" in text or not _SHORT.isdisjoint(words):
        words = [_long(word) if "'" in word or word in _SHORT else word for word in words]
    return f" {' '.join(words)} " if words else " "


def letter_runs(text: str) -> list[str]:
    """Return what stands between all that is no letter and no digit, in small letters: "can't" is two."""
    if text.isascii():
        return text.encode().translate(_LETTERS).decode().split()  # bytes, because that is far quicker than text
    return plain_words(text).replace("'", " ").split()


def _long(word: str) -> str:
    if (known := _LONG.get(word)) is not None:
        return known
    if "'" not in word:
        return word
    for ending, long in _ENDINGS:
        if word.endswith(ending):
            return word.removesuffix(ending) + long
    stem, _, rest = word.rpartition("'")
    return f"{stem} is" if rest == "s" and stem in _IS else word


class _Way(NamedTuple):
    """One way of putting something, read: `keys` are words of which one must be said for it, the rarest such choice.

    So must one word of each of the `others`, in which there are no words that only begin so.
    """

    expression: str
    keys: tuple[str, ...]
    others: tuple[frozenset[str], ...]


class Ways:
    """Some ways of putting something, to be looked for in `written_out` text."""

    def __init__(self, ways: Iterable[str]) -> None:
        """Compile `ways`.

        Raises:
            ValueError: one that cannot be read; the message says why.
        """
        self.ways: Final = tuple(ways)
        self.read: Final = tuple(map(_read, self.ways))  # for `Signs`, since reading is half the time that safety takes
        self._always: list[_Way] = []
        self._by_word: dict[str, list[_Way]] = {}  # only those are tried whose word was said
        for one in self.read:
            if any(key.endswith("*") for key in one.keys):
                self._always.append(one)
            else:
                for key in one.keys:
                    self._by_word.setdefault(key, []).append(one)

    def search(self, text: str) -> re.Match[str] | None:
        """Return one place where something is put in one of these ways."""
        return next(self.matches(text), None)

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        """Yield every place, way by way."""
        for pattern in self._possible(text):
            yield from pattern.finditer(text)

    def without(self, text: str) -> str:
        """Return `text` with a `#` for everything that is put in one of these ways."""
        for pattern in self._possible(text):
            text = pattern.sub("# ", text)
        return text

    def _possible(self, text: str) -> Iterable[re.Pattern[str]]:
        words = text.split()
        said = frozenset(words)
        if len(said) < len(words):
            words = list(dict.fromkeys(words))  # each once, in their order
        found: dict[str, None] = {}
        for one in chain(self._always, *filter(None, map(self._by_word.get, words))):
            for choice in one.others:
                if choice.isdisjoint(said):
                    break
            else:
                found[one.expression] = None
        return map(_compiled, found)

    def cover(self, way: str) -> bool:
        """Whether whoever puts it this `way` puts it in one of these. A True is certain; many pairs are missed."""
        # A way of plain words can be tried out as a text: it says what it fits.
        return way in self.ways or (_PLAIN.fullmatch(way) is not None and self.search(written_out(way)) is not None)


class Signs:
    """What must be said for any of several ways: that it was not is seen, nearly always, by a look at each word."""

    def __init__(self, several: Iterable[Ways]) -> None:
        self._by_word: Final[dict[str, list[tuple[frozenset[str], ...]]]] = {}
        stems: dict[str, None] = {}
        for one in (way for each in several for way in each.read):
            choices = [frozenset(one.keys), *one.others]
            rarest, *others = sorted(choices, key=lambda words: sum(map(_how_often, words)))
            signs = tuple(_hints(words) for words in others if not any(map(_is_stem, words)))
            for key in rarest:
                words = frozenset((key,))
                if _is_stem(key):
                    stem = key.removesuffix("*")
                    stems[_longest_run(stem)] = None
                    words = frozenset(word for word in _SHORT_RUNS if word.startswith(stem))
                for hint in _hints(words):
                    self._by_word.setdefault(hint, []).append(signs)
        self._words: Final = frozenset(self._by_word)
        self._stems: Final = tuple(stems)

    def are_among(self, runs: Sequence[str]) -> bool:
        """Say whether any of the ways may be in a text that has these `letter_runs`, be it `written_out` or not.

        A False is certain, also for what is left of the text when some of it is taken out.
        """
        if not self._words.isdisjoint(runs):
            said = frozenset(runs)
            for word in self._words & said:
                for others in self._by_word[word]:
                    for choice in others:
                        if choice.isdisjoint(said):
                            break
                    else:
                        return True
        plain = " ".join(runs)
        for stem in self._stems:  # noqa: SIM110  (a generator costs more than all the searches)
            if stem in plain:
                return True
        return False


@lru_cache(4096)  # the packaged rules have 500 choices, many of them the same
def _hints(words: frozenset[str]) -> frozenset[str]:
    """Return runs of letters: whatever is written out to one of `words` has one of them between its marks."""
    runs = [word if word.isalpha() else _longest_run(word) for word in words]
    hints = {*runs, *[f"{run}n" for run in runs]}  # "needn't" is "need not"
    return frozenset(hints.union(*[_SHORT_RUNS[word] for word in words if word in _SHORT_RUNS]))


def _longest_run(word: str) -> str:
    return max(word.split("'"), key=len)


def _how_often(word: str) -> float:
    """Guess how often a word is said, to tell a rare one."""
    return (9 if word.upper() in FUNCTION_WORDS else 1) * 1.5 ** -len(word)


def _short_runs() -> dict[str, set[str]]:
    """Return a run of letters of each short form by the words of its long form."""
    runs: dict[str, set[str]] = {}
    endings = ((ending.rpartition("'")[2], long) for ending, long in _ENDINGS)
    for short, long in (*_LONG.items(), *endings, ("s", "is")):
        for word in long.split():
            runs.setdefault(word, set()).add(_longest_run(short))
    return runs


_SHORT_RUNS: Final = _short_runs()


@lru_cache(4096)  # the packaged rules are 250
def _compiled(expression: str) -> re.Pattern[str]:
    """Compile what `_read` made, when it is first tried: all at once is a tenth of a second, and most are never."""
    return re.compile(f"(?<= )(?:{expression})")


def check(way: str) -> None:
    """Raise ValueError if `way` cannot be read; the message says why."""
    _read(way)


def _read(way: str) -> _Way:
    pieces: list[str] = []
    choices: list[list[str]] = []
    gaps = perhaps = 0
    for match in _PART.finditer(way):
        if match[0] == "...":
            gaps += 1
            pieces.append(_GAP)
        elif match["maybe"] is not None:
            perhaps += 1
            pieces.append(f"(?:{_either(_choices(match['maybe'], way))})?")
        else:
            choices.append(_choices(match["must"] or match[0], way))
            pieces.append(_either(choices[-1]))
    if not choices:
        raise ValueError(f'"{way}" has no word that must be there')
    if gaps > _MAX_GAPS or perhaps > _MAX_PERHAPS:
        raise ValueError(f'"{way}" has more than {_MAX_GAPS} gaps or {_MAX_PERHAPS} words that may be missing')
    if _GAP in (pieces[0], pieces[-1]):
        raise ValueError(f'"{way}" has a gap at its edge, which changes nothing')
    if _PART.sub("", way).strip():
        raise ValueError(f'"{way}" has a bracket too many, or one too few')
    keys = [tuple(max(word.split(), key=len) for word in words) for words in choices]
    # The longer a word, the rarer.
    rarest = max(keys, key=lambda words: min(map(len, words)))
    others = (frozenset(words) for words in keys if words is not rarest and not any(map(_is_stem, words)))
    return _Way("".join(pieces), rarest, tuple(others))


def _is_stem(word: str) -> bool:
    return word.endswith("*")


def _choices(words: str, way: str) -> list[str]:
    """Return the words of `a|b*`, written out."""
    found = []
    for word in words.split("|"):
        is_plain = word.isascii() and word.isalpha() and word.islower() and word not in _SHORT  # as nearly all are
        long = word if is_plain else written_out(word).strip()
        if not long:
            raise ValueError(f'"{way}" has an empty choice')
        found.append(long + "*" * word.endswith("*"))
    return found


def _either(words: Sequence[str]) -> str:
    ways = (word + " " if word.isalpha() else _pattern(word) for word in words)
    return f"(?:{'|'.join(ways)})"


def _pattern(word: str) -> str:
    return re.escape(word.removesuffix("*")) + (r"\S* " if _is_stem(word) else " ")
