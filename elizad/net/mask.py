"""Takes the mask off what a client sends (RFC 6455 section 5.3), with C where there is some.

Every byte from a client is XORed with a key that changes from frame to frame. Nothing in the standard library does that
for a buffer: the quickest way in Python takes 2.3 ns a byte, which for a long transcript is as much as all the rest of
a turn. The `websockets` package brings a C function for it (0.04 ns a byte); where it is installed, it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_XOR: Final = [bytes(byte ^ key for byte in range(256)) for key in range(256)]


def unmask_in_python(data: bytes, key: bytes) -> bytes:
    """Return `data` without the mask `key`, which has four bytes. It is its own opposite."""
    clear = bytearray(data)
    for number, byte in enumerate(key):
        clear[number::4] = clear[number::4].translate(_XOR[byte])
    return bytes(clear)


def _quickest() -> Callable[[bytes, bytes], bytes]:
    try:
        from websockets.speedups import apply_mask
    except ImportError:
        return unmask_in_python
    # It is no promise of theirs: use it for what it was seen to do, and not otherwise.
    return apply_mask if apply_mask(b"elizad", b"\x00\x01\x02\x03") == b"emkyae" else unmask_in_python


unmask: Final = _quickest()
"""As `unmask_in_python`, the quickest that there is."""
