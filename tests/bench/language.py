"""Which words follow which, for the listener: fitted to what people say to somebody who listens.

pocketsphinx's own model knows the language of news and books. This one is made of everyday.txt, and takes from that one
how frequent all other words are that are common or that a script looks for. It is smaller: decoding costs a quarter,
and understands more (python -m tests.bench.hearing).

    python -m tests.bench.language

writes it to where the listener takes it from. Do so after a change of everyday.txt, or of many words of a script.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pocketsphinx import Config, LogMath, NGramModel, get_model_path

from elizad.eliza import scripts
from elizad.evi.listener import MODEL
from elizad.speech.everyday import EVERYDAY

_COMMON: Final = 3e-5  # how frequent a word is at least that nobody but the general model asks for: some 3000 are
_PAIRED: Final = 1500  # the most frequent words, whose pairs are looked up in the general model
_TELLING: Final = 3.0  # how much more probable a word must be behind another for the pair to be kept
_PROBABLE: Final = 1e-3  # and how probable
_OWN: Final = 0.5  # the share of the sentences in what is probable
_UNIT: Final = math.log(1.0001)  # sphinxbase's logarithms are to this base
_TIMES: Final = 4  # as many sentences of a line as the longest of its lists has words, times this
_CHOICE: Final = re.compile(r"\(([^()]*)\)")
_NAME: Final = re.compile(r"\$(\w+)")
_SHORTER: Final = tuple(
    (re.compile(rf"\b{long}\b"), short)
    for long, short in (
        ("i am", "i'm"),
        ("you are", "you're"),
        ("it is", "it's"),
        ("that is", "that's"),
        ("what is", "what's"),
        ("he is", "he's"),
        ("she is", "she's"),
        ("they are", "they're"),
        ("we are", "we're"),
        ("i have", "i've"),
        ("do not", "don't"),
        ("i will", "i'll"),
        ("i would", "i'd"),
    )
)


def sentences() -> Iterator[str]:
    """Yield sentences of which the model is made, the same each time; half of them as people shorten them."""
    chance = random.Random(1966)
    lists: dict[str, list[str]] = {}
    for line in (Path(__file__).parent / "everyday.txt").read_text("utf-8").splitlines():
        if line.startswith("$") and " = " in line:
            name, _, words = line.partition(" = ")
            lists[name[1:]] = [word.strip() for word in words.split("|")]
        elif line and not line.startswith("#"):
            for _ in range(_times(line, lists)):
                sentence = _filled(line, lists, chance)
                if chance.random() < 0.5:
                    for long, short in _SHORTER:
                        sentence = long.sub(short, sentence)
                yield sentence


def _times(line: str, lists: dict[str, list[str]]) -> int:
    counts = [choice.count("|") + 1 for choice in _CHOICE.findall(line)]
    counts += [len(lists[name]) for name in _NAME.findall(line)]
    return max(counts) * _TIMES if counts else 1


def _filled(line: str, lists: dict[str, list[str]], chance: random.Random) -> str:
    line = _CHOICE.sub(lambda found: chance.choice(found[1].split("|")), line)
    line = _NAME.sub(lambda found: chance.choice(lists[found[1]]), line)
    return " ".join(line.split())


class _General:
    """pocketsphinx's own model."""

    def __init__(self) -> None:
        self._model = NGramModel(Config(), LogMath(), get_model_path("en-us/en-us.lm.bin"))

    def probability(self, word: str, *before: str) -> float:
        """Return the probability of a word behind others; of those the nearest comes first."""
        return math.exp(self._model.prob([word, *before]) * _UNIT)


def write_model(path: Path) -> None:
    """Write the model to a file, in the ARPA format that pocketsphinx reads.

    What is probable is the mean of what it is in the sentences and in the general model.
    """
    counts = Counter[tuple[str, ...]]()
    for sentence in sentences():
        words = ("<s>", *sentence.split(), "</s>")
        for length in (1, 2, 3):
            counts.update(words[at : at + length] for at in range(len(words) - length + 1))
    one, two, three = _probabilities(counts, _General())
    two_after, three_after = _by_context(two), _by_context(three)

    def backoff(context: tuple[str, ...], after: dict[tuple[str, ...], list[str]]) -> float:
        if context not in after:
            return 1.0
        stored = sum((two if len(context) == 1 else three)[*context, word] for word in after[context])
        shorter = sum(lower(context[1:], word) for word in after[context])
        return max(1 - stored, 1e-4) / max(1 - shorter, 1e-4)

    def lower(context: tuple[str, ...], word: str) -> float:
        if not context:
            return one[word,]
        return two.get((*context, word)) or backs[context] * one[word,]

    backs = {words: backoff(words, two_after) for words in one}
    backs_of_two = {words: backoff(words, three_after) for words in two}
    with path.open("w", encoding="utf-8") as file:
        print("\\data\\", *(f"ngram {n}={len(x)}" for n, x in enumerate((one, two, three), 1)), sep="\n", file=file)
        for length, (grams, behind) in enumerate(((one, backs), (two, backs_of_two), (three, {})), 1):
            print(f"\n\\{length}-grams:", file=file)
            for words, probability in sorted(grams.items()):
                back = f" {math.log10(behind[words]):.3f}" if length < 3 else ""
                print(f"{math.log10(probability):.3f} {' '.join(words)}{back}", file=file)
        print("\n\\end\\", file=file)


_Grams = dict[tuple[str, ...], float]


def _probabilities(counts: Counter[tuple[str, ...]], general: _General) -> tuple[_Grams, _Grams, _Grams]:
    """Return the probabilities of words, of words behind one other, and behind two others."""
    total = sum(count for words, count in counts.items() if len(words) == 1)
    wanted = {word.lower() for word in EVERYDAY} | _looked_for()
    frequent = {word: general.probability(word) for word in _sayable()}
    known = {word for word, p in frequent.items() if p >= _COMMON or (word in wanted and p > 0)}
    known |= {words[0] for words in counts if len(words) == 1}
    one = {(word,): _mean(counts[word,] / total, general.probability(word)) for word in sorted(known)}
    common = sorted(known & frequent.keys(), key=lambda word: -frequent[word])[:_PAIRED]
    two: _Grams = {}
    for first in ("<s>", *common):
        for second in ("</s>", *common):
            probability = general.probability(second, first)
            if probability > _TELLING * general.probability(second) and probability > _PROBABLE:
                two[first, second] = 0.0
    two |= {words: 0.0 for words in counts if len(words) == 2}
    for first, second in two:
        own = counts[first, second] / counts[first,] if counts[first,] else None
        two[first, second] = _mean(own, general.probability(second, first))
    three = {
        words: _mean(count / counts[words[:2]], general.probability(*reversed(words)))
        for words, count in counts.items()
        if len(words) == 3
    }
    return one, two, three


def _mean(own: float | None, general: float) -> float:
    return general if own is None else _OWN * own + (1 - _OWN) * general


def _by_context(grams: _Grams) -> dict[tuple[str, ...], list[str]]:
    after: dict[tuple[str, ...], list[str]] = {}
    for words in grams:
        after.setdefault(words[:-1], []).append(words[-1])
    return after


def _sayable() -> set[str]:
    """Return the words of pocketsphinx's dictionary."""
    lines = Path(get_model_path("en-us/cmudict-en-us.dict")).read_text("utf-8").splitlines()
    return {line.split(" ", 1)[0] for line in lines if "(" not in line}


def _looked_for() -> set[str]:
    """Return the words of the packaged scripts."""
    return {word for name in scripts.names() for word in re.findall(r"[a-z']+", scripts.read(name).lower())}


if __name__ == "__main__":
    write_model(MODEL)
