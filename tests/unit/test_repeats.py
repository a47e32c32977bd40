"""What repeats itself in the log: the first few lines, then a sum."""

from __future__ import annotations

import io
import logging

from elizad.ops.logs import Lines, configure, plain_line, write_sums
from elizad.ops.repeats import Repeats


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def make(most: int = 3) -> tuple[logging.Logger, io.StringIO, Lines, Clock]:
    clock, stream = Clock(), io.StringIO()
    lines = Lines(stream, plain_line)
    lines.removeFilter(lines.repeats)
    lines.repeats = Repeats(most, 10.0, clock)
    lines.addFilter(lines.repeats)
    logger = logging.Logger("elizad.test")
    logger.addHandler(lines)
    return logger, stream, lines, clock


def refuse(logger: logging.Logger, reason: str = "no token", peer: str = "192.0.2.1") -> None:
    logger.info("refused", extra={"fields": {"peer": peer, "reason": reason}})


def test_the_first_few_are_written_and_the_rest_summed_up() -> None:
    logger, stream, lines, clock = make()
    for number in range(10):
        refuse(logger, peer=f"192.0.2.{number}")
    assert stream.getvalue().count("refused") == 3
    assert lines.repeats.sums() == []
    clock.now += 10
    [sum_] = lines.repeats.sums()
    assert sum_.getMessage() == "refused"
    assert sum_.levelno == logging.INFO
    assert sum_.fields == {"reason": "no token", "more_like_this": 7, "in_seconds": 10}  # type: ignore[attr-defined]
    assert lines.repeats.sums() == []
    refuse(logger)
    assert stream.getvalue().count("refused") == 4, "a new window begins"


def test_another_reason_another_level_and_another_text_are_other_events() -> None:
    logger, stream, lines, _clock = make(most=1)
    for _ in range(2):
        refuse(logger, "no token")
        refuse(logger, "too many connections")
        logger.warning("refused", extra={"fields": {"reason": "no token"}})
        logger.warning("something else")
    assert len(stream.getvalue().splitlines()) == 4
    assert len(lines.repeats.sums(all_of_them=True)) == 4


def test_the_record_of_calls_and_debug_lines_are_never_folded() -> None:
    logger, stream, lines, _clock = make(most=1)
    for number in range(50):
        logger.info("call opened", extra={"fields": {"conn": number}})
        logger.info("call closed", extra={"fields": {"conn": number, "why": "the peer closed"}})
        logger.debug("turn", extra={"fields": {"conn": number}})
    assert len(stream.getvalue().splitlines()) == 150
    assert lines.repeats.sums(all_of_them=True) == []


def test_what_comes_slowly_is_never_folded() -> None:
    logger, stream, lines, clock = make(most=3)
    for _ in range(50):
        refuse(logger)
        clock.now += 5
        assert lines.repeats.sums() == []
    assert stream.getvalue().count("refused") == 50


def test_a_flood_of_different_things_takes_bounded_memory_and_all_are_written() -> None:
    logger, stream, lines, _clock = make(most=1)
    for number in range(1000):
        refuse(logger, f"reason {number}")
    assert stream.getvalue().count("refused") == 1000
    assert len(lines.repeats._runs) <= 200


def test_the_daemons_log_writes_its_sums_in_time_and_when_it_is_set_up_anew() -> None:
    root, ours = logging.getLogger(), logging.getLogger("elizad")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    stream = io.StringIO()
    try:
        configure("info", "plain", "never", stream)
        for _ in range(500):
            refuse(logging.getLogger("elizad.net"))
        write_sums()
        assert "more_like_this" not in stream.getvalue()
        configure("info", "plain", "never", stream)
        assert stream.getvalue().count("refused") == 21
        assert "more_like_this=480" in stream.getvalue()
    finally:
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        ours.setLevel(levels[1])
