"""EVI's HTTP calls at the real process: around a chat, over a restart, with keys, and peers that mean no good."""

from __future__ import annotations

import base64
import io
import json
import socket
import time
import urllib.error
import urllib.request
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from elizad.cli import main
from tests.support.daemon import Daemon

QUIET = '[evi]\nsound = "off"\n'
KEY, SECRET = "key-for-the-test", "secret-for-the-test"
KEYED = f'{QUIET}keys = ["{KEY}:{SECRET}", "another-key"]\n'


def ask(daemon: Daemon, call: str, body: object = None, raw: bytes | None = None, **headers: str) -> tuple[int, Any]:
    """Make a call, such as "GET /v0/evi/configs", and return status and body."""
    method, _, path = call.partition(" ")
    data = raw if raw is not None else None if body is None else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(daemon.url.replace("ws", "http", 1) + path, data, names, method=method)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as response:
            status, answer, kind = response.status, response.read(), response.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        with error:
            status, answer, kind = error.code, error.read(), error.headers["Content-Type"]
    return status, json.loads(answer) if kind == "application/json" else answer or None


def chat(daemon: Daemon, query: str, *texts: str, greeted: bool = False, **headers: str) -> dict[str, Any]:
    """Have a chat in which the user types these texts, after the greeting if any, and return its chat_metadata."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"{daemon.url}/v0/evi/chat?{query}"
    with connect(url, proxy=None, open_timeout=20, additional_headers=names) as client:
        metadata: dict[str, Any] = json.loads(client.recv(timeout=20))
        assert metadata["type"] == "chat_metadata", metadata
        for text in ("", *texts) if greeted else texts:
            if text:
                client.send(json.dumps({"type": "user_input", "text": text}))
            while json.loads(client.recv(timeout=20))["type"] != "assistant_end":
                pass
    return metadata


def until_ended(daemon: Daemon, chat_id: str, **headers: str) -> dict[str, Any]:
    """Return a chat once its end is known; the daemon sees the socket closed a moment after the client has."""
    for _ in range(200):
        status, found = ask(daemon, f"GET /v0/evi/chats/{chat_id}?page_size=100", **headers)
        assert status == 200
        if found["status"] != "ACTIVE":
            return dict(found)
        time.sleep(0.05)
    raise AssertionError("the chat is not over")


def sessions(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    """Run `elizad sessions` beside the daemon."""
    path = tmp_path / "cli.toml"
    path.write_text(f'[sessions]\npath = "{tmp_path}/sessions.sqlite3"\n')
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        code = main(["sessions", "--config", str(path), *arguments])
    return code, out.getvalue()


def test_make_a_config_chat_with_it_and_read_what_was_said_over_a_restart(tmp_path: Path) -> None:
    with Daemon(config=QUIET, state=tmp_path, folder=tmp_path) as daemon:
        greeting = {"on_new_chat": {"enabled": True, "text": "Welcome to the desk."}}
        status, made = ask(daemon, "POST /v0/evi/configs", {"name": "mine", "event_messages": greeting})
        assert status == 201
        metadata = chat(daemon, f"config_id={made['id']}&apiKey=whatever", "I am unhappy", greeted=True)
        found = until_ended(daemon, metadata["chat_id"])
        assert (found["status"], found["config"]) == ("USER_ENDED", {"id": made["id"], "version": 0})
        said = [(event["role"], event["message_text"]) for event in found["events_page"]]
        assert said[:2] == [("AGENT", "Welcome to the desk."), ("USER", "I am unhappy")]
        assert {role for role, _ in said[2:]} == {"AGENT"}
        assert daemon.end() == 0
    log = "".join(daemon.log)
    assert "unhappy" not in log
    assert "whatever" not in log
    with Daemon(config=QUIET, state=tmp_path, folder=tmp_path) as daemon:
        assert until_ended(daemon, metadata["chat_id"]) == found
        assert ask(daemon, f"GET /v0/evi/configs/{made['id']}/version/0") == (200, made)
        again = chat(
            daemon,
            f"resumed_chat_group_id={metadata['chat_group_id']}&config_id={made['id']}",
            "my mother",
        )
        assert again["chat_group_id"] == metadata["chat_group_id"]
        until_ended(daemon, again["chat_id"])
        status, group = ask(daemon, f"GET /v0/evi/chat_groups/{metadata['chat_group_id']}")
        assert (status, group["num_chats"]) == (200, 2)
        assert [entry["id"] for entry in group["chats_page"]] == [metadata["chat_id"], again["chat_id"]]
        status, events = ask(daemon, f"GET /v0/evi/chat_groups/{metadata['chat_group_id']}/events?page_size=100")
        assert [event["message_text"] for event in events["events_page"] if event["role"] == "USER"] == [
            "I am unhappy",
            "my mother",
        ]


def test_a_config_with_the_builtin_tool_lets_us_hang_up(tmp_path: Path) -> None:
    with Daemon(config=QUIET, state=tmp_path, folder=tmp_path) as daemon:
        made = ask(daemon, "POST /v0/evi/configs", {"name": "mine", "builtin_tools": [{"name": "hang_up"}]})[1]
        with connect(f"{daemon.url}/v0/evi/chat?config_id={made['id']}", proxy=None, open_timeout=20) as socket:
            socket.send('{"type": "user_input", "text": "Goodbye."}')
            messages = [json.loads(message) for message in socket]  # until it is closed, with 1000
    called = messages[-1]
    assert (called["type"], called["name"], called["tool_type"]) == ("tool_call", "hang_up", "builtin")
    assert messages[-2]["type"] == "assistant_end"


def test_the_tool_for_sessions_is_not_confused_and_what_it_forgets_is_gone(tmp_path: Path) -> None:
    with Daemon(config=QUIET, state=tmp_path, folder=tmp_path) as daemon:
        made = ask(daemon, "POST /v0/evi/configs", {"name": "mine"})[1]
        metadata = chat(daemon, "", "my pelican is blue")
        until_ended(daemon, metadata["chat_id"])
        assert daemon.end() == 0
    code, out = sessions(tmp_path, "list")
    assert (code, "evi.chat" in out, metadata["chat_id"] in out) == (0, False, False)
    code, out = sessions(tmp_path, "show", metadata["chat_id"])
    assert (code, out) == (1, "")
    assert b"pelican" in files(tmp_path)
    code, out = sessions(tmp_path, "forget", "--older-than", "0m")
    assert code == 0
    assert b"pelican" not in files(tmp_path)
    with Daemon(config=QUIET, state=tmp_path, folder=tmp_path) as daemon:
        assert ask(daemon, "GET /v0/evi/chats")[1]["chats_page"] == []
        assert ask(daemon, f"GET /v0/evi/chats/{metadata['chat_id']}")[0] == 404
        assert ask(daemon, f"GET /v0/evi/configs/{made['id']}")[0] == 200, "configs do not grow old"


def test_a_config_that_is_deleted_is_gone_from_the_disk(tmp_path: Path) -> None:
    with Daemon(config=QUIET, state=tmp_path, folder=tmp_path) as daemon:
        status, made = ask(daemon, "POST /v0/evi/configs", {"name": "mine", "prompt": {"text": "zanzibar " * 500}})
        assert (status, b"zanzibar" in files(tmp_path)) == (201, True), "it is kept before it is answered"
        assert ask(daemon, f"DELETE /v0/evi/configs/{made['id']}") == (204, None)
        assert b"zanzibar" not in files(tmp_path)


def files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("sessions.sqlite3*"))


@pytest.mark.parametrize("settings", ['[sessions]\nstore = "off"\n', ""])
def test_nothing_that_is_said_reaches_the_disk_unless_it_is_to_be_kept(tmp_path: Path, settings: str) -> None:
    config = settings + QUIET + ("" if settings else "keep_chats = false\n")
    with Daemon(config=config, state=tmp_path, folder=tmp_path) as daemon:
        made = ask(daemon, "POST /v0/evi/configs", {"name": "mine"})[1]
        metadata = chat(daemon, f"config_id={made['id']}", "my pelican is blue")
        found = until_ended(daemon, metadata["chat_id"])
        assert "my pelican is blue" in [event["message_text"] for event in found["events_page"]]
        assert daemon.end() == 0
    assert b"pelican" not in files(tmp_path)


def test_with_keys_only_who_has_one_comes_in(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# one more\nkey-in-the-file:its-secret\n")
    (tmp_path / "keys").chmod(0o600)
    basic = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
    form = b"grant_type=client_credentials"
    with Daemon(config=KEYED + 'keys_file = "keys"\n', folder=tmp_path, state=tmp_path) as daemon:
        status, token = ask(daemon, "POST /oauth2-cc/token", raw=form, Authorization=f"Basic {basic}")
        assert (status, token["expires_in"]) == (200, 1800)
        good = [{"X_Hume_Api_Key": key} for key in (KEY, "another-key", "key-in-the-file", token["access_token"])]
        good.append({"Authorization": f"Bearer {token['access_token']}"})
        for headers in good:
            assert ask(daemon, "GET /v0/evi/configs", **headers)[0] == 200
            assert chat(daemon, "", **headers)["chat_id"]
        for name in ("apiKey", "api_key", "accessToken", "access_token"):
            for value in (KEY, token["access_token"]):
                assert chat(daemon, f"{name}={value}")["chat_id"]
                assert ask(daemon, f"GET /v0/evi/chats?{name}={value}")[0] == 200
        for query in ("", "?api_key=wrong-wrong", f"?api_key={SECRET}", "?access_token=ea1.1.2.3"):
            status, body = ask(daemon, f"GET /v0/evi/configs{query}")
            assert (status, body["code"], body["error"]) == (401, "unauthorized", "Unauthorized")
            with pytest.raises(InvalidStatus, match="401"):
                chat(daemon, query[1:])
        for wrong in ("wrong", base64.b64encode(f"{KEY}:wrong".encode()).decode()):
            assert ask(daemon, "POST /oauth2-cc/token", raw=form, Authorization=f"Basic {wrong}")[0] == 401
    log = "".join(daemon.log)
    for secret in (KEY, SECRET, token["access_token"], "key-in-the-file", "its-secret"):
        assert secret not in log
    with Daemon(config=KEYED, folder=tmp_path, state=tmp_path) as daemon:
        bearer = f"Bearer {token['access_token']}"
        assert ask(daemon, "GET /v0/evi/configs", Authorization=bearer)[0] == 200, "a restart takes no token away"
        assert ask(daemon, "GET /v0/evi/configs", X_Hume_Api_Key="key-in-the-file")[0] == 401


def test_without_keys_a_proxy_a_page_or_another_name_is_not_this_machine(tmp_path: Path) -> None:
    with Daemon(config=QUIET, state=tmp_path) as daemon:
        assert ask(daemon, "GET /v0/evi/configs")[0] == 200
        assert ask(daemon, "GET /v0/evi/configs", Origin="http://localhost:3000")[0] == 200
        for headers in (
            {"X_Forwarded_For": "127.0.0.1"},
            {"Forwarded": "for=127.0.0.1"},
            {"Via": "1.1 proxy"},
            {"Host": "elizad.example"},
            {"Origin": "https://page.example"},
        ):
            status, body = ask(daemon, "GET /v0/evi/configs", **headers)
            assert status == 401
            assert "on this machine only" in body["message"]
            if "Host" not in headers:
                with pytest.raises(InvalidStatus, match="401"):
                    chat(daemon, "", **headers)


def test_keys_can_change_while_the_daemon_runs_and_evi_can_be_turned_off(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    with Daemon(config=QUIET, folder=tmp_path, state=tmp_path) as daemon:
        assert ask(daemon, "GET /v0/evi/configs")[0] == 200
        for text, status in ((KEYED, 401), (f"{QUIET}enabled = false\n", 404), (QUIET, 200)):
            config.write_text(text + "[admin]\nlisten = []\n")
            daemon.process.send_signal(1)
            daemon.wait_for("reloaded")
            assert ask(daemon, "GET /v0/evi/configs")[0] == status


def exchange(daemon: Daemon, data: bytes, *, shut: bool) -> bytes:
    """Send raw bytes and return all that comes back."""
    host, _, port = daemon.url.rpartition("/")[2].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as raw:
        raw.sendall(data)
        if shut:
            raw.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while part := raw.recv(65536):
                answer += part
        except ConnectionResetError:
            pass
    return answer


def test_peers_that_mean_no_good_get_one_answer_and_leave_nothing_behind(tmp_path: Path) -> None:
    def post(*headers: str) -> bytes:
        return "\r\n".join(["POST /v0/evi/configs HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()

    with Daemon(config=QUIET, state=tmp_path) as daemon:
        for data, status, shut in (
            (post("Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n", 411, False),
            (post("Content-Length: 262145") + b"{" * 262145, 413, False),
            (post("Content-Length: 999999999999999999") + b"{", 413, False),
            (post("Content-Length: 2", "Content-Length: 3") + b"{}", 400, False),
            (post("Content-Length: 50") + b"{", 400, True),
            (post("Content-Length: 2") + b"{}" + post("Content-Length: 2") + b"{}", 400, False),
            (post("Content-Length: 262144") + b"[" * 262144, 400, False),
            (b"OPTIONS /v0/evi/configs HTTP/1.1\r\nHost: localhost\r\n\r\n", 204, False),
            (b"GET /v0/evi/%2e%2e/%00/\xe2\x98\x8e HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, False),
            (b"GET /v0/evi/%2e%2e/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, False),
            (b"GET /v0/evi/configs HTTP/1.0\r\nHost: localhost\r\n\r\n", 200, False),
        ):
            answer = exchange(daemon, data, shut=shut)
            assert answer.startswith(b"HTTP/1.1 %d " % status), (data[:80], answer[:200])
            assert answer.count(b"HTTP/1.1 ") == 1
        assert ask(daemon, "GET /v0/evi/configs") == (
            200,
            {"page_number": 0, "page_size": 10, "total_pages": 0, "configs_page": []},
        )
    log = "".join(daemon.log)
    assert "bug" not in log
    assert "Traceback" not in log
