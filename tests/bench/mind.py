"""What ELIZA costs: `python -m tests.bench.mind`. From an utterance to the chunks of its reply, in spoken mode.

Everyday talk is the utterances of the tests' table. It is measured as it stands, and with every word that the script
does not listen for replaced by an invented one, another in each round, so that nothing was ever heard before. Hostile
talk is made to be slow. "Guided" is the same with what stands round ELIZA in the daemon: safety, rules of the house
and words never said.

CPU time of this process. The machine may be doing other things, so talk is measured a few utterances at a time, and
the quickest round of each few counts.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from elizad.conversation.hush import Hush
from elizad.conversation.safety import Safety
from elizad.conversation.steering import Rule, Steering, TurnContext
from elizad.eliza import Eliza, State
from elizad.mind import make_eliza
from elizad.speech.chunks import split_chunks
from elizad.speech.everyday import FUNCTION_WORDS

TABLE = Path(__file__).parents[1] / "unit" / "utterances" / "doctor.txt"
LIMIT = 2000  # characters of an utterance that ELIZA hears
ROUNDS = 150
AT_ONCE = 8  # utterances between two looks at the clock: half a millisecond, in which little else can happen
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
    "words of danger": "i want to feel like i could have killed myself to be dead " * LIMIT,
    "signs of rules": "my name a refund speak to ... cancel my " * LIMIT,
}
RULES = (
    Rule(words=("refund", "money back", "cancel (my) booking|order"), say="I will note that for the house."),
    Rule(words=("speak|talk to ... human|person|someone",), say="I'll ask someone to call you.", limit=1),
    Rule(pattern=r"my name is (?P<name>\w+)", say="Hello, {name}.", then="go_on", limit=1),
)
NEVER_SAID = ("damn", "bloody hell")

Answer = Callable[[State, str], State]


def utterances() -> list[str]:
    """Return what callers say in the table."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and line != "-" and not line[0].isspace() and not line.startswith("#")]


def invented() -> Iterator[str]:
    """Yield words that nobody has said before, each once."""
    for syllables in itertools.product(("dor", "vim", "bal", "gus", "tep", "lon", "kir"), repeat=8):
        yield "".join(syllables)


def unheard(eliza: Eliza, said: list[str]) -> Callable[[], list[str]]:
    """Return what makes a round of `said` that keeps its words for the script and no other."""
    patterns = [one.decomposition for rule in eliza.script.all_rules for one in rule.transformations]
    kept = FUNCTION_WORDS.union(
        eliza.script.rules,
        *(words for one in patterns for words in one.needs),
    )
    words = invented()

    def other(found: re.Match[str]) -> str:
        return found[0] if found[0].upper() in kept else next(words)

    def round_of_talk() -> list[str]:
        changed = (re.sub(r"[^\W\d_][\w']*", other, text) for text in said)
        return [text if text not in said else f"{text.rstrip('.?!')} {next(words)}" for text in changed]

    return round_of_talk


def alone(eliza: Eliza) -> Answer:
    """ELIZA and nothing else."""

    def answer(state: State, text: str) -> State:
        state, reply = eliza.reply(state, text[:LIMIT])
        split_chunks(reply, "sentence")
        return state

    return answer


def guided(eliza: Eliza) -> Answer:
    """ELIZA with what stands round it in the daemon."""
    steering, hush = Steering(RULES, Safety()), Hush(NEVER_SAID)

    def answer(state: State, text: str) -> State:
        text = text[:LIMIT]
        decision = steering.look(TurnContext(text, turn=2, platform="hume"))
        reply = ""
        if decision is None or decision.then == "go_on":
            state, reply = eliza.reply(state, text)
        split_chunks(hush(f"{decision.say} {reply}".strip() if decision else reply), "sentence")
        return state

    return answer


def cost(eliza: Eliza, answer: Answer, talk: Callable[[], list[str]]) -> float:
    """Return the CPU seconds of an utterance of `talk`, answered as one conversation."""
    quickest: dict[int, float] = {}
    for _ in range(ROUNDS):
        said = talk()
        state = eliza.start()
        for at in range(0, len(said), AT_ONCE):
            some = said[at : at + AT_ONCE]
            start = time.process_time()
            for text in some:
                state = answer(state, text)
            taken = time.process_time() - start
            quickest[at] = min(quickest.get(at, taken), taken)
    return sum(quickest.values()) / len(said)


def main() -> None:
    """Measure and print."""
    eliza = make_eliza("doctor", "spoken")
    said = utterances()
    talks: dict[str, Callable[[], list[str]]] = {
        f"everyday, {len(said)} utterances": lambda: said,
        "everyday, never heard before": unheard(eliza, said),
    }
    talks |= {name: lambda text=text: [text] for name, text in HOSTILE.items()}  # type: ignore[misc]
    table = Table("talk", "alone", "a second", "guided", "a second", title="an utterance to the chunks of its reply")
    for name, talk in talks.items():
        costs = [cost(eliza, make(eliza), talk) for make in (alone, guided)]
        table.add_row(name, *(cell for each in costs for cell in (f"{each * 1e6:,.1f} µs", f"{1 / each:,.0f}")))
    Console().print(table)


if __name__ == "__main__":
    main()
