"""Hume EVI's side of its custom language model socket: the caller's words -> payloads, frames -> what Hume hears.

Every payload holds the whole thread, as Hume sends it. There are no turn numbers on this wire: whatever comes belongs
to the newest payload, and so an end that comes late ends the wrong turn. No I/O, no clock.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import msgspec

from elizad.call import rules
from elizad.call.events import Chunk, End, Finding, Meaning, Note
from elizad.call.fields import Field, JsonObject, check_fields, drops, kind_of, listen, read_object
from elizad.call.turns import Turn
from elizad.net.line import Closed
from elizad.protocols.hume_caller import assistant_element, payload, user_element

_MS_PER_CHAR: Final = 65  # a caller speaks about 15 characters a second

_INPUT_FIELDS: Final = {"text": Field(str, True), "custom_session_id": Field(str)}


class HumePlatform:
    """One chat. `scores` are the prosody of everything the caller says; None is typed input, which has none."""

    name = "hume"
    expects_opening = False

    def __init__(self, session: str | None = None, scores: Mapping[str, float] | None = None) -> None:
        self.turns: list[Turn] = []
        self.next_due = math.inf
        self._session = session
        self._scores = scores
        self._thread: list[msgspec.Raw] = []  # encoded once; every payload repeats all of it
        self._spoke_until_ms = 0
        self._unsettled = False
        self._run: list[str] = []  # the chunks that are certainly of one reply
        self._forgiven = False
        self._stray_end = False  # an end came that may be an old one: once, the real reply may follow

    def open(self, now: float) -> list[str]:
        """Nothing: Hume speaks when the caller has."""
        return []

    def say(self, text: str, now: float) -> list[str]:
        """Return the payload with the thread and these words at its end."""
        last = self.turns[-1] if self.turns else None
        barge_in = last is not None and last.ended_at is None
        if last is not None:
            if last.open:
                last.interrupted_at = now
            self._thread += [assistant_element(chunk) for chunk in last.heard() if chunk.strip()]
        end = round(now * 1000)
        begin = max(self._spoke_until_ms, end - _MS_PER_CHAR * len(text))
        self._spoke_until_ms = end
        self._thread.append(user_element(text, (begin, end), self._scores))
        self.turns.append(Turn(self._number() + 1, text, now, barge_in=barge_in))
        self._unsettled, self._stray_end, self._run = barge_in, False, []
        self._forgiven = False
        return [payload(self._thread, self._session)]

    def interrupt(self, now: float) -> list[str]:
        """Nothing is sent: Hume stops the playback, and the server learns of it with the next words."""
        if self.turns and self.turns[-1].open:
            self.turns[-1].interrupted_at = now
        return []

    def silence(self, now: float) -> list[str]:
        """Nothing: Hume does not remind."""
        return []

    def settled(self, now: float) -> None:
        """From here on everything answers the newest payload."""
        if self._unsettled:
            self._unsettled, self._run = False, []

    def tick(self, now: float) -> tuple[list[str], list[Finding]]:
        """Nothing is due on this socket."""
        return [], []

    def unanswered(self) -> int:
        """Nothing is owed on this socket beyond pongs."""
        return 0

    def reconnected(self) -> None:
        """Whether Hume reconnects is not documented."""
        return

    def closed(self, closed: Closed, now: float) -> list[Finding]:
        """Whatever the code: a server has no reason to leave."""
        reason = f" ({closed.reason})" if closed.reason else ""
        words = f"the server closed with {closed.code}{reason}" if closed.code != 1006 else "the server was gone"
        return [Finding(rules.HANG_UP, f"{words}; the caller's turn stays without an answer", "", self._number())]

    def receive(self, frame: str, now: float) -> list[Meaning]:
        """Read one frame as Hume would."""
        message = read_object(frame)
        if isinstance(message, Finding):
            return [message._replace(turn=self._number())]
        kind = message.get("type")
        if kind == "assistant_input":
            meanings = self._input(message, frame, now)
        elif kind == "assistant_end":
            meanings = self._end(message, frame, now)
        elif isinstance(kind, str):
            meanings = [Finding(rules.UNKNOWN_TYPE, f'a message of type "{kind[:40]}" is not known', frame)]
        elif "type" not in message:
            meanings = [Finding(rules.MISSING_FIELD, 'a message lacks "type"', frame)]
        else:
            words = f'"type" of a message is {kind_of(kind)} instead of a string'
            meanings = [Finding(rules.WRONG_TYPE, words, frame)]
        number = self._number()
        return [m._replace(turn=number) if isinstance(m, Finding) else m for m in meanings]

    def _input(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        found = check_fields(message, _INPUT_FIELDS, "assistant_input", frame)
        if drops(found):
            return list(found)
        meanings: list[Meaning] = list(found)
        text = message["text"]
        session = message.get("custom_session_id")
        if session is not None and session != self._session:
            if self._session is not None:
                words = f'custom_session_id was "{self._session}" and is now "{session}"'
                meanings.append(Finding(rules.SESSION, words, frame))
            meanings.append(Note(f'the server calls this session "{session}"'))
            self._session = session
        if not self.turns:
            self.turns.append(Turn(0, None, 0.0))
            meanings.append(Finding(rules.UNSOLICITED, "the server spoke before it was asked", frame))
        turn = self.turns[-1]
        if turn.ended_at is not None and not self._reopen(turn, words=True):
            if turn.barge_in:
                words = "the reply that was interrupted goes on behind the new one"
                return [*meanings, Finding(rules.AFTER_BARGE_IN, words, frame)]
            return [
                *meanings,
                Finding(rules.AFTER_END, "words came after assistant_end and before a new payload", frame),
            ]
        meanings += listen(self._run, text, frame)
        self._run.append(text)
        turn.hear(text, now)
        return [*meanings, Chunk(turn, text)]

    def _end(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        meanings: list[Meaning] = []
        if len(message) > 1:
            names = ", ".join(f'"{name[:40]}"' for name in message if name != "type")
            meanings.append(Finding(rules.END_FIELDS, f"assistant_end also has {names}", frame))
        if not self.turns:
            words = "an assistant_end came before there was anything to end"
            return [*meanings, Finding(rules.TWO_ENDS, words, frame)]
        turn = self.turns[-1]
        if turn.ended_at is not None and not self._reopen(turn, words=False):
            words = "a second assistant_end; Hume takes it for the end of the next turn"
            if turn.barge_in:
                words = "after a barge-in two assistant_end came: the old turn's must not be sent"
            return [*meanings, Finding(rules.TWO_ENDS, words, frame)]
        turn.ended_at = now
        self._stray_end = self._unsettled and not self._forgiven
        return [*meanings, End(turn)]

    def _reopen(self, turn: Turn, *, words: bool) -> bool:
        """The end we saw was the old reply's, sent before the server could know better: nobody's fault, once.

        When words follow it, those we took for the new reply's were the old one's too.
        """
        stray, self._stray_end = self._stray_end, False
        if stray:
            turn.ended_at = None
            self._forgiven = True
        if stray and words:
            turn.first_at, self._run = None, []
            turn.chunks.clear()
        return stray

    def _number(self) -> int:
        return self.turns[-1].number if self.turns else 0
