"""Who is let in: the real daemon, asked as strangers and platforms ask, with and without proxies in front."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.daemon import Daemon, elizad
from tests.support.metrics import ADMIN, counts, page_url

TOKEN = "a-long-random-secret"
OTHER = "another-random-secret"
GREET = '{"messages":[]}'


def answers(url: str, headers: dict[str, str] | None = None, origin: str | None = None) -> int:
    """The HTTP status of the answer, 101 when ELIZA speaks."""
    try:
        with connect(url, additional_headers=headers, origin=origin) as client:  # type: ignore[arg-type]
            client.send(GREET)
            assert "assistant_input" in str(client.recv(timeout=10))
            return 101
    except InvalidStatus as refused:
        assert b"\n" in (refused.response.body or b""), "a refusal says why in a line"
        return refused.response.status_code


def test_tokens_from_the_configuration_and_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# of the second account\n{OTHER}\n")
    file.chmod(0o600)
    config = f'[hume]\ntokens = ["{TOKEN}"]\ntokens_file = "tokens"\n'
    with Daemon(config=config, folder=tmp_path) as daemon:
        llm = f"{daemon.url}/llm"
        assert answers(llm) == 401
        for wrong in (f"{llm}?token=wrong-one", f"{llm}/wrong-one", f"{llm}?token={TOKEN[:-1]}", f"{llm}?token=%23"):
            assert answers(wrong) == 403
        for token in (TOKEN, OTHER):
            assert answers(f"{llm}?token={token}") == 101
            assert answers(f"{llm}/{token}") == 101
            assert answers(llm, {"Authorization": f"Bearer {token}"}) == 101
        assert answers(llm, {"Authorization": "Bearer wrong-one"}) == 403
        daemon.end()
    log = "".join(daemon.log)
    assert log.count("event=refused") == 6
    assert not any(word in log for word in (TOKEN, OTHER, "wrong-one", "token="))


def test_retell_puts_the_id_of_the_call_behind_the_token(tmp_path: Path) -> None:
    with Daemon(config=f'[retell]\ntokens = ["{TOKEN}"]\n', folder=tmp_path) as daemon:
        for path, status in [(f"/{TOKEN}/call-1", 101), (f"/call-1?token={TOKEN}", 101), ("/call-1", 401)]:
            try:
                with connect(f"{daemon.url}/llm-websocket{path}") as client:
                    assert '"response_type":"config"' in str(client.recv(timeout=10))
                    assert status == 101
            except InvalidStatus as refused:
                assert refused.response.status_code == status


def test_a_systemd_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hume").write_text(TOKEN)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with Daemon(config='[hume]\ntokens_file = "$CREDENTIALS_DIRECTORY/hume"\n') as daemon:
        assert answers(f"{daemon.url}/llm") == 401
        assert answers(f"{daemon.url}/llm/{TOKEN}") == 101


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "hume.tokens_file: {file} cannot be read: no such file or directory"),
        ("# none yet\n", "hume.tokens_file: {file} holds no token"),
        (f"{TOKEN}\nshort\n", "hume.tokens_file: {file}, line 2: expected a token, which has 8 to 256 printable"),
    ],
)
@pytest.mark.parametrize("check", [True, False], ids=["--check", "run"])
def test_a_file_without_good_tokens_is_no_open_door(
    content: str | None, message: str, check: bool, tmp_path: Path
) -> None:
    file = tmp_path / "tokens"
    if content is not None:
        file.write_text(content)
    config = tmp_path / "config.toml"
    config.write_text('[server]\nlisten = ["127.0.0.1:0"]\n[admin]\nlisten = []\n[hume]\ntokens_file = "tokens"\n')
    ran = elizad("--config", str(config), *(["--check"] if check else []))
    assert ran.returncode == 78
    assert message.format(file=file) in ran.stderr.decode()
    assert TOKEN not in ran.stderr.decode()


def test_a_file_that_everybody_can_read_is_warned_about(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(TOKEN)
    file.chmod(0o644)
    config = '[hume]\ntokens_file = "tokens"\n'
    with Daemon(config=config, folder=tmp_path) as daemon:
        assert answers(f"{daemon.url}/llm/{TOKEN}") == 101
        daemon.end()
    (line,) = [line for line in daemon.log if "can be read by everybody on this machine" in line]
    assert "level=warning" in line
    checked = elizad("--config", str(tmp_path / "config.toml"), "--check")
    assert checked.returncode == 0
    assert "can be read by everybody on this machine" in checked.stderr.decode()


def test_addresses_and_a_header_from_nobody_in_particular(tmp_path: Path) -> None:
    """Retell's address is let in, ours is not, and to say that one is Retell helps nobody."""
    with Daemon(config='[retell]\nallow_from = ["100.20.5.228"]\n', folder=tmp_path) as daemon:
        url = f"{daemon.url}/llm-websocket/call-1"
        for headers in ({}, {"X-Forwarded-For": "100.20.5.228"}, {"Forwarded": "for=100.20.5.228"}):
            with pytest.raises(InvalidStatus) as refused:
                connect(url, additional_headers=headers)
            assert refused.value.response.status_code == 403
            assert refused.value.response.body == b"this address is not accepted here\n"
        assert answers(f"{daemon.url}/llm") == 101, "the other endpoint has no list"


def test_addresses_behind_a_proxy(tmp_path: Path) -> None:
    config = '[server]\ntrusted_proxies = ["127.0.0.1"]\n[hume]\nallow_from = ["100.20.5.228", "2001:db8::/32"]\n'
    with Daemon(config=config, folder=tmp_path) as daemon:
        for value, status in [
            ("100.20.5.228", 101),
            ("2001:db8::77", 101),
            ("203.0.113.9", 403),
            ("100.20.5.228, 203.0.113.9", 403),
            ("203.0.113.9, 100.20.5.228", 101),
            ("nonsense", 403),
        ]:
            assert answers(f"{daemon.url}/llm", {"X-Forwarded-For": value}) == status, value
        assert answers(f"{daemon.url}/llm", {"Forwarded": "for=100.20.5.228"}) == 403
        assert answers(f"{daemon.url}/llm") == 403
        daemon.end()
    opened = [line for line in daemon.log if "call opened" in line]
    assert [line.partition("peer=")[2].split()[0].strip('"') for line in opened] == [
        "100.20.5.228",
        "2001:db8::77",
        "100.20.5.228",
    ]


def test_the_other_header_and_a_proxy_at_a_unix_socket(tmp_path: Path) -> None:
    config = (
        '[server]\ntrusted_proxies = ["unix"]\nforwarded_header = "forwarded"\n[hume]\nallow_from = ["100.20.5.228"]\n'
    )
    path = tmp_path / "elizad.sock"
    with Daemon("--listen", f"unix:{path}", config=config, folder=tmp_path):
        for headers, status in [
            ({"Forwarded": "for=100.20.5.228;proto=https"}, 101),
            ({"Forwarded": "for=203.0.113.9", "X-Forwarded-For": "100.20.5.228"}, 403),
            ({}, 403),
        ]:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(str(path))
                try:
                    with connect("ws://localhost/llm", sock=sock, additional_headers=headers):
                        assert status == 101
                except InvalidStatus as refused:
                    assert refused.response.status_code == status


def test_origins(tmp_path: Path) -> None:
    with Daemon(config='[hume]\norigins = ["https://example.com"]\n', folder=tmp_path) as daemon:
        llm = f"{daemon.url}/llm"
        assert answers(llm) == 101, "no browser, no origin"
        assert answers(llm, origin="https://example.com") == 101
        assert answers(llm, origin="https://evil.test") == 403


def test_guessing_is_slow_and_the_right_token_is_not(tmp_path: Path) -> None:
    with Daemon(config=f'[hume]\ntokens = ["{TOKEN}"]\n{ADMIN}', folder=tmp_path) as daemon:
        url = page_url(daemon)
        for _ in range(10):
            assert answers(f"{daemon.url}/llm/wrong-one") == 403
        start = time.monotonic()
        assert answers(f"{daemon.url}/llm/wrong-one") == 403
        assert time.monotonic() - start > 1.9
        start = time.monotonic()
        assert answers(f"{daemon.url}/llm/{TOKEN}") == 101
        assert time.monotonic() - start < 1.9
        found = counts(url)
        assert found['elizad_refusals_total{status="403"}'] == 11
        assert found["elizad_refusals_slowed_total"] == 1
