"""Plays the transcripts in scripts/ against a real connection with a fake clock."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from elizad.conversation.conversation import Manner
from elizad.protocols.hume_clm import HumeClm
from elizad.protocols.retell import RetellLlm, RetellOptions
from tests.support.calls import make_call
from tests.support.script import read_script

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.script"))


def retell(kind: str) -> RetellLlm:
    """Return the adapter with the options that the name of a script asks for."""
    if kind.startswith("details"):
        options = RetellOptions(call_details=True, greeting="Hello {name}, I listen.", greet_after_details=True)
        return RetellLlm(options, "call-1")
    if kind.startswith("silent"):
        return RetellLlm(RetellOptions(auto_reconnect=False, greeting=""), "call-1")
    return RetellLlm(RetellOptions(), "call-1", resumed=kind.startswith("resumed"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.stem)
async def test_script(path: Path, autojump_clock: MockClock) -> None:
    paced = Manner(pace_s=1.0) if "paced" in path.stem else Manner()
    platform, _, rest = path.stem.partition("-")
    socket, connection = make_call(paced, HumeClm() if platform == "hume" else retell(rest))
    expected: list[object] = []
    with trio.fail_after(3600):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            ended = False
            for number, kind, text in read_script(path):
                if kind == ">":
                    socket.say(text)
                elif kind == "~":
                    await trio.sleep(float(text))
                elif kind == "<":
                    expected.append(json.loads(text))
                    await trio.testing.wait_all_tasks_blocked()
                    seen = [json.loads(frame) for frame in socket.frames]
                    assert seen[: len(expected)] == expected, f"{path.name}:{number}"
                else:
                    await trio.testing.wait_all_tasks_blocked()
                    code, reason = text.split(" ", 1)
                    assert socket.closed is not None, f"{path.name}:{number}: still open"
                    assert socket.closed[0] == int(code)
                    assert socket.closed[1].startswith(reason)
                    ended = True
            await trio.testing.wait_all_tasks_blocked()
            assert [json.loads(frame) for frame in socket.frames] == expected
            if not ended:
                assert socket.closed is None
                socket.hang_up()


def test_there_are_scripts() -> None:
    assert len(SCRIPTS) >= 16
