"""Reads transcripts of a protocol, which document the wire format and are played against the real connection.

# a comment
> {"messages": []}                       the platform sends this
< {"type": "assistant_end"}              we send this next; compared as JSON
~ 1.5                                    so many seconds pass, in which nothing else is sent
! 1007 not JSON                          the connection ends with this code, and a reason that begins so
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple


class Line(NamedTuple):
    number: int
    kind: str
    text: str


def read_script(path: Path) -> list[Line]:
    """Return the lines that do something; a line that begins with white space continues the one before."""
    lines: list[Line] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if re.match(r"[><~!] ", line):
            lines.append(Line(number, line[0], line[2:].strip()))
        elif line[:1].isspace() and lines and line.strip():
            lines[-1] = lines[-1]._replace(text=lines[-1].text + " " + line.strip())
        else:
            assert not line.strip() or line.startswith("#"), f"{path.name}:{number}: {line!r}"
    assert lines, path
    return lines
