"""A client of EVI: what a person types or says -> messages, what EVI sends -> what the person hears.

It is strict where the SDKs of EVI are: a message that lacks what one of them needs is a finding. Words that come before
EVI has said what it heard belong to the reply before. No I/O, no clock.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator, Mapping
from itertools import chain, repeat
from typing import Any, Final

import msgspec

from elizad.call import rules
from elizad.call.events import Answer, Audio, Chunk, End, Finding, Meaning, Note
from elizad.call.evi_frames import wrong_with
from elizad.call.fields import JsonObject, kind_of, listen, read_object
from elizad.call.turns import Turn
from elizad.call.voice import PIECE_S, Voice
from elizad.net.line import Closed

HUSH_S: Final = 5.0  # of silence behind a voice, in which EVI is to notice that it has ended

_ENCODE: Final = msgspec.json.Encoder().encode


def encode(message: Mapping[str, object]) -> str:
    """Write a message."""
    return _ENCODE(message).decode()


class EviPlatform:
    """One chat. `tools` are those that the client declares, each with what it answers."""

    name = "evi"
    expects_opening = False

    def __init__(
        self,
        session: str | None = None,
        variables: Mapping[str, str] | None = None,
        tools: Mapping[str, str] | None = None,
    ) -> None:
        self.turns: list[Turn] = []
        self.next_due = math.inf
        self._session = session
        self._variables = dict(variables or {})
        self._tools = dict(tools or {})
        self._began = False  # chat_metadata has come
        self._echoed = True  # EVI has said what it heard, so that words belong to the newest turn
        self._typed = 0  # messages that EVI has not said back yet
        self._by_voice = False
        self._sound: Iterator[bytes] = iter(())
        self._format: tuple[int, int] | None = None  # (rate, channels) as declared
        self._messages: set[str] = set()  # ids of messages that may still have sound
        self._pieces: dict[str, int] = {}  # of each the number of the next piece

    # -- what the person does ------------------------------------------------------------------------------------------

    def open(self, now: float) -> list[str]:
        """Return the settings of the session, if there are any."""
        settings: dict[str, object] = {}
        if self._session:
            settings["custom_session_id"] = self._session
        if self._variables:
            settings["variables"] = self._variables
        if self._tools:
            settings["tools"] = [
                {"type": "function", "name": name, "parameters": '{"type":"object","properties":{}}'}
                for name in self._tools
            ]
        return [encode({"type": "session_settings", **settings})] if settings else []

    def say(self, text: str, now: float) -> list[str]:
        """Return what was typed."""
        self._begin(text, now)
        self._typed += 1
        return [encode({"type": "user_input", "text": text})]

    def speak(self, voice: Voice, now: float) -> list[str]:
        """Begin to say what a file has; its pieces come from `tick`, and then silence until EVI has heard something."""
        self._begin(f"[{voice.name}]", now + voice.seconds)
        self._by_voice = True
        hush = repeat(bytes(voice.piece_bytes), round(HUSH_S / PIECE_S))
        self._sound = chain(voice.pieces(), hush)
        self.next_due = now
        if self._format == (voice.rate, voice.channels):
            return []
        self._format = voice.rate, voice.channels
        audio = {"encoding": "linear16", "sample_rate": voice.rate, "channels": voice.channels}
        return [encode({"type": "session_settings", "audio": audio})]

    def _begin(self, said: str, now: float) -> None:
        last = self.turns[-1] if self.turns else None
        barge_in = last is not None and last.ended_at is None
        if last is not None and last.open:
            last.interrupted_at = now
        self.turns.append(Turn(self._number() + 1, said, now, barge_in=barge_in))
        self._echoed = self._by_voice = False

    def interrupt(self, now: float) -> list[str]:
        """Nothing is sent: EVI hears an interruption, or reads it."""
        if self.turns and self.turns[-1].open:
            self.turns[-1].interrupted_at = now
        return []

    def silence(self, now: float) -> list[str]:
        """Nothing: a client does not remind."""
        return []

    def settled(self, now: float) -> None:
        """What EVI has heard says more about what belongs to which turn."""
        return

    def tick(self, now: float) -> tuple[list[str], list[Finding]]:
        """Return the piece of sound that is due."""
        if now < self.next_due:
            return [], []
        piece = next(self._sound, None)
        if piece is None:
            self.next_due = math.inf
            return [], []
        self.next_due += PIECE_S
        return [encode({"type": "audio_input", "data": base64.b64encode(piece).decode()})], []

    def unanswered(self) -> int:
        """Nothing is owed beyond pongs."""
        return 0

    def reconnected(self) -> None:
        """A new connection would be a new chat."""
        return

    def closed(self, closed: Closed, now: float) -> list[Finding]:
        """EVI closes with 1000 when a chat has lasted as long as it may, and says why before."""
        if closed.code == 1000:
            return []
        reason = f" ({closed.reason})" if closed.reason else ""
        words = f"EVI closed with {closed.code}{reason}" if closed.code != 1006 else "EVI was gone"
        return [Finding(rules.HANG_UP, words, "", self._number())]

    # -- what EVI sends ------------------------------------------------------------------------------------------------

    def receive(self, frame: str, now: float) -> list[Meaning]:
        """Read one frame as the SDKs would."""
        message = read_object(frame)
        if isinstance(message, Finding):
            return [message._replace(turn=self._number())]
        kind = message.get("type")
        meanings: list[Meaning] = []
        if not isinstance(kind, str):
            words = 'a message lacks "type"' if kind is None else f'"type" of a message is {kind_of(kind)}'
            meanings.append(Finding(rules.MISSING_FIELD, words, frame))
        else:
            found = wrong_with(message, kind, frame)
            meanings += found
            if not self._began and kind not in ("chat_metadata", "error"):
                meanings.append(Finding(rules.METADATA_FIRST, f"{kind} came before chat_metadata", frame))
                self._began = True
            read = getattr(self, f"_read_{kind}", None)
            if read is not None and not found:
                meanings += read(message, frame, now)
        number = self._number()
        return [m._replace(turn=number) if isinstance(m, Finding) else m for m in meanings]

    def _read_chat_metadata(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        if self._began:
            return [Finding(rules.METADATA_FIRST, "a second chat_metadata came", frame)]
        self._began = True
        return [Note(f"chat {message['chat_id']} of group {message['chat_group_id']}")]

    def _read_user_message(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        heard = str(message["message"].get("content") or "")
        if message["interim"]:
            return [Note(f"hearing: {heard}")]
        if self._by_voice and not message["from_text"]:
            if self._echoed:  # the voice went on after a pause
                self._begin(heard, now)
                self._by_voice = True
            else:
                self.turns[-1].said = heard
            self._echoed = True
            self._sound = iter(()) if self._is_hush() else self._sound
            return [Note(f"heard: {heard}")]
        self._typed -= 1
        self._echoed = self._typed <= 0
        return []

    def _is_hush(self) -> bool:
        """Whether what is left of the sound is silence; the piece that this takes is not missed then."""
        piece = next(self._sound, None)
        if piece is None or not any(piece):
            return True
        self._sound = chain([piece], self._sound)
        return False

    def _read_assistant_message(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        text = message["message"].get("content") or ""
        name = message.get("id")
        if name:
            self._messages.add(name)
        if not self.turns:
            self.turns.append(Turn(0, None, 0.0))
        turn = self.turns[-1]
        if not self._echoed:
            return []  # of the reply before, under way when the person spoke
        if turn.ended_at is not None:
            if turn.said is None:
                return [Finding(rules.AFTER_END, "words came after assistant_end and before anything was said", frame)]
            turn = Turn(turn.number + 1, None, now)  # EVI speaks of its own accord: the time is nearly over
            self.turns.append(turn)
        meanings: list[Meaning] = list(listen([], text, frame))
        said = f" {text}" if turn.chunks else text
        turn.hear(said, now)
        return [*meanings, Chunk(turn, said)]

    def _read_assistant_end(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        if not self.turns:
            return [Finding(rules.TWO_ENDS, "an assistant_end came before there was anything to end", frame)]
        turn = self.turns[-1]
        if not self._echoed:
            return []
        if turn.ended_at is not None:
            return [Finding(rules.TWO_ENDS, "a second assistant_end of a turn", frame)]
        turn.ended_at = now
        return [End(turn)]

    def _read_audio_output(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        name, index = message["id"], message["index"]
        if name not in self._messages:
            return [Finding(rules.AUDIO, f'sound came for a message "{name[:40]}" that did not come before it')]
        expected = self._pieces.get(name, 0)
        if index != expected:
            return [Finding(rules.AUDIO, f"piece {index} of the sound came where {expected} was next")]
        self._pieces[name] = expected + 1
        try:
            data = base64.b64decode(message["data"], validate=True)
        except binascii.Error:
            return [Finding(rules.AUDIO, "the sound is not base64")]
        if not self._echoed:
            return []
        return [Audio(data)]

    def _read_user_interruption(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        return [Note("EVI stops: the caller speaks")]

    def _read_error(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        return [Note(f"error {message['code']} {message['slug']}: {message['message']}")]

    def _read_tool_call(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        name = message["name"]
        note = Note(f"tool call: {name} {message['parameters']}")
        if not message["response_required"]:
            return [note]
        answer: dict[str, Any] = {"tool_call_id": message["tool_call_id"]}
        if name in self._tools:
            answer |= {"type": "tool_response", "content": self._tools[name]}
        else:
            answer |= {"type": "tool_error", "error": f"there is no tool {name}"}
        return [note, Answer([encode(answer)])]

    def _number(self) -> int:
        return self.turns[-1].number if self.turns else 0
