"""The programs in the README, run as they stand there but for the port."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sdk import environments
from tests.sdk.browser import Browser, bundle
from tests.support.daemon import ROOT, Daemon

README = (ROOT / "README.md").read_text(encoding="utf-8")
PORT = "127.0.0.1:8765"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """As it starts without a configuration of one's own."""
    with Daemon() as running:
        yield running


def program(name: str, daemon: Daemon) -> str:
    match = re.search(rf"<!-- evi {re.escape(name)} -->\n```\w+\n(.*?)```\n<!-- /evi", README, re.DOTALL)
    assert match is not None, name
    assert PORT in match[1]
    return match[1].replace(PORT, daemon.url.removeprefix("ws://"))


def run(*command: str) -> list[str]:
    done = subprocess.run(command, env=environments.child(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.splitlines()


def is_an_answer(lines: list[str]) -> bool:
    return bool(lines) and "exam" in " ".join(lines)


def test_python(daemon: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(program("python", daemon))
    assert is_an_answer(run(str(environments.python_with("0.14.1")), str(file)))


def test_the_quickstart(daemon: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(program("quickstart", daemon))
    first, *answer, last = run(str(environments.python_with("0.12.1")), str(file))
    assert (first, last) == ("connected", "closed")
    assert is_an_answer(answer)


@pytest.mark.parametrize("name", ["node", "node-0.8"])
def test_node(name: str, daemon: Daemon, modules: Path) -> None:
    text = program(name, daemon)
    if name == "node-0.8":
        text = text.replace('from "hume"', 'from "hume-0.8.3"')  # both are installed here, so one has another name
    file = modules / f"readme-{name}.mjs"
    file.write_text(text)
    assert is_an_answer(run(environments.node(), str(file)))


def test_react(daemon: Daemon, modules: Path, tmp_path: Path) -> None:
    page = modules / "react" / "readme.jsx"
    page.write_text(program("react", daemon))
    browser = Browser(modules, bundle(modules, page), tmp_path / "profile")
    try:
        browser.open("", "")
        browser.status("connected")
        browser.click("say")
        assert "exam" in browser.text("p.assistant_message")
        assert browser.text("p.user_message") == "I am worried about my exam."
    finally:
        browser.end()
