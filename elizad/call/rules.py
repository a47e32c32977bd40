"""What a server is held to: every rule that `call --check` knows, with a sentence and where it is written.

A violation is something that the platform's document rules out or that its platform would drop, hang up on or wait
for. Advice is about what the document recommends or leaves open; it does not fail a check.
"""

from __future__ import annotations

from typing import Final, NamedTuple

HUME: Final = "Hume's guide to custom language models"
RETELL: Final = "Retell's reference of the LLM WebSocket"
EVI: Final = "Hume's reference of the EVI chat, and what its SDKs can read"


class Rule(NamedTuple):
    """`name` is for tables and tests, `title` heads a report, `text` says what ought to be, `source` who says so."""

    name: str
    title: str
    text: str
    source: str
    advice: bool = False


# -- the WebSocket itself --------------------------------------------------------------------------------------------

HANDSHAKE: Final = Rule(
    "handshake",
    "no WebSocket",
    "a server answers the platform's handshake with 101 and the right Sec-WebSocket-Accept",
    "RFC 6455, 4.2.2",
)
FRAMING: Final = Rule(
    "framing",
    "broken WebSocket frames",
    "frames follow RFC 6455: a server does not mask, text is UTF-8, reserved bits are zero",
    "RFC 6455, 5",
)
BINARY: Final = Rule(
    "binary-frame", "binary frame", "every frame is text and holds one JSON object", f"{HUME}; {RETELL}"
)
PONG: Final = Rule(
    "pong", "late pong", "a ping is answered as soon as practical, also during a reply", "RFC 6455, 5.5.2"
)
CLOSE_ANSWER: Final = Rule(
    "close-answer",
    "wrong answer to a close",
    "when the platform closes with 1000, the server answers with a close frame that echoes the code",
    "RFC 6455, 5.5.1",
)
HANG_UP: Final = Rule(
    "hang-up",
    "the server ended the call",
    "a server keeps the connection for the whole call; when it fails, it says so in words and ends the turn",
    f"{HUME}; {RETELL}",
)

# -- the shape of a frame --------------------------------------------------------------------------------------------

NOT_JSON: Final = Rule("not-json", "not JSON", "every frame is one JSON object", f"{HUME}; {RETELL}")
UNKNOWN_TYPE: Final = Rule(
    "unknown-type", "unknown type", "only the documented types of message are sent", f"{HUME}; {RETELL}"
)
MISSING_FIELD: Final = Rule(
    "missing-field", "missing field", "every required field of a message is there", f"{HUME}; {RETELL}"
)
WRONG_TYPE: Final = Rule(
    "wrong-type", "wrong type", "every field has the documented JSON type, exactly", f"{HUME}; {RETELL}"
)
UNKNOWN_FIELD: Final = Rule(
    "unknown-field", "undocumented field", "a message has the documented fields only", f"{HUME}; {RETELL}", advice=True
)
END_FIELDS: Final = Rule("end-fields", "end with more in it", "assistant_end has no field but its type", HUME)
NO_RESPONSE_TYPE: Final = Rule(
    "no-response-type",
    "no response_type",
    "every message has a response_type; without one it is taken for a response, and a mistake goes unseen",
    RETELL,
)
RANGE: Final = Rule("range", "value out of range", "values lie in their documented range", RETELL)
NULL: Final = Rule(
    "null", "null for an optional field", "an optional field is left out rather than null", RETELL, advice=True
)

# -- the order of things ---------------------------------------------------------------------------------------------

NO_END: Final = Rule(
    "no-end",
    "no end in time",
    "every turn is ended, by assistant_end or by content_complete: true, whatever fails",
    f"{HUME}; {RETELL}",
)
TWO_ENDS: Final = Rule(
    "two-ends",
    "two ends",
    "every turn is ended exactly once; a second end is taken for another turn's",
    f"{HUME}; {RETELL}",
)
AFTER_END: Final = Rule(
    "after-end",
    "speech after the end",
    "nothing is said after the end of a turn until the next one",
    f"{HUME}; {RETELL}",
)
AFTER_BARGE_IN: Final = Rule(
    "after-barge-in",
    "speech after a barge-in",
    "a newer request stops the reply to the older one at once: none of its words and no end of it follow",
    f"{HUME}; {RETELL}",
)
UNSOLICITED: Final = Rule(
    "unsolicited", "speech before the first request", "a server waits for the first request", HUME, advice=True
)
SESSION: Final = Rule(
    "session", "the session id changed", "custom_session_id is set once and holds for the chat", HUME, advice=True
)
NO_BEGIN: Final = Rule(
    "no-begin", "no begin message", "the server speaks first, with response_id 0, be it without words", RETELL
)
CONFIG_FIRST: Final = Rule(
    "config-first", "config too late", "config is the first message of a connection, and sent once", RETELL
)
UNASKED: Final = Rule("unasked", "an id that nobody asked for", "a response has the response_id of a request", RETELL)
PING_PONG: Final = Rule(
    "ping-pong",
    "late ping_pong",
    "with auto_reconnect a ping_pong comes at least every 2 s; after 5 s without one Retell drops the connection",
    RETELL,
)
GREETS_TWICE: Final = Rule(
    "greets-twice", "a second greeting", "a connection that is a reconnect of a call does not greet again", RETELL
)
TOOLS: Final = Rule(
    "tools",
    "tool call",
    "a tool call has an id of its own and a JSON object as arguments, and a result names its call",
    RETELL,
)
ACTIONS: Final = Rule(
    "actions",
    "action in the wrong place",
    "at most one of end_call, transfer_number and digit_to_press, on the chunk that completes the response",
    RETELL,
    advice=True,
)

METADATA_FIRST: Final = Rule(
    "metadata-first", "no chat_metadata first", "the first message of a chat is chat_metadata, and there is one", EVI
)
AUDIO: Final = Rule(
    "audio",
    "sound without its message",
    "sound carries the id of an assistant_message that came before it, and its pieces are numbered from 0",
    EVI,
)

# -- how it sounds ---------------------------------------------------------------------------------------------------

PROSE: Final = Rule(
    "prose",
    "not fit to be spoken",
    "words are written as they are said: no digits, markup or emoji",
    f"{HUME}; {RETELL}",
    advice=True,
)
SPACING: Final = Rule(
    "spacing",
    "sentences run together",
    "chunks are joined as they are, so the space between two sentences is sent too",
    f"{HUME}; {RETELL}",
    advice=True,
)
