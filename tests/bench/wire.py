"""What a turn of Hume's costs between the socket and the mind: `python -m tests.bench.wire`.

By how long the thread is: to take the message out of its frame, to read what is new in the payload, to answer, and to
write the reply; and beside it what reading all of the payload would cost, and taking the mask
off in Python. CPU time of this process, of each piece the least of several rounds: the machine may be doing other
things.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Final, TypeVar

from rich.console import Console
from rich.table import Table

from elizad.conversation.conversation import Conversation, Manner, Place, Turn
from elizad.conversation.events import TurnRequested
from elizad.eliza.expressions import NAMES
from elizad.mind import make_eliza
from elizad.net.frames import FrameReader
from elizad.net.mask import unmask_in_python
from elizad.protocols.hume_clm import HumeClm
from elizad.protocols.hume_thread import ThreadReader
from tests.bench.mind import utterances
from tests.support.peers import TEXT, frame

HISTORIES: Final = (0, 20, 100, 400)
ROUNDS: Final = 15
TURNS: Final = 6  # of a call that has so much behind it, each with one more utterance of either side

T = TypeVar("T")


def entry(number: int, words: str) -> dict[str, object]:
    """Return what Hume writes of one utterance; those of the caller have even numbers."""
    if number % 2:
        return {"type": "assistant_message", "message": {"role": "assistant", "content": words}, "time": None}
    scores = dict.fromkeys(NAMES, 0.001 * (number % 97) + 0.0123456789)
    time_ms = {"begin": number * 4000, "end": number * 4000 + 1500}
    message = {"role": "user", "content": words}
    return {"type": "user_message", "message": message, "models": {"prosody": {"scores": scores}}, "time": time_ms}


def payloads(history: int, said: list[str]) -> list[str]:
    """Return what Hume sends in a call that has so many utterances behind it."""
    # The newest words are the same however much lies behind them.
    entries = [entry(number, said[(number - history) % len(said)]) for number in range(history + 2 * TURNS)]
    ends = range(history + 1, history + 2 * TURNS, 2)
    return [json.dumps({"messages": entries[:end], "custom_session_id": "a-session"}) for end in ends]


class Stopwatch:
    """The least that each piece of work has taken, by its name and the number of its turn."""

    def __init__(self) -> None:
        self.least: dict[str, dict[int, float]] = {}

    def take(self, name: str, turn: int, work: Callable[..., T], *args: object) -> T:
        """Do the work and return what comes of it."""
        start = time.process_time()
        outcome = work(*args)
        took = time.process_time() - start
        known = self.least.setdefault(name, {})
        known[turn] = min(took, known.get(turn, took))
        return outcome

    def us(self, name: str) -> float:
        """Microseconds of a turn that is not the first."""
        later = [took for turn, took in self.least[name].items() if turn]
        return sum(later) / len(later) * 1e6


def one_call(watch: Stopwatch, texts: list[str], conversation: Conversation) -> None:
    """Answer all payloads of one connection."""
    frames, adapter = FrameReader(4 << 20), HumeClm()
    for number, text in enumerate(texts):
        data = frame(TEXT, text.encode())
        frames.feed(data)
        assert watch.take("frame", number, frames.next, 1) == text
        watch.take("mask in Python", number, unmask_in_python, data[8:], data[4:8])
        watch.take("all of it", number, ThreadReader().read, text)
        [event] = watch.take("what is new", number, adapter.receive, text)
        assert isinstance(event, TurnRequested)
        turn = watch.take("answer", number, answered, conversation, event)
        watch.take("reply", number, written, adapter, turn)


def written(adapter: HumeClm, turn: Turn) -> list[list[str]]:
    """Return the messages of a reply."""
    return [adapter.send(cue.commands) for cue in turn.cues]


def answered(conversation: Conversation, event: TurnRequested) -> Turn:
    """Take the turn, and whatever has to be replayed for it."""
    while (turn := conversation.on(event)) is None:
        pass
    return turn


def main() -> None:
    """Measure and print."""
    eliza, said = make_eliza("doctor", "spoken"), utterances()
    names = ("frame", "what is new", "answer", "reply", "all of it", "mask in Python")
    table = Table("history", "KiB", *names, title="microseconds a turn")
    for history in HISTORIES:
        watch, texts = Stopwatch(), payloads(history, said)
        for _ in range(ROUNDS):
            one_call(watch, texts, Conversation(eliza, Manner(), place=Place("hume", 1800.0)))
        figures = (f"{watch.us(name):.1f}" for name in names)
        table.add_row(str(history), f"{len(texts[-1]) / 1024:.0f}", *figures)
    Console().print(table)


if __name__ == "__main__":
    main()
