"""Counts WebSocket frames by their headers (RFC 6455 section 5.2), without looking at what is in them.

wsproto spends 10 to 20 microseconds on a frame however small, and trio-websocket does not yield between empty ones:
64 KiB of them stopped the event loop for a third of a second. So bytes are handed on few frames at a time.
"""

from __future__ import annotations

_SHORTEST = 2
_MASK_BYTES = 4


class FrameCounter:
    """Where the frames begin in one direction of one connection. It never fails: nonsense has lengths too."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._payload_left = 0
        self.controls = 0
        """Pings, pongs and closes among the frames so far (RFC 6455 section 5.5)."""

    def advance(self, data: bytes, most: int) -> tuple[int, int]:
        """Walk over `data` until `most` frames have begun and the next would; (how many bytes, how many frames)."""
        position = frames = 0
        while position < len(data):
            if self._payload_left:
                step = min(self._payload_left, len(data) - position)
                self._payload_left -= step
                position += step
                continue
            if frames == most and not self._header:
                break
            wanted = _SHORTEST if len(self._header) < _SHORTEST else _header_bytes(self._header)
            piece = data[position : position + wanted - len(self._header)]
            self._header += piece
            position += len(piece)
            if len(self._header) >= _SHORTEST and len(self._header) == _header_bytes(self._header):
                frames += 1
                self.controls += self._header[0] >> 3 & 1
                self._payload_left = _payload_bytes(self._header)
                self._header.clear()
        return position, frames


def _header_bytes(header: bytearray) -> int:
    short = header[1] & 0x7F
    extended = 2 if short == 126 else 8 if short == 127 else 0
    return _SHORTEST + extended + (_MASK_BYTES if header[1] & 0x80 else 0)


def _payload_bytes(header: bytearray) -> int:
    short = header[1] & 0x7F
    if short < 126:
        return short
    return int.from_bytes(header[2 : 4 if short == 126 else 10], "big")
