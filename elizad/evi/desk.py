"""Answers each chat with EVI: what its address asks for, who answers in it, a line when it opens and one at its end."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

import trio

from elizad.conversation.conversation import Conversation, Place
from elizad.evi.call import Call
from elizad.evi.ear import Hearing
from elizad.evi.mouth import Mouth
from elizad.evi.outside import Outside, Report
from elizad.evi.profile import HARD_STOP_S, Profile
from elizad.evi.record import Record
from elizad.evi.sitting import Sitting, new_id
from elizad.evi.turns import Turns
from elizad.evi.ways import PLATFORM
from elizad.net.dial import parse_url
from elizad.net.guard import Request
from elizad.net.ws import WebSocket
from elizad.protocols.evi.chat import Chat
from elizad.protocols.evi.incoming import EviProblem, Tool
from elizad.protocols.evi.outgoing import Writer
from elizad.protocols.evi.query import Wanted, read_query
from elizad.service.ending import Ending
from elizad.service.meter import Meter
from elizad.service.registry import Registry
from elizad.service.responder import Borrowed, Mind, Patience
from elizad.service.session import OpenSession, Session, for_log
from elizad.service.sessions import Sessions
from elizad.service.voice import Voice
from elizad.store.api import Key
from elizad.types import CloseCode

log = logging.getLogger("elizad.evi")

_LEAST_S: Final = 600.0
"""A chat that is shorter at most has no room for words about its time: whoever sets so little is trying something."""

_OUTSIDE: Final = Patience(first_text_s=10.0, turn_s=60.0, holding="")
"""With somebody's own language model: Hume puts no words into its mouth, and gives it time."""


class Desk:
    """Answers each chat with what `voice` returns when it opens."""

    def __init__(
        self,
        voice: Callable[[], Voice],
        find: Callable[[str | None, int | None], Awaitable[Profile]],
        open_chat: Callable[[Profile, str | None], Awaitable[Record]],
        registry: Registry,
        meter: Meter,
        sessions: Sessions | None = None,
        mouth: Callable[[], Mouth | None] = lambda: None,
        hearing: Callable[[], Hearing | None] = lambda: None,
    ) -> None:
        """`find` looks up the profile of a config, `open_chat` begins the record of a chat; both raise EviProblem."""
        self._voice = voice
        self._find = find
        self._open_chat = open_chat
        self._registry = registry
        self._meter = meter
        self._sessions = sessions
        self._mouth = mouth
        self._hearing = hearing

    async def answer(self, socket: WebSocket, request: Request) -> None:
        """Hold one chat. Cancelling: ends it without a goodbye."""
        socket.expect_sound()
        wanted = read_query(request.query)
        writer = Writer(new_id())
        opened = trio.current_time()
        fields: dict[str, object] = {"conn": request.conn, "proto": PLATFORM, "peer": request.peer}
        log.info("call opened", extra={"fields": fields})
        call, ending = None, Ending(CloseCode.ABNORMAL, "cancelled")
        self._meter.calls[PLATFORM] += 1
        self._meter.live[PLATFORM] += 1
        try:
            try:
                call = await self._prepare(wanted, writer, socket, request.conn, opened)
            except EviProblem as problem:
                ending = Ending(CloseCode.NORMAL, problem.slug)
                await socket.send([writer.error(problem)])
                await socket.close(ending.code, problem.slug)
            else:
                with self._registry.entered(call):
                    await call.run()
        finally:
            self._meter.live[PLATFORM] -= 1
            turns = 0
            if call is not None:
                turns, ending = call.turns, call.ending or ending
                if call.session is not None:
                    fields["session"] = for_log(call.session)
            fields |= {
                "turns": turns,
                "seconds": round(trio.current_time() - opened, 1),
                "code": ending.code,
                "why": ending.why,
                "bytes_in": socket.bytes_in,
                "bytes_out": socket.bytes_out,
            }
            log.info("call closed", extra={"fields": fields})

    async def _prepare(self, wanted: Wanted, writer: Writer, socket: WebSocket, conn: str, opened: float) -> Call:
        """Return the chat that is asked for. Raises: EviProblem."""
        profile = await self._find(wanted.config_id, wanted.config_version)
        record = await self._open_chat(profile, wanted.resumed_chat_group_id)
        earlier = record.earlier if wanted.event_limit is None else record.earlier[-max(wanted.event_limit, 1) :]
        chat = Chat(earlier, [Tool(name, "builtin") for name in profile.builtin_tools])
        chat.system_prompt, chat.voice_id = profile.system_prompt, wanted.voice_id or ""
        problem = wanted.problem
        try:
            chat.apply(wanted.settings)
        except EviProblem as error:
            problem = error
        writer.session = chat.session
        voice, sessions = self._voice(), self._sessions
        eliza = voice.scripts.get(profile.script, voice.eliza)
        borrowed = None if profile.script else voice.borrowed
        outside = None
        if profile.custom_language_model:
            url = profile.custom_language_model
            report = Report(lambda why: call.tell(_not_reached(why)), lambda session: call.name(session))
            outside = Outside(_shown(url), parse_url(url), opened, report, conn)
            borrowed = Borrowed(outside.respond, _OUTSIDE)
        longest_s = min(profile.max_duration_s or HARD_STOP_S, HARD_STOP_S)
        place = Place(PLATFORM, longest_s if longest_s >= _LEAST_S else None, has_tools=True)
        conversation = Conversation(eliza, voice.manner, voice.guide, place, delegates=borrowed is not None)

        def open_session(id: str, notice: Callable[[], None]) -> Session:
            assert sessions is not None
            return Session(sessions, Key(PLATFORM, id), eliza, notice)

        opener: OpenSession | None = None if sessions is None else open_session
        call = Call(
            socket,
            Sitting(chat, record, writer, self._meter, conn, opened),
            profile,
            Turns(conversation, record.chat_group_id, self._meter, conn, opener),
            self._mouth(),
            None if borrowed is None else Mind(borrowed, "sentence", conversation.polish, conn),
            self._hearing(),
            verbose=wanted.verbose_transcription,
        )
        if outside is not None:
            call.beside.append(outside.run)
        if problem is not None:
            call.complain(problem)
        return call


def _shown(url: str) -> str:
    """Return as much of an address as a client may see: what follows the host may hold a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _not_reached(why: str) -> EviProblem:
    return EviProblem("E0712", "custom_language_model_timed_out", why)
