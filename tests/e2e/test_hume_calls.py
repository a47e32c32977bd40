"""The real daemon and a real client: what Hume does on its custom language model socket."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as connect_sync

from tests.support.calls import SCRIPT
from tests.support.daemon import Daemon

FEELINGS = ["Tiredness", "Anxiety", "Surprise (positive)", "Empathic Pain"]


class Caller:
    """Hume's side of one call: keeps the thread, sends all of it, checks every frame that comes back."""

    def __init__(self, socket: ClientConnection, seed: int, session: str) -> None:
        self._socket = socket
        self._random = random.Random(seed)
        self._clock_ms = 0
        self.session = session
        self.thread: list[dict[str, Any]] = []
        self.frames = 0

    def says(self, text: str) -> None:
        begin = self._clock_ms
        self._clock_ms += 1500
        self.thread.append(
            {
                "type": "user_message",
                "message": {"role": "user", "content": f"{text} {{quite tired, very calm}}"},
                "models": {"prosody": {"scores": {name: self._random.random() for name in FEELINGS}}},
                "time": {"begin": begin, "end": self._clock_ms},
            }
        )

    async def send(self) -> None:
        await self._socket.send(json.dumps({"messages": self.thread, "custom_session_id": self.session}))

    async def frame(self) -> dict[str, Any]:
        raw = await asyncio.wait_for(self._socket.recv(), 10)
        assert isinstance(raw, str), "a text frame"
        frame = json.loads(raw)
        self.frames += 1
        if frame["type"] == "assistant_end":
            assert frame == {"type": "assistant_end"}
        else:
            assert frame["type"] == "assistant_input"
            assert isinstance(frame["text"], str)
            assert frame["text"]
            assert set(frame) <= {"type", "text", "custom_session_id"}
            assert frame.get("custom_session_id", self.session) == self.session
        return frame

    async def reply(self) -> str:
        """Return one whole turn and put it into the thread, an item for each chunk as Hume does."""
        chunks: list[str] = []
        while (frame := await self.frame())["type"] != "assistant_end":
            chunks.append(frame["text"])
        for chunk in chunks:
            self.thread.append(
                {
                    "type": "assistant_message",
                    "message": {"role": "assistant", "content": chunk.strip()},
                    "models": None,
                }
            )
        return "".join(chunks)


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "own.eliza"
    path.write_text(SCRIPT, encoding="utf-8")
    return f'[eliza]\nscript = "{path}"\nmode = "1966"\n'


def test_three_overlapping_calls_with_growing_history_and_barge_in(script: str, tmp_path: Path) -> None:
    async def call(url: str, seed: int) -> Caller:
        async with connect(f"{url}/llm") as socket:
            caller = Caller(socket, seed, f"session-{seed}")
            for turn in range(12):
                caller.says(f"I need thing {turn} of {seed}")
                await caller.send()
                assert await caller.reply() == f"WHAT WOULD THING {turn} OF {seed} CHANGE"
                await asyncio.sleep(0)
                # A long paced reply, cut off after its first chunk: nothing of it follows.
                caller.says("long")
                await caller.send()
                assert (await caller.frame())["text"] == "ONE. "
                caller.thread.append({"type": "assistant_message", "message": {"role": "assistant", "content": "ONE."}})
                caller.says(f"my interruption {turn}")
                await caller.send()
                expected = f"{'TELL ME OF YOUR' if turn % 2 == 0 else 'YOUR'} INTERRUPTION {turn}"
                assert await caller.reply() == (expected if turn % 2 == 0 else f"{expected} AGAIN")
            return caller

    async def calls(url: str) -> list[Caller]:
        return await asyncio.gather(*(call(url, seed) for seed in (1, 2, 3)))

    # Every reply but the interrupted one is a single chunk, so this pace costs no time and the barge-in is never late.
    with Daemon(config=script + "[speech]\npace_s = 5\n", folder=tmp_path) as daemon:
        callers = asyncio.run(calls(daemon.url))
    assert [caller.frames for caller in callers] == [12 * 5] * 3
    closed = [line for line in daemon.log if "call closed" in line]
    assert len(closed) == 3
    assert all("turns=36" in line and "code=1000" in line and "session=session-" in line for line in closed)
    assert not any("INTERRUPTION" in line.upper() for line in daemon.log)


def test_the_same_transcript_gets_the_same_words_on_a_fresh_connection_and_a_fresh_daemon(
    script: str, tmp_path: Path
) -> None:
    async def talk(url: str) -> tuple[Caller, list[str]]:
        async with connect(f"{url}/llm") as socket:
            caller = Caller(socket, 1, "s")
            replies = []
            for text in ("my sister", "yes", "my house", "no", "my sister", "well", "hm"):
                caller.says(text)
                await caller.send()
                replies.append(await caller.reply())
            return caller, replies

    async def resume(url: str, thread: list[dict[str, Any]]) -> str:
        async with connect(f"{url}/llm") as socket:
            caller = Caller(socket, 1, "s")
            caller.thread = thread
            await caller.send()
            return await caller.reply()

    with Daemon(config=script, folder=tmp_path) as first:
        caller, replies = asyncio.run(talk(first.url))
        assert len(set(replies)) > 4
        thread = caller.thread[:-1]
        assert asyncio.run(resume(first.url, list(thread))) == replies[-1]
    with Daemon(config=script, folder=tmp_path) as second:
        assert asyncio.run(resume(second.url, list(thread))) == replies[-1]


SECRET = "xyzzyplugh"


@pytest.mark.parametrize(
    ("message", "code", "why"),
    [
        (f"{SECRET} is not json", 1007, "bad input: not JSON"),
        (
            '{"messages":[{"message":{"role":"user","content":["' + SECRET + '"]}}]}',
            1007,
            "bad input: unexpected shape",
        ),
        ('{"' + SECRET + '":[]}', 1007, "bad input: unexpected shape: Object missing required field"),
        ('{"messages":[{"models":' + "[" * 1_000_000 + "]" * 1_000_000 + "}]}", 1007, "bad input: nested too deeply"),
        (SECRET.encode(), 1003, "bad input: only text messages are understood here"),
        ('{"messages":[{"role":"user","content":"' + SECRET * 500_000 + '"}]}', 1009, "bad input: Exceeded maximum"),
    ],
    ids=["not-json", "wrong-type", "no-messages", "nested", "binary", "oversize"],
)
def test_bad_input_ends_that_call_with_its_code_and_one_line(
    message: str | bytes, code: int, why: str, tmp_path: Path
) -> None:
    config = '[limits]\nmax_message_bytes = 2097152\n[log]\nformat = "json"\n'
    with Daemon(config=config, folder=tmp_path) as daemon:
        with connect_sync(f"{daemon.url}/llm") as bystander, connect_sync(f"{daemon.url}/llm") as socket:
            socket.send(message)
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(timeout=10)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == code
            bystander.send('{"messages":[]}')
            assert "assistant_input" in str(bystander.recv(timeout=10))
    records = [json.loads(line) for line in daemon.log]
    [ended] = [r for r in records if r["event"] == "call closed" and r["code"] == code]
    assert why in ended["why"]
    assert SECRET not in "".join(daemon.log)


def test_neutral_answers_to_what_holds_no_words(tmp_path: Path) -> None:
    with Daemon() as daemon, connect_sync(f"{daemon.url}/llm") as socket:
        for payload in (
            '{"messages":[]}',
            "[]",
            '{"messages":[{"message":{"role":"user","content":""}}]}',
            '{"messages":[{"message":{"role":"user","content":null}}]}',
            '{"messages":[{"message":{"role":"archbishop","content":"kneel"}}]}',
            '{"messages":[{}]}',
        ):
            socket.send(payload)
            frames = [json.loads(socket.recv(timeout=10))]
            while frames[-1]["type"] != "assistant_end":
                frames.append(json.loads(socket.recv(timeout=10)))
            assert "".join(frame.get("text", "") for frame in frames)
