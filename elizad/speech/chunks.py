"""A reply cut into chunks that a speech synthesiser can say one by one, where a speaker would breathe.

Pure text: nothing here knows when a chunk is sent, or to whom.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterable
from itertools import pairwise
from typing import Final, Literal

from elizad.speech.abbreviations import MAY_END, NEVER_END

__all__ = ["FIRST_WORDS", "MAX_WORDS", "Unit", "split_chunks", "split_sentences"]

Unit = Literal["sentence", "clause", "word"]

MAX_WORDS: Final = 20  # about eight seconds of speech, as much as a speaker says on one breath
FIRST_WORDS: Final = 12  # the caller waits for the first chunk; an everyday question is about as long without a mark
_CLAUSE_WORDS: Final = 2  # one word alone ("Well,") would be said with the tune of a sentence: it joins its neighbour
_CUT_WORDS: Final = 3  # the least that a cut without any mark leaves on either side, so that no half breath is heard

# A mark, what closes after it, and white space. Nothing else can end a chunk.
_SENTENCE_MARK: Final = re.compile(r"[.!?…][\"'”’»)\]}]*\s+(?=\S)")
_CLAUSE_MARK: Final = re.compile(r"[.!?…,;:—–-][\"'”’»)\]}]*\s+(?=\S)")
_TOKEN: Final = re.compile(r"\s*\S+\s*")
_SPOKEN: Final = re.compile(r"\w\S*")  # what counts as a word: a dash or an emoji alone does not
_OPENERS: Final = "\"'“‘«([{"
_POINTED: Final = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]")  # e.g, U.S, Ph.D
_BEFORE_NUMBER: Final = frozenset({"no", "p", "pp", "fig"})  # abbreviations if a number follows
_POINTED_WORDS: Final = MAY_END | NEVER_END | _BEFORE_NUMBER | frozenset(string.ascii_lowercase)
_INITIAL: Final = re.compile(r"[^\W\d_]\.")
_BEFORE_POINT: Final = 24  # characters looked at before a point: longer than any abbreviation
# One or two sentences with nothing in them that could be mistaken for an end: the last word of the first, and the mark
# before the second. What may be missing is a choice of it or nothing, which is tried more quickly than a `?`.
_PLAIN: Final = re.compile(
    r"(?:[A-Za-z0-9 ,;:'-]* |)([A-Za-z0-9][A-Za-z0-9,;:'-]*+)(?:([.?!] )[A-Za-z0-9][A-Za-z0-9 ,;:'-]*+|)[.?!]*+"
)

# Where there is no mark, cut before a word that joins clauses (1), or else before one that joins phrases (2).
_JOINTS: Final = dict.fromkeys(
    [
        *("after", "although", "and", "because", "before", "but", "if", "or", "since", "so", "than", "that", "though"),
        *("unless", "until", "when", "whenever", "where", "whether", "which", "while", "who", "whose"),
    ],
    1,
) | dict.fromkeys(
    ["about", "as", "at", "by", "for", "from", "in", "into", "like", "of", "on", "over", "through", "to", "with"], 2
)


def split_chunks(reply: str, unit: Unit) -> list[str]:
    """Cut `reply` into chunks of about one `unit`; `"".join(chunks) == reply`.

    Every chunk holds a letter or a digit if the reply does, and white space stays at the end of the chunk before it;
    the empty reply gives []. Sentences and clauses of more than MAX_WORDS words are cut at their clauses or else at a
    word, and the first chunk has at most FIRST_WORDS, or its first clause, so that speech can start at once.
    """
    if unit == "sentence" and (plain := _PLAIN.fullmatch(reply)) is not None:
        # As most replies are: this is quicker than to search for all that may stand round a mark.
        spaces, border = reply.count(" "), plain.end(2)
        if border < 0:
            if spaces < FIRST_WORDS:
                return [reply]
        elif spaces < MAX_WORDS and plain[1].lower() not in _POINTED_WORDS:
            first = reply[:border]
            if spaces < FIRST_WORDS or not _is_longer(first, FIRST_WORDS):
                return [first, reply[border:]]
    if not reply or reply.isspace():
        return [reply] if reply else []
    if unit == "word":
        return _joined(_TOKEN.findall(reply))
    words = len(reply.split())
    pieces = _sentences(reply)
    if unit == "clause":
        pieces = [clause for sentence in pieces for clause in _clauses(sentence)]
    if words > FIRST_WORDS:
        if _is_longer(pieces[0], FIRST_WORDS):
            first = _cut(_clauses(pieces[0])[0], FIRST_WORDS)[0]
            pieces[:1] = first, pieces[0][len(first) :]
        if words > MAX_WORDS:
            pieces = [breath for piece in pieces for breath in _breaths(piece)]
    return pieces if len(pieces) == 1 or all(map(_SPOKEN.match, pieces)) else _joined(pieces)


def split_sentences(reply: str) -> list[str]:
    """Cut `reply` into whole sentences, however long; otherwise as `split_chunks` does."""
    if not reply or reply.isspace():
        return [reply] if reply else []
    return _joined(_sentences(reply))


def _sentences(text: str) -> list[str]:
    sentences = []
    start = 0
    for border in _SENTENCE_MARK.finditer(text):
        if _ends_sentence(text, border):
            end = border.end()
            sentences.append(text[start:end])
            start = end
    sentences.append(text[start:])
    return sentences


def _clauses(sentence: str) -> list[str]:
    """The clauses of one sentence, of at least _CLAUSE_WORDS each if the sentence has them."""
    cuts = []
    words = counted = 0  # words since the last cut, and up to where they are counted
    for border in _CLAUSE_MARK.finditer(sentence):
        end = border.end()
        words += len(_SPOKEN.findall(sentence, counted, end))
        counted = end
        if words >= _CLAUSE_WORDS and _pauses(sentence, border):
            cuts.append(end)
            words = 0
    if cuts and words + len(_SPOKEN.findall(sentence, counted)) < _CLAUSE_WORDS:
        cuts.pop()
    return _slices(sentence, cuts)


def _breaths(piece: str) -> list[str]:
    """`piece` in parts of at most MAX_WORDS: as many whole clauses as fit, and a longer clause cut at its words."""
    if not _is_longer(piece, MAX_WORDS):
        return [piece]
    cuts = []
    at = words = 0
    for part in (part for clause in _clauses(piece) for part in _cut(clause, MAX_WORDS)):
        count = len(part.split())
        if words and words + count > MAX_WORDS:
            cuts.append(at)
            words = 0
        words += count
        at += len(part)
    return _slices(piece, cuts)


def _cut(clause: str, limit: int) -> list[str]:
    """Cut a clause without marks into parts of at most `limit` words: about equal, and before words that join."""
    kinds = list(map(_JOINTS.get, clause.lower().split()))
    parts = []
    start = 0
    while (left := len(kinds) - start) > limit:
        stop = start + math.ceil(left / math.ceil(left / limit))
        reach = range(start + _CUT_WORDS, min(start + limit, len(kinds) - _CUT_WORDS) + 1)
        joints = [at for at in reach if kinds[at] and not kinds[at - 1]]  # "and when" and "through that" stay together
        if joints:
            stop = min(joints, key=lambda at: (kinds[at], abs(at - stop)))
        after = clause.split(None, stop - start)[-1]
        parts.append(clause.removesuffix(after))
        clause, start = after, stop
    return [*parts, clause]


def _ends_sentence(text: str, border: re.Match[str]) -> bool:
    point, after = border.start(), border.end()
    mark = text[point]
    if mark == ".":
        before = text[point - 1] if point else ""
        if before == ".":
            mark = "…"
        else:
            return not (before.isalpha() and _is_abbreviation(text, point, after))
    if mark == "…":
        return not text[after].islower()  # "Well... perhaps" goes on
    closed = not text[point + 1].isspace()
    return not (closed and text[after].islower())  # so does: "Why?" she said


def _is_abbreviation(text: str, point: int, after: int) -> bool:
    """Whether the point at `point` belongs to an abbreviation or an initial, so that the sentence goes on."""
    word = text[text.rfind(" ", 0, point) + 1 : point]
    if 1 < len(word) <= _BEFORE_POINT and word.isalpha() and word.lower() not in _POINTED_WORDS:
        return False  # as nearly always
    before = text[max(point - _BEFORE_POINT, 0) : point].split()
    word = before[-1].lstrip(_OPENERS)
    if len(word) == 1 and word.isupper():
        beside = _INITIAL.match(text, after) or (len(before) > 1 and _INITIAL.fullmatch(before[-2]))
        return word != "I" or bool(beside)  # "and so do I. Go on" ends; "I. M. Pei" does not
    word = word.lower()
    if word in MAY_END:
        return not text[after].isupper()
    if word in NEVER_END:
        return True
    if word in _BEFORE_NUMBER:
        return text[after].isdigit()
    return _POINTED.fullmatch(word) is not None


def _pauses(sentence: str, border: re.Match[str]) -> bool:
    """Whether a speaker would pause at a mark in the middle of a sentence."""
    start = border.start()
    mark, before = sentence[start], sentence[start - 1 : start]
    if mark == ".":
        return before == "."  # an ellipsis, not an abbreviation
    return mark != "-" or before == "-" or before.isspace()  # a dash, not "two- or three-year-old"


def _is_longer(text: str, words: int) -> bool:
    return len(text) > 2 * words and len(text.split()) > words  # the first test spares most texts the split


def _slices(text: str, cuts: list[int]) -> list[str]:
    return [text[start:end] for start, end in pairwise([0, *cuts, len(text)])] if cuts else [text]


def _joined(pieces: Iterable[str]) -> list[str]:
    """The same pieces, those without a letter or a digit (a dash, an emoji) joined to the one before."""
    chunks: list[str] = []
    held: list[str] = []
    spoken = False
    for piece in pieces:
        if _SPOKEN.search(piece):
            if spoken:
                chunks.append("".join(held))
                held.clear()
            spoken = True
        held.append(piece)
    return [*chunks, "".join(held)]
