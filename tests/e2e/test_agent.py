"""The README's two responders, word for word, behind the real daemon."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.support.daemon import ROOT, Daemon, elizad


def example(name: str) -> str:
    """Return the code that stands in the README between <!-- name --> and <!-- /name -->."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n```python\n(.*?)```\n<!-- /{name} -->", readme, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(example("shop.py"), encoding="utf-8")
    with sqlite3.connect(tmp_path / "shop.sqlite3") as table:
        table.execute("CREATE TABLE answers (topic TEXT, answer TEXT)")
        table.execute("INSERT INTO answers VALUES ('open', 'We are open from 9 to 5.')")
        table.execute("INSERT INTO answers VALUES ('refund', 'Refunds take three days.')")
    table.close()
    return tmp_path


def ask(client: ClientConnection, thread: list[dict[str, object]], text: str) -> str:
    """Say something as Hume does, and return the reply to it, which goes into the thread."""
    thread.append({"message": {"role": "user", "content": text}})
    client.send(json.dumps({"messages": thread}))
    reply = ""
    while (frame := json.loads(client.recv(timeout=10)))["type"] != "assistant_end":
        reply += frame["text"]
    thread.append({"message": {"role": "assistant", "content": reply}})
    return reply


def test_answers_from_a_table_and_eliza_for_the_rest(shop: Path) -> None:
    with Daemon(config="[agent]\nrespond = './shop.py:respond'\n", folder=shop) as daemon:
        with connect(f"{daemon.url}/llm") as client:
            thread: list[dict[str, object]] = []
            assert ask(client, thread, "when do you open") == "We are open from nine to five."
            assert ask(client, thread, "i feel sad").endswith("?")
            last = ask(client, thread, "and a refund")
            assert last == "Refunds take three days. You are asking good questions today."


def test_safety_comes_first(shop: Path) -> None:
    with Daemon(config="[agent]\nrespond = './shop.py:respond'\n", folder=shop) as daemon:
        with connect(f"{daemon.url}/llm") as client:
            reply = ask(client, [], "when do you open, i want to kill myself")
    assert "nine to five" not in reply
    assert "emergency" in reply.lower() or "help" in reply.lower()


def test_what_it_keeps_is_a_field_of_a_rules_text(shop: Path) -> None:
    rule = '[[steer]]\nwords = ["how many"]\nsay = "That is {asked} so far."\n'
    with Daemon(config=f"{rule}[agent]\nrespond = './shop.py:respond'\n", folder=shop) as daemon:
        with connect(f"{daemon.url}/llm") as client:
            thread: list[dict[str, object]] = []
            ask(client, thread, "when do you open")
            ask(client, thread, "and a refund")
            assert ask(client, thread, "how many") == "That is two so far."


def test_talk_works_with_it(shop: Path) -> None:
    config = shop / "config.toml"
    rule = '[[steer]]\nwords = ["how many"]\nsay = "That is {asked} so far."\n'
    config.write_text(f"{rule}[agent]\nrespond = './shop.py:respond'\n", encoding="utf-8")
    result = elizad("talk", "--config", str(config), stdin=b"do you give a refund\ni feel sad\nhow many\n")
    _, first, second, third, end = result.stdout.decode().split("\n")
    assert first == "Refunds take three days."
    assert second.endswith("?")
    assert third == "That is two so far."
    assert end == ""


def test_talk_says_what_went_wrong_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("async def respond(turn):\n    yield 42\n", encoding="utf-8")
    (tmp_path / "config.toml").write_text("[agent]\nrespond = './mine.py:respond'\n", encoding="utf-8")
    for level, says in (("info", b"error=TypeError"), ("debug", b"a responder yields str, not int")):
        result = elizad("talk", "--config", str(tmp_path / "config.toml"), "--log-level", level, stdin=b"hello\n")
        assert result.stdout.splitlines()[1].startswith(b"I'm sorry")
        assert says in result.stderr


class OpenAi(BaseHTTPRequestHandler):
    """A language model that repeats what was said last, a word at a time."""

    asked: list[dict[str, object]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(body)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for word in [
            "I ",
            "heard: ",
            *(f"{word} " for word in body["messages"][-1]["content"].split()),
            ". ",
            "Go on.",
        ]:
            chunk = {"choices": [{"index": 0, "delta": {"content": word}}]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def model() -> Iterator[tuple[str, list[dict[str, object]]]]:
    OpenAi.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), OpenAi)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", OpenAi.asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_streamed_from_a_language_model(
    model: tuple[str, list[dict[str, object]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, asked = model
    monkeypatch.setenv("MODEL_SERVER", url)
    (tmp_path / "model.py").write_text(example("model.py"), encoding="utf-8")
    with Daemon(config="[agent]\nrespond = './model.py:respond'\n", folder=tmp_path) as daemon:
        with connect(f"{daemon.url}/llm") as client:
            thread: list[dict[str, object]] = []
            assert ask(client, thread, "hello model").split() == ["I", "heard:", "hello", "model", ".", "Go", "on."]
            ask(client, thread, "and now")
    assert [len(body["messages"]) for body in asked] == [1, 3]  # type: ignore[arg-type]


def test_a_model_that_is_not_there_costs_an_apology(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_SERVER", "http://127.0.0.1:9")
    (tmp_path / "model.py").write_text(example("model.py"), encoding="utf-8")
    with Daemon(config="[agent]\nrespond = './model.py:respond'\n", folder=tmp_path) as daemon:
        with connect(f"{daemon.url}/llm") as client:
            assert ask(client, [], "hello xyzzy").startswith("I'm sorry")
    assert len([line for line in daemon.log if "responder failed" in line and "ConnectError" in line]) == 1
    assert "xyzzy" not in "".join(daemon.log)


def test_one_that_cannot_be_imported_is_exit_78(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[agent]\nrespond = './missing.py:respond'\n", encoding="utf-8")
    for arguments in ([], ["--check"]):
        result = elizad("--config", str(config), *arguments)
        assert result.returncode == 78
        assert b"agent.respond: there is no file" in result.stderr
