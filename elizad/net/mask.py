"""Takes the mask off what a client sends (RFC 6455 section 5.3), with C where there is some.

Every byte from a client is XORed with a key that changes from frame to frame. Nothing in the standard library does that
for a buffer: the quickest way in Python takes 2.3 ns a byte, which for a long transcript is as much as all the rest of
a turn. The `websockets` package brings a C function for it (0.04 ns a byte); where it is installed, it is used.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
from collections.abc import Callable
from functools import lru_cache
from typing import Final

_C_MODULE: Final = "websockets.speedups"


@lru_cache(256)  # all that there are; 72 KB, and none of it where C does the work
def _xor(key: int) -> bytes:
    return bytes(byte ^ key for byte in range(256))


def unmask_in_python(data: bytes | memoryview, key: bytes) -> bytes:
    """Return `data` without the mask `key`, which has four bytes. It is its own opposite."""
    clear = bytearray(data)
    for number, byte in enumerate(key):
        clear[number::4] = clear[number::4].translate(_xor(byte))
    return bytes(clear)


def _speedups() -> Callable[[bytes | memoryview, bytes], bytes] | None:
    """The function of the package's C module, or None. Not through the package, whose import is long."""
    package = importlib.util.find_spec("websockets")
    found = package and importlib.machinery.PathFinder.find_spec(_C_MODULE, package.submodule_search_locations)
    if found is None or found.loader is None:
        return None
    try:
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
    except ImportError:  # made for another Python
        return None
    return getattr(module, "apply_mask", None)


def _quickest() -> Callable[[bytes | memoryview, bytes], bytes]:
    apply_mask = _speedups()
    if apply_mask is None:
        return unmask_in_python
    # It is no promise of theirs: use it for what it was seen to do, and not otherwise.
    return apply_mask if apply_mask(b"elizad", b"\x00\x01\x02\x03") == b"emkyae" else unmask_in_python


unmask: Final = _quickest()
"""As `unmask_in_python`, the quickest that there is."""
