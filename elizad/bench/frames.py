"""The frames of many calls, made before anything is measured: Hume's payloads, masked, ready to be sent. Pure.

All calls say the same, so that 500 of them fit into memory; only the session's name, the last thing in a payload, is
each call's own. A history of N messages is measured in the middle of a call that grows as calls do, by the reply and by
what the caller says to it: the measured turns have N messages before the newest words on average. With a history of 0
every payload is a call's first one, with other words each time. What the agent said in the thread is made up: a frame
that is made ahead cannot know the reply.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from elizad.eliza.expressions import NAMES
from elizad.protocols.hume_caller import assistant_element, payload, user_element

SESSION_CHARS: Final = 16

PING: Final = 0x9
CLOSE: Final = 0x8
_TEXT: Final = 0x1
_PONG: Final = 0xA

_SEED: Final = 1966  # the same frames in every run
_MS_PER_TURN: Final = 9000  # a few seconds to say something, and a few to hear the reply

_SAID: Final = (
    "I can't sleep.",
    "My mother is always worried about me.",
    "I think I am tired of my work.",
    "Nobody listens to me.",
    "Yes.",
    "I dreamed about my brother again last night.",
    "I want to be somewhere else, by the sea perhaps.",
    "It is because of my job, I suppose.",
    "You don't say much, do you?",
    "Everything takes so long these days.",
    "Maybe. I do not remember when it began.",
)
_REPLIES: Final = (
    "How long has that been so?",
    "What comes to your mind when you think of your family?",
    "Do you believe that it is normal to feel that way?",
    "Please go on.",
    "What would it mean to you if that changed?",
)


class Turn(NamedTuple):
    """One payload as a frame: `head` is the same in all calls, what follows has the call's session in it."""

    head: bytes
    key: bytes
    """The mask, turned so that it begins where `head` ends."""

    def tail(self, session: str) -> bytes:
        """Return the rest of the frame for a session, whose name has `SESSION_CHARS` characters."""
        return mask(_end(session), self.key)


def turns(history: int, number: int) -> list[Turn]:
    """Return the frames of one call: one that brings it to where it is measured, and `number` that are measured."""
    dice = random.Random(_SEED)
    if history == 0:
        return [_turn(_thread(0, dice), dice) for _ in range(number + 1)]
    begin = first_length(history, number)
    thread = _thread(begin + 2 * number, dice)
    return [_turn(thread[: begin + 2 * index + 1], dice) for index in range(number + 1)]


def first_length(history: int, number: int) -> int:
    """Return how many messages lie before the newest words at first; those of `number` turns then have `history`."""
    return max(0, history - number - 1) & ~1


def mask(data: bytes, key: bytes) -> bytes:
    """Exclusive-or with the four bytes of `key`, again and again (RFC 6455 section 5.3)."""
    size = len(data)
    pad = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(pad, "little")).to_bytes(size, "little")


def header(opcode: int, size: int, key: bytes) -> bytes:
    """Return the head of a client's whole frame (RFC 6455 section 5.2)."""
    if size < 126:
        return bytes((0x80 | opcode, 0x80 | size)) + key
    if size < 65_536:
        return bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big") + key
    return bytes((0x80 | opcode, 0xFF)) + size.to_bytes(8, "big") + key


def pong(data: bytes) -> bytes:
    """Return the answer to a ping."""
    return header(_PONG, len(data), b"\0\0\0\0") + data  # a mask of zeros, made while others wait


def goodbye() -> bytes:
    """Return a close frame with 1000."""
    return header(CLOSE, 2, b"\0\0\0\0") + b"\x03\xe8"


def size_of(frame: Turn) -> int:
    """Return the bytes that go over the line."""
    return len(frame.head) + SESSION_CHARS + len(_end(""))


def take(data: bytearray) -> tuple[int, bytes] | None:
    """Take a server's whole frame off the front: (opcode, payload); None when it is not all there yet."""
    if len(data) < 2:
        return None
    size, start = data[1] & 0x7F, 2
    if size >= 126:
        start = 4 if size == 126 else 10
        size = int.from_bytes(data[2:start], "big")
    if len(data) < start or len(data) < start + size:
        return None
    found = data[0] & 0x0F, bytes(data[start : start + size])
    del data[: start + size]
    return found


def _end(session: str) -> bytes:
    return f'{session}"}}'.encode()


def _thread(length: int, dice: random.Random) -> list[msgspec.Raw]:
    """Return `length` messages and the caller's newest words behind them, in an order that dice decide."""
    thread = []
    for index in range(length + 1):
        if index % 2:
            thread.append(assistant_element(dice.choice(_REPLIES)))
            continue
        text = dice.choice(_SAID)
        begin = index // 2 * _MS_PER_TURN
        scores = {name: dice.random() * 0.3 for name in NAMES}  # with as many digits as Hume writes
        thread.append(user_element(text, (begin, begin + 65 * len(text)), scores))
    return thread


def _turn(thread: Sequence[msgspec.Raw], dice: random.Random) -> Turn:
    nobody = "-" * SESSION_CHARS
    whole = payload(thread, nobody).encode()
    end = _end(nobody)
    if not whole.endswith(end):
        raise AssertionError("a payload does not end with the session's name")
    key = dice.randbytes(4)
    body = whole[: -len(end)]
    turned = len(body) % 4
    return Turn(header(_TEXT, len(whole), key) + mask(body, key), key[turned:] + key[:turned])
