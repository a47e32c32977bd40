"""Log records, and streams to write them to."""

from __future__ import annotations

import io
import logging
import shlex

from elizad.ops import logs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Unwritable(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


class Ascii(io.StringIO):
    def write(self, text: str) -> int:
        text.encode("ascii")
        return super().write(text)


class Mute:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def record(event: str = "call opened", level: int = logging.INFO, error: BaseException | None = None, **fields: object):
    made = logging.LogRecord("elizad.service", level, __file__, 1, event, None, None)
    made.created = 1_795_224_225.6789  # 2026-11-21 01:23:45 UTC
    made.fields = fields
    if error is not None:
        made.exc_info = (type(error), error, error.__traceback__)
    return made


def raised(error: BaseException) -> BaseException:
    spoken = "my mother hates me"  # what people say must not leave by way of a local variable
    try:
        raise error
    except BaseException as caught:
        assert spoken
        return caught


def written(event: logging.LogRecord, format: str, color: str = "auto", stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    logs.Lines(stream, logs.renderer(format, color, stream)).handle(event)
    return stream.getvalue()


def pairs(line: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in shlex.split(line))
