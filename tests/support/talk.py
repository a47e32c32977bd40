"""Readers of conversations kept as text: tables of utterances with their replies, and whole transcripts."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

SILENCE = "-"


class Exchange(NamedTuple):
    """What was said and what was answered, and the line it stands on."""

    utterance: str
    reply: str
    line: int


def table(path: Path) -> list[Exchange]:
    """Read a table: an utterance on one line, its reply indented on the next; `#` begins a heading or a remark."""
    exchanges: list[Exchange] = []
    said: tuple[str, int] | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0] == " ":
            assert said is not None, f"{path.name}:{number}: a reply to nothing"
            exchanges.append(Exchange("" if said[0] == SILENCE else said[0], line.strip(), said[1]))
            said = None
        else:
            assert said is None, f"{path.name}:{number}: the utterance before has no reply"
            said = line, number
    assert said is None, f"{path.name}: the last utterance has no reply"
    return exchanges


def transcript(path: Path) -> tuple[str, list[Exchange]]:
    """Read a transcript: the opening, then `caller:` and `eliza:` in turns."""
    spoken: list[tuple[str, str, int]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            who, _, words = line.partition(":")
            spoken.append((who, words.strip(), number))
    assert [who for who, _, _ in spoken] == ["eliza", *["caller", "eliza"] * (len(spoken) // 2)], path.name
    turns = zip(spoken[1::2], spoken[2::2], strict=True)
    return spoken[0][1], [Exchange(said, reply, line) for (_, said, line), (_, reply, _) in turns]
