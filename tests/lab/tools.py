"""Tools for the scenarios in inside.py: commands, waiting, the journal, and callers that never stop talking."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

WORK = Path(__file__).parent
VENV = WORK / "venv/bin/python"
CONFIG = Path("/etc/elizad/config.toml")
ADMIN = "http://127.0.0.1:8766"


def observe(name: str, value: object) -> None:
    print(name, json.dumps(value), sep="\t", flush=True)


def sh(*command: str, check: bool = True) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)
    if check and done.returncode:
        print(subprocess.run(["journalctl", "-b", "--no-pager", "-n", "40"], capture_output=True, text=True).stdout)
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def code(*command: str) -> int:
    return subprocess.run(command, capture_output=True, check=False, timeout=90).returncode


def show(unit: str, what: str) -> str:
    return sh("systemctl", "show", "-P", what, unit).strip()


def pid(unit: str = "elizad.service") -> int:
    return int(show(unit, "MainPID"))


def config(text: str) -> None:
    CONFIG.parent.mkdir(exist_ok=True)
    CONFIG.write_text(text, encoding="utf-8")
    CONFIG.chmod(0o600)


def install(*more: str) -> str:
    return sh(str(VENV), "-m", "elizad", "systemd", "install", *more)


def journal(unit: str = "elizad.service") -> list[dict[str, str]]:
    sh("journalctl", "--sync")
    lines = sh("journalctl", "-u", unit, "-o", "json", "--no-pager", "--all").splitlines()
    return [json.loads(line) for line in lines]


def said(unit: str = "elizad.service") -> str:
    return "\n".join(str(entry.get("MESSAGE")) for entry in journal(unit))


def wait(condition: Callable[[], object], seconds: float = 15) -> float:
    """Wait until `condition` holds and return how long it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise SystemExit(f"waited {seconds} s in vain\n{said()}")
        time.sleep(0.02)
    return round(time.monotonic() - began, 2)


def page(path: str) -> str:
    with urllib.request.urlopen(ADMIN + path, timeout=5) as response:
        return str(response.read().decode())


def answers() -> bool:
    with contextlib.suppress(OSError):
        return bool(json.loads(page("/status"))["pid"])
    return False


def payload(session: str, *turns: str) -> str:
    messages = [{"message": {"role": "user", "content": turn}} for turn in turns]
    return json.dumps({"messages": messages, "custom_session_id": session})


class Callers:
    """Callers that talk without a pause, in a thread of their own, and reconnect as platforms do."""

    def __init__(self, number: int, turns: int) -> None:
        """So many callers; each hangs up and calls again after so many `turns`."""
        self._number = number
        self._turns = turns
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.seen: Counter[str] = Counter()

    def __enter__(self) -> Callers:
        self._thread.start()
        wait(lambda: self.seen["turns"] >= self._number)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    async def _run(self) -> None:
        await asyncio.gather(*(self._call(f"caller-{number}") for number in range(self._number)))

    async def _call(self, session: str) -> None:
        while not self._over.is_set():
            try:
                async with connect("ws://127.0.0.1:8765/llm", open_timeout=20) as line:
                    self.seen["connected"] += 1
                    left = self._turns
                    while left and not self._over.is_set():
                        await self._turn(line, session)
                        left -= 1
            except (OSError, InvalidHandshake, EOFError, TimeoutError) as error:
                self.seen["refused"] += 1
                self.seen[f"refused: {type(error).__name__} {error}"] += 1
                await asyncio.sleep(0.1)
            except ConnectionClosed as closed:
                self.seen[f"closed {closed.rcvd.code if closed.rcvd else 1006}"] += 1

    async def _turn(self, line: ClientConnection, session: str) -> None:
        begun = False
        try:
            await line.send(payload(session, "I think my computer is tired of me and I am unhappy about that"))
            while "assistant_end" not in await line.recv():
                begun = True
        except ConnectionClosed:
            # A turn that had not begun was not lost: whoever asked is told to come back, and asks again.
            self.seen["unfinished" if begun else "asked again"] += 1
            raise
        self.seen["turns"] += 1
        await asyncio.sleep(0.05)  # half of what limits.messages_per_s allows


@contextlib.contextmanager
def talking(number: int, turns: int = 1_000_000) -> Iterator[Callers]:
    with Callers(number, turns) as callers:
        yield callers
        before = callers.seen["turns"]
        wait(lambda: callers.seen["turns"] >= before + number)
