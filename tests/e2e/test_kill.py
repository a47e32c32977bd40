"""kill -9 in mid-load: what had been acknowledged is there afterwards, or all of it but the last second.

Six kills for each durability; ELIZAD_KILLS=50 makes it fifty, which takes about three minutes.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest
import trio
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from elizad.eliza import Eliza
from elizad.service.kept import Kept, digest_of, unpack
from elizad.store.opening import open_store
from tests.support.daemon import Daemon
from tests.support.returning import SCRIPT

KILLS = int(os.environ.get("ELIZAD_KILLS", "6"))
CALLERS = 6
LOST_S = 1.0
WORDS = ("my sister", "my boat", "well", "my dog", "no", "my hat", "yes")


class Caller(threading.Thread):
    """Says one thing after the other, as fast as it is answered; `heard` is when each turn had come to its end."""

    def __init__(self, url: str, id: str) -> None:
        super().__init__()
        self._url = url
        self.id = id
        self.turns: list[str] = []
        self.heard: list[float] = []

    def run(self) -> None:
        messages: list[object] = []
        try:
            with connect(self._url) as client:
                while True:
                    text = random.choice(WORDS)
                    self.turns.append(text)
                    messages.append({"role": "user", "content": text})
                    client.send(json.dumps({"messages": messages, "custom_session_id": self.id}))
                    while json.loads(client.recv(timeout=10))["type"] != "assistant_end":
                        pass
                    self.heard.append(time.monotonic())
                    messages.append({"role": "assistant", "content": "something"})
                    time.sleep(0.01)
        except (WebSocketException, OSError):
            pass  # killed


def kept_in(path: Path) -> dict[str, Kept]:
    """Read what is kept, as the next daemon would."""

    async def read() -> dict[str, Kept]:
        async with open_store("sqlite", path=str(path), keep_s=1e9, max_sessions=100_000) as store:
            return {record.key.id: unpack(record) for record in await store.latest()}

    return trio.run(read)


@pytest.mark.parametrize(("durability", "load_s"), [("turn", (0.1, 0.6)), ("relaxed", (1.2, 1.9))])
def test_a_kill_in_mid_load_loses_no_more_than_it_may(
    tmp_path: Path, durability: str, load_s: tuple[float, float]
) -> None:
    (tmp_path / "test.eliza").write_text(SCRIPT)
    config = f"""
[eliza]
script = "{tmp_path}/test.eliza"
mode = "1966"
[sessions]
durability = "{durability}"
"""
    eliza = Eliza(SCRIPT)
    checked = lost = 0
    there: set[str] = set()
    for kill in range(KILLS):
        with Daemon(config=config, state=tmp_path, folder=tmp_path) as daemon:
            callers = [Caller(f"{daemon.url}/llm", f"{kill}-{number}") for number in range(CALLERS)]
            for caller in callers:
                caller.start()
            time.sleep(random.uniform(*load_s))
            killed = time.monotonic()
            daemon.process.send_signal(signal.SIGKILL)
            assert daemon.finish() == -signal.SIGKILL
            for caller in callers:
                caller.join()
        kept = kept_in(tmp_path / "sessions.sqlite3")
        for caller in callers:
            # What was heard before the kill, and in relaxed mode a second before it.
            due = killed if durability == "turn" else killed - LOST_S
            acknowledged = sum(heard <= due for heard in caller.heard)
            if caller.id not in kept:
                assert not acknowledged, f"{caller.id} is not there"
                continue
            found = kept[caller.id]
            assert found.turns >= acknowledged
            # And what is there is right: the state that these turns lead to, and no other.
            said = caller.turns[: found.turns]
            state = eliza.start()
            for text in said:
                state, _ = eliza.reply(state, text)
            assert (found.state, found.digest) == (state._replace(memories=state.memories[-100:]), digest_of(said))
            checked += acknowledged
            lost += len(caller.heard) - min(len(caller.heard), found.turns)
        assert there <= set(kept), "what was there after an earlier kill is there still"
        there = set(kept)
    assert checked > 10 * KILLS
    print(f"{durability}: {KILLS} kills, {checked} turns that had to be there, {lost} acknowledged ones lost")
