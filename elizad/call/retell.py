"""Retell's side of its LLM socket: what the caller does -> requests with growing ids, frames -> what Retell hears.

The server speaks first. Only the newest id counts, and only until it is complete; whatever is wrong in type is
dropped, as Retell drops it. No I/O, no clock: `epoch_s` is the time of day at which the call was opened.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from elizad.call import rules
from elizad.call.events import Answer, Chunk, End, Finding, HangUp, Meaning, Note
from elizad.call.fields import JsonObject, drops, listen, read_object
from elizad.call.retell_frames import check_message, encode, encode_raw, is_true, message_type, utterance
from elizad.call.turns import Turn
from elizad.net.line import Closed

PING_S: Final = 2.0  # Retell's own interval, and what it expects of a server

GONE_S: Final = 5.0  # without a ping_pong for so long Retell drops the connection

GRACE_S: Final = 0.1  # a server's pong can overtake a word that its program had on the tip of its tongue

UNHEARD: Final = "(unintelligible audio)"
"""What Retell writes for speech that it could not make words of."""


class RetellPlatform:
    """One connection of a call. `again` is True when the call has had another one before, as after a reconnect."""

    name = "retell"
    expects_opening = True

    def __init__(
        self, call_id: str, *, epoch_s: float = 0.0, variables: Mapping[str, str] | None = None, again: bool = False
    ) -> None:
        self.turns: list[Turn] = []
        self.next_due = math.inf
        self._auto_reconnect = False
        self._call_id = call_id
        self._epoch_s = epoch_s
        self._variables = dict(variables or {})
        self._again = again
        self._transcript: list[msgspec.Raw] = []
        self._with_tools: list[msgspec.Raw] = []
        self._tools_asked = False
        self._configured = False
        self._spoken = False  # a response has come
        self._settled_at = 0.0  # from when on a word for an older request is a word too many
        self._pings: list[float] = []  # when those were sent that have no answer yet
        self._tool_ids: set[str] = set()

    # -- what the caller does ------------------------------------------------------------------------------------------

    def open(self, now: float) -> list[str]:
        """Nothing is sent: the server speaks first."""
        self.turns.append(Turn(0, None, now))
        return []

    def say(self, text: str, now: float) -> list[str]:
        """Return an update while the caller speaks, and the request with what was said."""
        frames = self._user_begins(now)
        entry = utterance("user", text, now)
        words = text.split()
        if len(words) > 1:
            part = utterance("user", " ".join(words[: len(words) // 2]), now)
            update = self._update(None, [part])
            frames = [*frames, update]
        self._add(entry)
        return [*frames, self._request("response_required", text, now)]

    def interrupt(self, now: float) -> list[str]:
        """Return the update that says whose turn it is."""
        return self._user_begins(now)

    def silence(self, now: float) -> list[str]:
        """Return a reminder."""
        self._end_of_speech(now)
        return [self._request("reminder_required", None, now)]

    def _user_begins(self, now: float) -> list[str]:
        self._end_of_speech(now)
        return [self._update("user_turn")]

    def _end_of_speech(self, now: float) -> None:
        """The reply before is over, or cut; what was heard of it goes into the transcript, once."""
        turn = self.turns[-1]
        if turn.open:
            turn.interrupted_at = now
        heard = " ".join(" ".join(turn.heard()).split()) if turn.interrupted_at is not None else turn.text.strip()
        if heard and not turn.written:
            self._add(utterance("agent", heard, now))
        turn.written = True

    def _add(self, entry: msgspec.Raw) -> None:
        self._transcript.append(entry)
        self._with_tools.append(entry)

    def _request(self, kind: str, text: str | None, now: float) -> str:
        last = self.turns[-1]
        number = last.number + 1
        self.turns.append(Turn(number, text, now, barge_in=last.ended_at is None))
        self._settled_at = math.inf if last.ended_at is None else now
        return encode({"interaction_type": kind, "response_id": number, **self._transcripts()})

    def _update(self, turntaking: str | None, more: list[msgspec.Raw] | None = None) -> str:
        whose = {"turntaking": turntaking} if turntaking else {}
        return encode({"interaction_type": "update_only", **self._transcripts(more or []), **whose})

    def _transcripts(self, more: list[msgspec.Raw] | None = None) -> dict[str, Any]:
        out: dict[str, Any] = {"transcript": self._transcript + (more or [])}
        if self._tools_asked:
            out["transcript_with_tool_calls"] = self._with_tools + (more or [])
        return out

    # -- time ----------------------------------------------------------------------------------------------------------

    def settled(self, now: float) -> None:
        """From here on a word with an older id is a word too many."""
        self._settled_at = min(self._settled_at, now + GRACE_S)

    def tick(self, now: float) -> tuple[list[str], list[Finding]]:
        """Return the ping_pong that is due, and whether the server has missed one for good."""
        if now < self.next_due:
            return [], []
        self.next_due = now + PING_S
        found = []
        if self._pings and now - self._pings[0] >= GONE_S:
            words = f"a ping_pong was not answered for {GONE_S:g} s; Retell would now drop the connection and reconnect"
            found.append(Finding(rules.PING_PONG, words, "", self.turns[-1].number))
            self._pings.clear()
        self._pings.append(now)
        return [encode({"interaction_type": "ping_pong", "timestamp": self._stamp(now)})], found

    def reconnected(self) -> RetellPlatform | None:
        """With auto_reconnect, the next connection: the transcript goes on, and the server must not greet again."""
        if not self._auto_reconnect:
            return None
        self._end_of_speech(self.turns[-1].asked_at)
        again = RetellPlatform(self._call_id, epoch_s=self._epoch_s, variables=self._variables, again=True)
        again._transcript = list(self._transcript)
        again._with_tools = list(self._with_tools)
        return again

    def unanswered(self) -> int:
        """How many ping_pong wait for an answer."""
        return len(self._pings)

    def _stamp(self, now: float) -> int:
        return round((self._epoch_s + now) * 1000)

    # -- what the server sends -----------------------------------------------------------------------------------------

    def receive(self, frame: str, now: float) -> list[Meaning]:
        """Read one frame as Retell would."""
        message = read_object(frame)
        kind = message if isinstance(message, Finding) else message_type(message, frame)
        if isinstance(message, Finding) or isinstance(kind, Finding):
            return [kind._replace(turn=self.turns[-1].number)] if isinstance(kind, Finding) else []
        found = check_message(message, kind, frame)
        meanings: list[Meaning] = list(found)
        if not drops(found):
            read = getattr(self, f"_read_{kind}")
            meanings += read(message, frame, now)
        number = self.turns[-1].number
        return [m._replace(turn=number) if isinstance(m, Finding) else m for m in meanings]

    def _read_config(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        if self._configured:
            return [Finding(rules.CONFIG_FIRST, "a second config came", frame)]
        if self._spoken:
            return [Finding(rules.CONFIG_FIRST, "config came after the first response", frame)]
        self._configured = True
        config = message["config"]
        asked = [
            name for name in ("auto_reconnect", "call_details", "transcript_with_tool_calls") if is_true(config, name)
        ]
        meanings: list[Meaning] = [Note(f"config: {', '.join(asked) or 'nothing asked for'}")]
        self._tools_asked = "transcript_with_tool_calls" in asked
        if "auto_reconnect" in asked:
            self._auto_reconnect = True
            self.next_due = now
        if "call_details" in asked:
            meanings.append(Answer([encode({"interaction_type": "call_details", "call": self._details()})]))
        return meanings

    def _details(self) -> dict[str, Any]:
        return {
            "call_type": "web_call",
            "call_id": self._call_id,
            "agent_id": "agent_elizad_call",
            "agent_version": 0,
            "call_status": "ongoing",
            "metadata": {},
            "retell_llm_dynamic_variables": self._variables,
        }

    def _read_response(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        self._spoken = True
        turn = self.turns[-1]
        number = message["response_id"]
        if number > turn.number or number < 0:
            newest = f"the newest request has {turn.number}" if turn.number else "nothing but 0 is open"
            return [Finding(rules.UNASKED, f"a response has response_id {number}, and {newest}", frame)]
        if number < turn.number:
            if now < self._settled_at:
                return []  # under way when the new request was: Retell drops it, and nobody is to blame
            words = f"words for response_id {number} came after {turn.number} was asked for"
            complete_before = self.turns[number].ended_at is not None
            return [Finding(rules.AFTER_END if complete_before else rules.AFTER_BARGE_IN, words, frame)]
        complete = message["content_complete"]
        if turn.ended_at is not None:
            rule = rules.TWO_ENDS if complete else rules.AFTER_END
            return [Finding(rule, f"response_id {number} goes on after its content_complete: true", frame)]
        return self._speech(turn, message, complete, frame, now)

    def _speech(self, turn: Turn, message: JsonObject, complete: bool, frame: str, now: float) -> list[Meaning]:
        text = message["content"]
        meanings: list[Meaning] = []
        if text:
            if self._again and turn.number == 0:
                meanings.append(Finding(rules.GREETS_TWICE, "the begin message of a reconnect has words", frame))
            meanings += listen(turn.chunks, text, frame)
            if turn.first_at is None and turn.open:
                meanings.append(Answer([self._update("agent_turn")]))
            turn.hear(text, now)
            meanings.append(Chunk(turn, text))
        if complete:
            turn.ended_at = now
            meanings.append(End(turn))
            if turn.interrupted_at is None and is_true(message, "end_call"):
                meanings.append(HangUp(1000, "the agent ended the call"))
            for name in ("transfer_number", "digit_to_press"):
                if message.get(name):
                    meanings.append(Note(f"the agent asks for {name}: {message[name]}"))
        return meanings

    def _read_agent_interrupt(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        return [Note(f"agent_interrupt {message['interrupt_id']}: {message['content']}")]

    def _read_ping_pong(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        if not self._pings:
            return []
        late = now - self._pings.pop(0)
        if late <= PING_S:
            return []
        return [Finding(rules.PING_PONG, f"a ping_pong was answered after {late:.1f} s", frame)]

    def _read_update_agent(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        return [Note(f"update_agent: {', '.join(message['agent_config']) or 'nothing'}")]

    def _read_metadata(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        return [Note("metadata for the web client")]

    def _read_tool_call_invocation(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        name = message["tool_call_id"]
        if name in self._tool_ids:
            return [Finding(rules.TOOLS, f'two tool calls have the id "{name[:40]}"', frame)]
        self._tool_ids.add(name)
        self._with_tools.append(encode_raw(_as_entry(message)))
        return [Note(f"tool call: {message['name']}")]

    def _read_tool_call_result(self, message: JsonObject, frame: str, now: float) -> list[Meaning]:
        if message["tool_call_id"] not in self._tool_ids:
            return [Finding(rules.TOOLS, "a tool result belongs to no tool call", frame)]
        self._with_tools.append(encode_raw(_as_entry(message)))
        return [Note("tool result")]

    def closed(self, closed: Closed, now: float) -> list[Finding]:
        """What Retell makes of a close code in the middle of a call."""
        reason = f" ({closed.reason})" if closed.reason else ""
        follows = {
            1000: "Retell takes 1000 for a hang-up, and the caller hears the line go dead",
            1005: "Retell ends the call with error_llm_websocket_open",
            1006: "Retell tries to reconnect, up to four times",
        }.get(closed.code, "Retell counts it as a failure of the server")
        what = "the connection was dropped" if closed.code == 1006 else f"the server closed with {closed.code}{reason}"
        return [Finding(rules.HANG_UP, f"{what}: {follows}", "", self.turns[-1].number if self.turns else 0)]


def _as_entry(message: JsonObject) -> dict[str, Any]:
    """A tool message as it stands in transcript_with_tool_calls."""
    return {"role": message["response_type"], **{k: v for k, v in message.items() if k != "response_type"}}
