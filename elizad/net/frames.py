"""WebSocket frames by their headers (RFC 6455 section 5.2): what is whole and sound is read here, all else told apart.

Nearly everything that a platform sends is a text message in one frame, which can be long, or a ping or a close. wsproto
copies a message seven times, and takes its mask off in Python. So these kinds of frame are read here, and only where
nothing is odd about them: fragments, binary messages and whatever is wrong are handed on as they came, for wsproto to
read and to judge.

wsproto spends 10 to 20 microseconds on a frame however small, and trio-websocket does not yield between empty ones:
64 KiB of them stopped the event loop for a third of a second. So what is handed on comes few frames at a time.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from elizad.net.mask import unmask

PING: Final = 0x89  # FIN and opcode 9
PONG: Final = 0x8A
CLOSE: Final = 0x88

_WHOLE_TEXT: Final = 0x81  # FIN and opcode 1
_READ_HERE: Final = bytes((_WHOLE_TEXT, PING, PONG, CLOSE))
_READ_IN_BETWEEN: Final = bytes((PING, PONG, CLOSE))  # between the fragments of a message
_SHORT_HEADERS: Final = tuple(bytes((_WHOLE_TEXT, size)) for size in range(126))
_SHORTEST: Final = 2
_KEY_BYTES: Final = 4
_FIN: Final = 0x80
_CONTROL: Final = 0x08  # set in the opcodes of pings, pongs and closes (section 5.5)
_MASKED: Final = 0x80
_MOST_CONTROL: Final = 125  # bytes of payload of a ping, pong or close (section 5.5)
_USUAL: Final = _WHOLE_TEXT << 24 | (_MASKED | 126) << 16  # how a client's text begins, but for two bytes of size
_USUAL_HEADER: Final = 8
_usual_header: Final = struct.Struct(">I4s").unpack_from  # that, and the mask
_GROWTH: Final = 16_384  # bytes by which a message may be longer than the one before, and still be read at once
_LONG: Final = 16_384  # of a payload: to copy it takes longer than to look at it where it stands
_SMALL: Final = 1024  # a piece below this is put to others: alone it would take many times its size
_CODES: Final = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, *range(3000, 5000)})
"""Which may be sent (section 7.4); wsproto knows some more."""


class Control(NamedTuple):
    """A whole ping, pong or close: its first byte, PING, PONG or CLOSE, and its payload.

    The payload of a close is sound: nothing, or a code that may be sent and a reason in UTF-8.
    """

    kind: int
    payload: bytes


class Passed(NamedTuple):
    """Bytes as they came, in which `frames` frames begin, `controls` of them pings, pongs and closes.

    `is_end` says that their last byte is the last of a message, or of a close.
    """

    data: bytes
    frames: int
    controls: int
    is_end: bool


class FrameReader:
    """Where the frames begin in one direction of one connection. It never fails: nonsense has lengths too."""

    # fmt: off
    __slots__ = (
        "_data", "_is_end", "_left", "_more", "_most_bytes", "_read_here", "_usual", "_wanted",
        "expected", "has_closed", "is_empty",
    )
    # fmt: on

    def __init__(self, most_bytes: int) -> None:
        """A text message of more than `most_bytes` is not read here."""
        self._most_bytes = most_bytes
        self._data = b""  # what has come and is not read
        self._more: list[bytes | bytearray] | None = None  # what came after it
        self._wanted = 0  # bytes without which nothing can be read; 0: not known
        self._usual = 0  # bytes of the newest message, and some more
        self._left = 0  # bytes of the payload of the frame that is being handed on
        self._is_end = False  # whether its last byte is an end
        self._read_here = _READ_HERE  # first bytes of frames: fewer, when a message was begun and not ended
        self.has_closed = False
        """Whether a close has been handed on."""
        self.is_empty = True
        """Whether there is nothing that could be read now."""
        self.expected = 0
        """How many bytes may well come then: the rest of a message, or one like the last, which is often sent again."""

    def feed(self, data: bytes) -> None:
        """Take what has come."""
        if not self._data:
            self._data = data
            self.is_empty = not data
            return
        self._wanted -= len(data)
        self.expected = max(self._wanted, 0)
        self.is_empty = self._wanted > 0
        if self._more is None:
            self._more = []
        last = self._more[-1] if self._more else None
        if len(data) >= _SMALL:
            self._more.append(data)
        elif isinstance(last, bytearray):
            last += data
        else:
            self._more.append(bytearray(data))

    def take(self, data: bytes) -> str | None:
        """Take what has come: the message, where it is a whole one and nothing else, as most is; else see `next`."""
        size = len(data) - _USUAL_HEADER
        if 125 < size < 65_536 and size <= self._most_bytes and not (self._data or self._left):
            begin, key = _usual_header(data)
            if begin == _USUAL + size and self._read_here is _READ_HERE:
                body = data[_USUAL_HEADER:] if size < _LONG else memoryview(data)[_USUAL_HEADER:]
                try:
                    text = unmask(body, key).decode()
                except UnicodeDecodeError:
                    pass
                else:
                    self.expected = self._usual = len(data) + _GROWTH
                    return text
        self.feed(data)
        return None

    def next(self, most_frames: int) -> str | Control | Passed | None:
        """Return the next message, ping, pong or close, or up to `most_frames` frames of another kind.

        None until more has come.
        """
        if self.is_empty:
            return None
        data = self._data
        if self._more is not None:
            data = self._data = b"".join([data, *self._more])
            self._more = None
        if not self._left and data[0] in self._read_here:
            is_text = data[0] == _WHOLE_TEXT
            size, begins, is_sound = _header(data)
            ends = begins + size
            if begins == 0 or size <= (self._most_bytes if is_text else _MOST_CONTROL):
                if begins == 0 or len(data) < ends:
                    self._want(max(1, ends - len(data)))
                    return None
                found = None
                if is_sound:
                    body = data[begins:ends] if size < _LONG else memoryview(data)[begins:ends]
                    payload = unmask(body, data[begins - _KEY_BYTES : begins])
                    found = _text(payload) if is_text else _control(data[0], payload)
                if found is not None:
                    if is_text:
                        self._usual = ends + _GROWTH
                    self._drop(ends)
                    return found
        return self._pass_on(most_frames)

    def _want(self, wanted: int) -> None:
        self._wanted = self.expected = wanted
        self.is_empty = True

    def _drop(self, read: int) -> None:
        self._data = self._data[read:]
        self.is_empty = not self._data
        self.expected = self._usual

    def _pass_on(self, most: int) -> Passed | None:
        data = self._data
        position = frames = controls = 0
        is_torn = False  # in the middle of a header
        while position < len(data):
            if self._left:
                step = min(self._left, len(data) - position)
                self._left -= step
                position += step
                if self._is_end and not self._left:
                    break
                continue
            if frames == most or (position and data[position] in self._read_here):
                break
            head = data[position : position + 14]
            size, begins, _ = _header(head)
            if begins == 0:
                is_torn = True
                break
            frames += 1
            self._note(head[0])
            controls += head[0] >> 3 & 1
            self._left = begins + size
        self._drop(position)
        if is_torn:
            self._want(1)
        return Passed(data[:position], frames, controls, self._is_end and not self._left) if position else None

    def _note(self, first: int) -> None:
        if first & _CONTROL:
            self._is_end = self.has_closed = first & 0x0F == CLOSE & 0x0F
        else:
            self._is_end = first & _FIN != 0
            self._read_here = _READ_HERE if self._is_end else _READ_IN_BETWEEN


def _header(data: bytes) -> tuple[int, int, bool]:
    """Return how long a frame's payload is, and its header, and whether a client may write that header so.

    (0, 0, False) if the header is not whole.
    """
    try:
        second = data[1]
        size, begins, least = second & 0x7F, _SHORTEST, 0
        if size == 126:
            size, begins, least = data[2] << 8 | data[3], 4, 126
        elif size == 127:
            size, begins, least = int.from_bytes(data[2:10], "big"), 10, 65_536
    except IndexError:
        return 0, 0, False
    is_masked = second >= _MASKED
    if is_masked:
        begins += _KEY_BYTES
    return (size, begins, is_masked and size >= least) if len(data) >= begins else (0, 0, False)


def _text(payload: bytes) -> str | None:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None


def _control(kind: int, payload: bytes) -> Control | None:
    return None if kind == CLOSE and payload and not _is_sound(payload) else Control(kind, payload)


def _is_sound(closing: bytes) -> bool:
    try:
        closing[2:].decode()
    except UnicodeDecodeError:
        return False
    return len(closing) > 1 and int.from_bytes(closing[:2], "big") in _CODES


def text_frame(text: str) -> bytes:
    """Return a text message from a server, in one frame."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return _SHORT_HEADERS[size] + payload
    if size < 65_536:
        return bytes((_WHOLE_TEXT, 126)) + size.to_bytes(2, "big") + payload
    return bytes((_WHOLE_TEXT, 127)) + size.to_bytes(8, "big") + payload


def control_frame(kind: int, payload: bytes = b"") -> bytes:
    """Return a ping, pong or close from a server; `payload` has 125 bytes at most."""
    return bytes((kind, len(payload))) + payload


def close_frame(code: int, reason: str) -> bytes:
    """Return a close from a server; `reason` is cut to the 123 bytes of UTF-8 for which there is room."""
    said = reason.encode()[: _MOST_CONTROL - 2].decode("utf-8", "ignore")
    return control_frame(CLOSE, code.to_bytes(2, "big") + said.encode())
