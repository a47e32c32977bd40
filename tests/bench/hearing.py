"""How much of what is said the listener understands: espeak-ng says it in several voices.

    python -m tests.bench.hearing [--show] [VOICE ...]

takes every third of the utterances of tests/unit/utterances/doctor.txt. Prints the word error rate: words wrong,
missing and too many, by words said. A language model made of everyday sentences took a third of the CPU; it was wrong
in 25% of the words of en-us+f2 and 39% of en-us, pocketsphinx's own, which the listener has, in 14% and 43%.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from elizad.evi import listener
from elizad.evi.sound import HEARD_RATE, Resampler, read_head

VOICES: Final = ("en-us", "en-us+f2", "en-us+m3", "en-gb")

_RATE: Final = 150  # words a minute, as people who dictate
_UTTERANCES: Final = Path(__file__).parents[1] / "unit" / "utterances" / "doctor.txt"


def main() -> None:
    parser = argparse.ArgumentParser(description="Word error rate on speech of espeak-ng")
    parser.add_argument("--show", action="store_true", help="print what was said and what was understood")
    parser.add_argument("voices", nargs="*", metavar="VOICE", help=f"voices of espeak-ng (default: {' '.join(VOICES)})")
    options = parser.parse_args()
    said = list(utterances())[::3]  # some 70
    print(f"{len(said)} utterances, {sum(len(text.split()) for text in said)} words, each voice says all of them")
    wrong = words = 0
    for voice in options.voices or VOICES:
        ear = listener.Listener(interim=False)
        of_voice = seconds = spent = 0.0
        for text in said:
            sound = speech(text, voice)
            seconds += len(sound) / 2 / HEARD_RATE
            began = time.process_time()
            lines = [*ear.feed(sound), *ear.end()]
            spent += time.process_time() - began
            heard = " ".join(line.split(" ", 3)[3] for line in lines if line.startswith("heard"))
            of_voice += distance(text.split(), heard.split())
            if options.show:
                print(f"  {text} | {heard}")
        count = sum(len(text.split()) for text in said)
        wrong, words = wrong + of_voice, words + count
        print(f"{voice:12} {of_voice / count:6.1%}   {spent / seconds:.2f} s of CPU for a second of sound", flush=True)
    print(f"{'all':12} {wrong / words:6.1%}   {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB")


def utterances() -> Iterator[str]:
    """Yield what is said, as words only, where that is how it would be spoken."""
    for line in _UTTERANCES.read_text("utf-8").splitlines():
        words = re.sub(r"[^a-z']+", " ", line.lower().replace("’", "'")).split()
        if not line.startswith((" ", "\t", "#", "-")) and 2 <= len(words) <= 14 and not re.search(r"\d", line):
            yield " ".join(words)


def speech(text: str, voice: str) -> bytes:
    """Return a text as samples at HEARD_RATE, half a second of silence before and behind."""
    command = ["espeak-ng", "-v", voice, "-s", str(_RATE), "--stdin", "--stdout"]
    made = subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout
    head = read_head(made)
    assert head is not None
    resampler = Resampler(head.rate, HEARD_RATE)
    pause = bytes(HEARD_RATE)
    return pause + resampler.feed(made[head.begin :]) + resampler.end() + pause


def distance(said: Sequence[str], heard: Sequence[str]) -> int:
    """Return how many words must be changed, added or left out to come from one to the other (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, 1):
        left, row[0] = row[0], number
        for at, other in enumerate(heard, 1):
            left, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, left + (word != other))
    return row[-1]


if __name__ == "__main__":
    main()
