"""A voice for those who listen: what espeak-ng makes of a sentence, the same each time."""

from __future__ import annotations

import subprocess
from functools import cache

from elizad.evi.sound import read_head

SPOKEN = "My mother does not like me."


@cache
def spoken(text: str = SPOKEN) -> tuple[bytes, int]:
    """Return a sentence as samples of 16 bits, and their rate."""
    command = ["espeak-ng", *_always_alike(), "-v", "en-us+f2", "-s", "140", "--stdin", "--stdout"]
    made = subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout
    head = read_head(made)
    assert head is not None
    return made[head.begin :], head.rate


def _always_alike() -> list[str]:
    """From 1.52 on chance has a part in a voice, one in eight is misheard, and an option keeps it out."""
    options = subprocess.run(["espeak-ng", "--help"], capture_output=True, text=True, check=True).stdout
    return ["-D"] if "deterministic" in options else []
