"""Somebody else's code for one turn: slow, silent, endless, broken, cancelled."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from elizad.agent import Respond, Session, Turn
from elizad.service.responder import Patience, Pieces, respond

PATIENCE = Patience(first_text_s=1, turn_s=10, holding="One moment.", apology="Sorry.")
TURN = Turn((), "hello", "test", Session("test"))


async def spoken(responder: Respond) -> list[tuple[float, str]]:
    """Run a responder for one turn and return what was spoken, and when."""
    start = trio.current_time()
    heard: list[tuple[float, str]] = []

    async def speak(text: str) -> None:
        heard.append((round(trio.current_time() - start, 3), text))
        await trio.lowlevel.checkpoint()

    def spell_out(text: str) -> str:
        return text.replace("30", "thirty")

    await respond(responder, TURN, speak, unit="sentence", patience=PATIENCE, spell=spell_out, conn="c")
    return heard


async def test_text_is_spoken_as_its_sentences_are_complete(autojump_clock: MockClock) -> None:
    async def responder(turn: Turn) -> AsyncIterator[str]:
        for token in ("Hel", "lo", " there. I am", " 30", " now. ", "And", " you?"):
            yield token
            await trio.sleep(0.1)

    assert [text for _, text in await spoken(responder)] == ["Hello there. ", "I am thirty now. ", "And you?"]


async def test_a_late_first_text_is_held_over_once(autojump_clock: MockClock) -> None:
    async def responder(turn: Turn) -> AsyncIterator[str]:
        await trio.sleep(3)
        yield "Here I am."

    assert await spoken(responder) == [(1, "One moment. "), (3, "Here I am.")]


async def test_one_that_never_ends_is_cut_off_with_an_apology(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def responder(turn: Turn) -> AsyncIterator[str]:
        while True:
            await trio.sleep(4)
            yield "More. "

    heard = await spoken(responder)
    assert heard[-1] == (10, "Sorry.")
    assert [text for _, text in heard].count("One moment. ") == 1
    assert "responder cut off" in caplog.text


@pytest.mark.parametrize("said_before", [True, False])
async def test_an_error_costs_an_apology_and_one_line(
    said_before: bool, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def responder(turn: Turn) -> AsyncIterator[str]:
        if said_before:
            yield "I think"
        raise KeyError("what the caller said")

    heard = [text for _, text in await spoken(responder)]
    assert heard == (["I think "] if said_before else []) + ["Sorry."]
    assert len(caplog.records) == 1
    assert caplog.records[0].fields["error"] == "KeyError"  # type: ignore[attr-defined]
    assert "what the caller said" not in caplog.text


async def test_one_that_exits_ends_nobody_else_s_call(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def responder(turn: Turn) -> AsyncIterator[str]:
        yield "Just "
        sys.exit(3)

    assert [text for _, text in await spoken(responder)] == ["Just ", "Sorry."]
    assert len(caplog.records) == 1


async def test_what_is_no_text_is_an_error(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    async def responder(turn: Turn) -> AsyncIterator[str]:
        yield 7  # type: ignore[misc]

    assert [text for _, text in await spoken(responder)] == ["Sorry."]
    assert caplog.records[0].fields["error"] == "TypeError"  # type: ignore[attr-defined]


async def test_one_that_says_nothing_says_nothing(autojump_clock: MockClock) -> None:
    async def responder(turn: Turn) -> AsyncIterator[str]:
        for nothing in ("", ""):
            yield nothing

    assert await spoken(responder) == []


@pytest.mark.parametrize("after_s", [0, 0.5, 1, 2.5, 5])
async def test_cancelled_its_finally_blocks_run_and_nothing_more_is_said(
    autojump_clock: MockClock, after_s: float
) -> None:
    cleaned = []

    async def responder(turn: Turn) -> AsyncIterator[str]:
        try:
            while True:
                await trio.sleep(2)
                yield "Still here. "
        finally:
            cleaned.append(True)

    before = trio.lowlevel.current_statistics().tasks_living
    with trio.move_on_after(after_s):
        await spoken(responder)
    assert cleaned == [True] or after_s == 0
    assert trio.lowlevel.current_statistics().tasks_living == before


@given(st.lists(st.text(alphabet="ab .?!,\n", max_size=6), max_size=30))
def test_pieces_lose_nothing(tokens: list[str]) -> None:
    pieces = Pieces("sentence")
    chunks = [chunk for token in tokens for chunk in pieces.add(token)]
    chunks += pieces.rest()
    assert "".join(chunks) == "".join(tokens)
    assert all(chunks)


def test_text_without_end_is_not_held_without_end() -> None:
    pieces = Pieces("sentence")
    said = [chunk for _ in range(5000) for chunk in pieces.add("ab")]
    assert sum(map(len, said)) > 8000
