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
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pocketsphinx import Config, LogMath, NGramModel, get_model_path
from pocketsphinx.lm import ArpaBoLM

from elizad.eliza import scripts
from elizad.evi.listener import MODEL
from elizad.speech.everyday import EVERYDAY

_COMMON: Final = 3e-5  # how frequent a word is at least that nobody but the general model asks for: some 3000 are
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


def write_model(path: Path) -> None:
    """Write the model to a file, in the ARPA format that pocketsphinx reads."""
    dictionary = Path(get_model_path("en-us/cmudict-en-us.dict")).read_text("utf-8")
    spoken = {line.split(" ", 1)[0] for line in dictionary.splitlines() if "(" not in line}
    general = NGramModel(Config(), LogMath(), get_model_path("en-us/en-us.lm.bin"))
    unit = math.log(1.0001)  # sphinxbase's logarithms are to this base
    model = ArpaBoLM(text="\n".join(sentences()), add_start=True)
    total = sum(model.grams_1.values())
    wanted = {word.lower() for word in EVERYDAY} | _looked_for()
    for word in sorted(spoken - model.grams_1.keys()):
        frequency = math.exp(general.prob([word]) * unit)
        if frequency >= _COMMON or (word in wanted and frequency > 0):
            model.grams_1[word] = total * frequency
    model.compute()
    with path.open("w") as file:
        model.write(file)


def _looked_for() -> set[str]:
    """Return the words of the packaged scripts."""
    return {word for name in scripts.names() for word in re.findall(r"[a-z']+", scripts.read(name).lower())}


if __name__ == "__main__":
    write_model(MODEL)
