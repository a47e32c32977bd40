"""Plays the transcripts in scripts/ against a real connection with a fake clock."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from elizad.conversation.clock import Clock
from elizad.conversation.conversation import Manner
from elizad.conversation.guide import UNGUIDED, Guide
from elizad.conversation.hush import Hush
from elizad.conversation.safety import HELP, Safety
from elizad.conversation.steering import Rule, Steering
from elizad.protocols.hume_clm import HumeClm
from elizad.protocols.retell import RetellLlm, RetellOptions
from tests.support.calls import make_call
from tests.support.script import read_script

_CLOCK = Clock(100.0, 30.0, "We have {time_left} left, I should say.", "That was our time, I have to stop here.")
# What the scripts with "guided" in their name are played with.
GUIDE = Guide(
    Steering(
        [
            Rule(words=("refund",), say="I cannot give refunds, {name}, I am sorry.", limit=1),
            Rule(pattern=r"my name is (?P<who>\w+)", say="Hello {who}, good to hear you.", then="go_on"),
            Rule(expression="Anger", score=0.6, platform="hume", say="I can hear that this made you angry."),
            Rule(context=("vip",), from_turn=2, say="You are welcome here at any time.", limit=1),
        ],
        Safety(HELP["us"]),
        _CLOCK,
    ),
    _CLOCK,
    "You are talking to a program.",
    Hush(["sister"]),
)

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
    guide = GUIDE if "guided" in path.stem else UNGUIDED
    socket, connection = make_call(paced, HumeClm() if platform == "hume" else retell(rest), guide)
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
