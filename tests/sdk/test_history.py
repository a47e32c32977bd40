"""The calls round a chat, through Hume's own SDKs: make a config, chat with its id, read what was said, tidy up."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.sdk import environments
from tests.sdk.conftest import KEY, Evi
from tests.sdk.driver import PROGRAMS, SDKS, Sdk


def run(sdk: Sdk, evi: Evi, trusting: dict[str, str], request: pytest.FixtureRequest) -> dict[str, object]:
    """Run the program for this SDK to its end, and return what it has found."""
    if sdk.camel:
        modules: Path = request.getfixturevalue("modules")
        generation = sdk.name.removeprefix("node-")
        command = [environments.node(), str(modules / "history.mjs"), generation, evi.url, KEY]
    else:
        python = environments.python_with(sdk.name.removeprefix("python-"))
        command = [str(python), str(PROGRAMS / "history.py"), evi.url, KEY]
    env = {**environments.child(), **trusting}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("sdk", SDKS, ids=str)
def test_a_config_a_chat_and_its_events(
    sdk: Sdk, evi: Evi, trusting: dict[str, str], request: pytest.FixtureRequest
) -> None:
    before = time.time()
    found = run(sdk, evi, trusting, request)
    id, *made = found["config"]
    assert made == [0, "ferries"]
    assert found["duration"] == 30
    assert found["again"] == [id, 1, 20]
    assert found["described"] == "for today"
    assert found["versions"] == [0, 1]
    assert found["named"] == ["boats"]
    mine = {"boats", *(f"config {number}" for number in range(5))}
    assert mine <= set(found["listed"])
    assert len(found["listed"]) == len(set(found["listed"]))
    assert found["greeted"] == ["Ahoy.", "Ferry office."]
    assert [event for event in found["events"] if event[1] in ("USER_MESSAGE", "AGENT_MESSAGE")] == [
        ["AGENT", "AGENT_MESSAGE", "Ahoy."],
        ["AGENT", "AGENT_MESSAGE", "Ferry office."],
        ["USER", "USER_MESSAGE", "My boat leaks."],
        ["AGENT", "AGENT_MESSAGE", "Tell me about your boat leaks."],
        ["AGENT", "AGENT_MESSAGE", "I have time."],
        ["USER", "USER_MESSAGE", "It is raining."],
        ["AGENT", "AGENT_MESSAGE", "I see."],
        ["AGENT", "AGENT_MESSAGE", "Where to?"],
    ]
    assert found["backwards"]
    moments = found["milliseconds"]
    assert moments == sorted(moments)
    assert before - 1 < moments[0] / 1000 <= moments[-1] / 1000 < time.time() + 1
    same_group, status, config, version = found["chat"]
    assert (same_group, config, version) == (True, id, 0)
    assert status in ("ACTIVE", "USER_ENDED")  # the client has closed, and asks at once
    assert found["group"] == [1, True]
    assert found["group_events"]
    assert (found["too_long"], found["unknown"], found["no_chat"]) == (400, 404, 404)
    assert found["versions_left"] == [1]
    assert not mine & set(found["left"])
