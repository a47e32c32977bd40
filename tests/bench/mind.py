"""What ELIZA costs: `python -m tests.bench.mind`. From an utterance to the chunks of its reply, in spoken mode.

Everyday talk is the utterances of the tests' table; hostile talk is made to be slow. CPU time of this process, the best
of several rounds, since the machine may be doing other things.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from elizad.eliza import Eliza
from elizad.mind import make_eliza
from elizad.speech.chunks import split_chunks

TABLE = Path(__file__).parents[1] / "unit" / "utterances" / "doctor.txt"
LIMIT = 2000  # characters of an utterance that ELIZA hears
HOSTILE = {
    "one letter, many times": "a " * LIMIT,
    "pronouns": "you i " * LIMIT,
    "every clause a memory": "my mother, " * LIMIT,
    "one long word": "x" * LIMIT,
    "signs": "(*&^ " * LIMIT,
    "marks": ", . " * LIMIT,
    "many keywords": "mother you i feel sad because of the dream " * LIMIT,
    "keywords that give up": "perhaps if what how " * LIMIT,
    "numbers": "I owe 3.5% of $120 on 21/11/2026 " * LIMIT,
    "fractions": "½" * LIMIT,
}


def best(work: Callable[[], object], rounds: int) -> float:
    """Return the CPU seconds of the quickest round."""
    quickest = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        quickest = min(quickest, time.process_time() - start)
    return quickest


def utterances() -> list[str]:
    """Return what callers say in the table."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and line != "-" and not line[0].isspace() and not line.startswith("#")]


def one_call(eliza: Eliza, said: list[str]) -> None:
    """Answer everything that was said, as one conversation."""
    state = eliza.start()
    for text in said:
        state, reply = eliza.reply(state, text[:LIMIT])
        split_chunks(reply, "sentence")


def main() -> None:
    """Measure and print."""
    eliza = make_eliza("doctor", "spoken")
    said = utterances()
    one_call(eliza, said)
    table = Table("talk", "each", "a second", title="an utterance to the chunks of its reply")
    seconds = best(lambda: one_call(eliza, said), 40) / len(said)
    table.add_row(f"everyday, {len(said)} utterances", f"{seconds * 1e6:.1f} µs", f"{1 / seconds:,.0f}")
    for name, text in HOSTILE.items():
        one_call(eliza, [text])
        seconds = best(lambda text=text: one_call(eliza, [text]), 7)  # type: ignore[misc]
        table.add_row(name, f"{seconds * 1e3:.2f} ms", f"{1 / seconds:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
