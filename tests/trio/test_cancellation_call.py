"""A whole call cancelled after every single step that is taken: no torn frame, no task left, nothing half kept.

From the first byte to the store: the front door, a platform's adapter, the conversation, a session, and in one case a
responder in ELIZA's place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import trio
import trio.testing

from elizad import Turn
from elizad.conversation.conversation import Manner
from elizad.eliza import Eliza
from elizad.net.admission import Route
from elizad.net.guard import serve_connection
from elizad.net.heartbeat import Heartbeat
from elizad.net.limits import Limits
from elizad.net.tally import Tally
from elizad.protocols.catalogue import catalogue
from elizad.protocols.retell import RetellOptions
from elizad.service.kept import digest_of
from elizad.service.responder import Borrowed
from elizad.service.sessions import Durability
from elizad.service.switchboard import Switchboard
from elizad.service.voice import Voice
from tests.support.calls import SCRIPT
from tests.support.kept import Disk, growing, opened, time_s
from tests.support.peers import CLOSE, TEXT, frame, frames_in, request
from tests.trio.test_cancellation_net import CancelAfter, is_made_of

TURNS = ("my boat", "my dog", "i need long words")
ELIZA = Eliza(SCRIPT, max_steps=1000)


class Responder:
    """Says two sentences, slowly; `begun` and `ended` must be the same in the end."""

    def __init__(self) -> None:
        self.begun = self.ended = 0

    async def respond(self, turn: Turn) -> AsyncIterator[str]:
        self.begun += 1
        try:
            turn.session.data["turns"] = self.begun
            yield f"You said {turn.utterance}. "
            await trio.sleep(0.01)
            yield "Go on."
        finally:
            self.ended += 1


async def converse(stream: trio.abc.Stream, received: bytearray, turns: tuple[str, ...]) -> None:
    """A client that says everything at once, every turn over the reply to the one before, and then goodbye."""

    async def read() -> None:
        try:
            while part := await stream.receive_some(50):
                received.extend(part)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        try:
            await stream.send_all(request("/llm"))
            for payload in growing(*turns):
                await stream.send_all(frame(TEXT, payload.encode()))
                await trio.sleep(0.005)
            await trio.sleep(5)
            await stream.send_all(frame(CLOSE, b"\x03\xe8"))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass


def run(
    steps: int | None, responder: Responder | None, durability: Durability, turns: tuple[str, ...] = TURNS
) -> tuple[bytes, int]:
    """One call, cancelled after so many steps of the loop; what the client got, and how many steps there were."""
    instrument = CancelAfter(steps)
    received = bytearray()

    async def main() -> None:
        near, far = trio.testing.memory_stream_pair()
        heartbeat, tally = Heartbeat(ping_interval_s=20, ping_timeout_s=20), Tally()
        async with opened(durability, disk=Disk(time_s), eliza=ELIZA) as node:
            borrowed = None if responder is None else Borrowed(responder.respond)
            voice = Voice(ELIZA, Manner(), catalogue(RetellOptions()), borrowed=borrowed)
            switchboard = Switchboard(lambda: voice, node.sessions)
            tasks = trio.lowlevel.current_statistics().tasks_living
            async with trio.open_nursery() as nursery:
                nursery.start_soon(converse, far, received, turns)
                with instrument.scope:
                    await serve_connection(
                        near,
                        switchboard.answer,
                        routes=[Route("hume", "/llm")],
                        limits=Limits(),
                        heartbeat=heartbeat,
                        tally=tally,
                    )
            assert trio.lowlevel.current_statistics().tasks_living == tasks
            assert (len(heartbeat), len(switchboard.registry), tally.bugs) == (0, 0, 0)
            assert not switchboard.meter.live["hume"]
            await node.sessions.flush()
            kept = await node.disk.kept()
        if kept is not None:
            state = ELIZA.start()
            for text in turns[: kept.turns]:
                state, _ = ELIZA.reply(state, text)
            assert (kept.state, kept.digest) == (state, digest_of(turns[: kept.turns]))
        if responder is not None:
            assert responder.begun == responder.ended

    trio.run(main, instruments=[instrument], clock=trio.testing.MockClock(autojump_threshold=0))
    return bytes(received), instrument.steps


def check_every_step(*, with_responder: bool, durability: Durability) -> None:
    def responder() -> Responder | None:
        return Responder() if with_responder else None

    whole, steps = run(None, responder(), durability)
    head = whole[: whole.index(b"\r\n\r\n") + 4]
    assert head.startswith(b"HTTP/1.1 101 ")
    sayable = [frame(CLOSE, b"\x03\xe8", masked=False)]
    for end in range(1, len(TURNS) + 1):
        alone, _ = run(None, responder(), durability, TURNS[:end])
        sayable += [frame(code, text, masked=False) for code, text in frames_in(alone[len(head) :]) if code == TEXT]
    assert is_made_of(sayable, whole[len(head) :])
    assert steps > 60
    outcomes = set()
    for step in range(steps):
        got, _ = run(step, responder(), durability)
        outcomes.add(got)
        assert head.startswith(got[: len(head)])
        assert is_made_of(sayable, got[len(head) :]), f"cancelled after {step} steps the client got {got!r}"
    assert len(outcomes) > 3


def test_eliza_with_a_session_that_is_written_behind() -> None:
    check_every_step(with_responder=False, durability="relaxed")


def test_eliza_with_a_session_that_every_turn_waits_for() -> None:
    check_every_step(with_responder=False, durability="turn")


def test_a_responder() -> None:
    check_every_step(with_responder=True, durability="relaxed")
