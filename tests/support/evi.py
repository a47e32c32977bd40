"""A chat with EVI in memory: a real Call with a socket that is two lists, and a clock that tests wind on."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import trio
import trio.testing

from elizad.agent import Respond
from elizad.conversation.conversation import Conversation, Manner, Place
from elizad.conversation.guide import UNGUIDED, Guide
from elizad.eliza import Eliza
from elizad.eliza.diction import Diction
from elizad.evi.call import Call
from elizad.evi.ear import Ear, Hearing, NoEar, Sound
from elizad.evi.mouth import Mouth
from elizad.evi.profile import Profile
from elizad.evi.record import Unkept
from elizad.evi.sitting import Sitting
from elizad.evi.sound import silence, wav
from elizad.evi.turns import Turns
from elizad.evi.ways import PLATFORM
from elizad.protocols.evi.chat import Chat
from elizad.protocols.evi.incoming import Audio
from elizad.protocols.evi.outgoing import Writer
from elizad.service.meter import Meter
from elizad.service.responder import Borrowed, Mind, Patience
from elizad.service.session import OpenSession
from elizad.speech.spoken import Spoken
from elizad.types import Utterance
from tests.support.calls import SCRIPT, MemorySocket

TOOLS: Final = SCRIPT + "(WEATHER 9 ((0 WEATHER IN 1 0) (Let me see. It is [get_weather city: 4] there. And then?)))"
"""The script of these tests, with a rule that asks a tool."""


class Hum:
    """A mouth that says each text in `pieces` pieces of half a second."""

    def __init__(self, pieces: int = 4) -> None:
        self.pieces = pieces
        self.closed = 0
        self.voices: list[str] = []

    async def say(self, text: str, voice: str) -> AsyncGenerator[bytes, None]:
        self.voices.append(voice)
        try:
            for _ in range(self.pieces):
                await trio.lowlevel.checkpoint()
                yield wav(silence(0.5))
        finally:
            self.closed += 1


class Ears(Hearing):
    """Ears that hear what the test says they do; `fed` is all that they were given."""

    def __init__(self) -> None:
        super().__init__()
        self.fed: list[bytes] = []
        self.opened: list[tuple[Audio | None, int, bool]] = []
        self.closed = 0
        self.why = ""

    def open(self, first: bytes, audio: Audio | None, began_ms: int, *, interim: bool) -> Ear:
        if self.why:
            raise NoEar(self.why)
        self.opened.append((audio, began_ms, interim))
        self.hears, sounds = trio.open_memory_channel[Sound](100)
        fed = self.fed
        ears = self

        class One(Ear):
            def __init__(self) -> None:
                pass

            def feed(self, data: bytes) -> None:
                fed.append(data)

            async def run(self, put: Callable[[Sound], Awaitable[None]]) -> None:
                try:
                    async for sound in sounds:
                        await put(sound)
                finally:
                    ears.closed += 1

        return One()


class Notes(Unkept):
    """A record that tests can read: (role, type, text), and how it ended."""

    def __init__(self, earlier: Sequence[Utterance] = ()) -> None:
        super().__init__("group")
        self.earlier = earlier
        self.events: list[tuple[str, str, str | None]] = []
        self.status = ""

    def note(self, role: str, type: str, text: str | None = None, *, emotion: str | None = None, at_ms: int) -> None:
        assert at_ms > 1_700_000_000_000
        self.events.append((role, type, text))

    def end(self, status: str) -> None:
        assert not self.status
        self.status = status


class Client:
    """Plays the client of one chat."""

    def __init__(
        self,
        profile: Profile | None = None,
        *,
        script: str = SCRIPT,
        diction: Diction | None = None,
        mouth: Mouth | None = None,
        respond: Respond | None = None,
        guide: Guide = UNGUIDED,
        earlier: Sequence[Utterance] = (),
        open_session: OpenSession | None = None,
        patience: Patience | None = None,
        hearing: Hearing | None = None,
        verbose: bool = False,
    ) -> None:
        self.socket = MemorySocket()
        self.notes = Notes(earlier)
        self.meter = Meter()
        self.chat = Chat(earlier)
        self.profile = profile or Profile()
        borrowed = None if respond is None else Borrowed(respond, patience or Patience())
        conversation = Conversation(
            Eliza(script, diction or Spoken(), max_steps=1000),
            Manner(),
            guide,
            Place(PLATFORM, 1800.0, has_tools=True),
            delegates=borrowed is not None,
        )
        self.call = Call(
            self.socket,
            Sitting(self.chat, self.notes, Writer("request"), self.meter, "test", trio.current_time()),
            self.profile,
            Turns(conversation, "group", self.meter, "test", open_session),
            mouth,
            None if borrowed is None else Mind(borrowed, "sentence", conversation.polish, "test"),
            hearing,
            verbose=verbose,
        )

    def send(self, type: str, **fields: Any) -> None:
        self.socket.say(json.dumps({"type": type, **fields}))

    def say(self, text: str) -> None:
        self.send("user_input", text=text)

    @property
    def got(self) -> list[dict[str, Any]]:
        return [json.loads(frame) for frame in self.socket.frames]

    def timed(self) -> list[tuple[float, dict[str, Any]]]:
        return [(at, json.loads(frame)) for at, frames in self.socket.writes for frame in frames]

    @property
    def types(self) -> list[str]:
        """What has come, without the sound."""
        return [message["type"] for message in self.got if message["type"] != "audio_output"]

    @property
    def said(self) -> list[str]:
        """What we have said."""
        return [message["message"]["content"] for message in self.got if message["type"] == "assistant_message"]

    def of(self, type: str) -> list[dict[str, Any]]:
        return [message for message in self.got if message["type"] == type]

    async def settle(self, seconds: float = 0.0) -> None:
        """Let everything happen that happens within `seconds`."""
        await trio.sleep(seconds)
        await trio.testing.wait_all_tasks_blocked()


@asynccontextmanager
async def chatting(client: Client) -> AsyncIterator[Client]:
    """Run the chat; it is hung up at the end, if it has not ended by then."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.call.run)
        await client.settle()
        yield client
        client.socket.hang_up()
