"""Somebody's own custom language model, dialled as Hume would: one socket for the whole chat, one payload for a turn.

It stands in ELIZA's place as any responder does. The socket is opened at the first turn, and again at the next one if
it was lost. Whatever comes on it belongs to the newest payload: there are no turn numbers on that wire.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Final, NamedTuple

import msgspec
import trio

from elizad.agent import Turn
from elizad.errors import ElizadError
from elizad.net.dial import DialFailed, Place, dial
from elizad.net.errors import PeerClosed
from elizad.net.line import Binary, Closed, Line, Text
from elizad.protocols.hume_caller import assistant_element, payload, user_element
from elizad.protocols.hume_thread import GREETING_INSTRUCTION
from elizad.types import Role, Utterance

log = logging.getLogger("elizad.evi")

CONNECT_S: Final = 5.0  # to open the socket; Hume's own limit is not documented, and a caller waits no longer

_MOST_PIECES: Final = 1000  # of one reply that nobody has taken yet: a server that never ends is cut off

_CLOSE_S: Final = 1.0  # for the server's half of a close, at the end of the chat

_HEARD: Final = msgspec.json.Decoder(dict[str, object])


class OutsideFailed(ElizadError):
    """The server cannot be reached, or has left in the middle of a reply. The message is for whoever runs the chat."""


class Report(NamedTuple):
    """Whom to tell: `failed` that the server could not be reached, `named` which session it says this is."""

    failed: Callable[[str], None]
    named: Callable[[str], None]


class _Reply:
    """What the server says in one turn; `complete` once it has said that this is all."""

    def __init__(self) -> None:
        self.feed, self.pieces = trio.open_memory_channel[str](_MOST_PIECES)
        self.complete = False


class Outside:
    """The custom language model of one chat. `run` in the chat's nursery holds its socket; `respond` takes turns."""

    def __init__(self, url: str, place: Place, began: float, report: Report, conn: str) -> None:
        """`began` is when the chat began, in trio's time: the times of its messages count from there."""
        self._url = url
        self._place = place
        self._began = began
        self._report = report
        self._conn = conn
        self._wanted = trio.Event()
        self._line: Line | None = None
        self._settled = trio.Event()  # that the attempt to open the socket is over
        self._reply: _Reply | None = None  # of the turn that is being answered
        self._written: list[tuple[Utterance, msgspec.Raw]] = []  # the thread, encoded once

    async def run(self) -> None:
        """Hold the socket, from the first turn on. Returns never. Cancelling: closes it, in peace if that is quick."""
        while True:
            await self._wanted.wait()
            self._wanted, settled = trio.Event(), self._settled
            try:
                async with dial(self._place, open_timeout_s=CONNECT_S) as line:
                    self._line = line
                    settled.set()
                    try:
                        await self._listen(line)
                    finally:
                        self._line = None
                        self._end_turn()
                        await _part(line)
            except DialFailed as failure:
                fields = {"conn": self._conn, "kind": failure.kind}
                log.warning("custom language model not reached", extra={"fields": fields})
                late = failure.kind == "timeout"
                what = "timed out during connection attempt" if late else f"could not be reached ({failure.kind})"
                self._report.failed(f"Custom language model {self._url} {what}.")
                settled.set()

    async def respond(self, turn: Turn) -> AsyncGenerator[str, None]:
        """Ask for a turn and yield what the server says until it ends it. One at a time.

        Raises: OutsideFailed. Cancelling: what is left of the reply is not listened to.
        """
        message = payload(self._thread(turn), turn.session.id)
        used = self._line  # a server may have left since the last turn, and we learn of it only now
        silent = True
        while True:
            line = await self._open()
            reply = self._reply = _Reply()
            try:
                await line.send([message])
                async with reply.pieces:
                    async for text in reply.pieces:
                        silent = False
                        yield text
            except PeerClosed:
                pass
            finally:
                reply.feed.close()
                if self._reply is reply:
                    self._reply = None
            if reply.complete:
                return
            if line is not used or not silent:
                raise OutsideFailed(f"{self._url} did not finish its reply")
            if self._line is line:
                self._line = None  # it is being closed

    async def _open(self) -> Line:
        if self._line is None:
            self._settled = trio.Event()
            self._wanted.set()
            await self._settled.wait()
        if self._line is None:
            raise OutsideFailed(f"{self._url} cannot be reached")
        return self._line

    def _thread(self, turn: Turn) -> Sequence[msgspec.Raw]:
        """Return the transcript as Hume sends it; what was sent before is not encoded again."""
        said = [entry for entry in turn.transcript if entry.role is not Role.OTHER and entry.text]
        if not any(entry.role is Role.USER for entry in said):
            return [user_element(GREETING_INSTRUCTION, None, None)]
        same = 0
        for (entry, _), now in zip(self._written, said, strict=False):
            if entry != now:
                break
            same += 1
        del self._written[same:]
        at = math.floor((trio.current_time() - self._began) * 1000)
        for entry in said[same:]:
            if entry.role is Role.USER and entry is said[-1]:
                text = " ".join([entry.text, *(f"{{Context: {context}}}" for context in turn.context)])
                element = user_element(text, (at, at), turn.expressions or None)
            elif entry.role is Role.USER:
                element = user_element(entry.text, None, None)  # of an earlier chat: its times are not known
            else:
                element = assistant_element(entry.text)
            self._written.append((entry, element))
        return [element for _, element in self._written]

    async def _listen(self, line: Line) -> None:
        while not isinstance(frame := await line.receive(), Closed):
            if isinstance(frame, Text):
                self._understand(frame.text)
            elif isinstance(frame, Binary):
                self._ignore("a binary message")
        fields = {"conn": self._conn, "code": frame.code}
        log.info("custom language model has left", extra={"fields": fields})

    def _understand(self, text: str) -> None:
        try:
            message = _HEARD.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            self._ignore("a message that is no JSON object")
            return
        words, session = message.get("text"), message.get("custom_session_id")
        match message.get("type"):
            case "assistant_input" if isinstance(words, str):
                if isinstance(session, str) and session:
                    self._report.named(session)
                self._take(words)
            case "assistant_end":
                self._end_turn(complete=True)
            case _:
                self._ignore("a message that is neither assistant_input nor assistant_end")

    def _take(self, words: str) -> None:
        if self._reply is None:
            self._ignore("words without a turn")
            return
        try:
            self._reply.feed.send_nowait(words)
        except trio.WouldBlock:
            self._ignore("more words than anybody could say")
            self._end_turn()
        except trio.BrokenResourceError:
            pass  # the turn was given up in this moment

    def _end_turn(self, *, complete: bool = False) -> None:
        if self._reply is not None:
            self._reply.complete = complete
            self._reply.feed.close()
            self._reply = None

    def _ignore(self, what: str) -> None:
        log.warning("custom language model", extra={"fields": {"conn": self._conn, "ignored": what}})


async def _part(line: Line) -> None:
    """Close the socket as Hume would at the end of a chat. Cancelling does not reach in here."""
    with trio.move_on_after(_CLOSE_S, shield=True):
        try:
            await line.close()
            while not isinstance(await line.receive(), Closed):
                pass
        except PeerClosed:
            pass
