"""The README's Caddyfile and nginx configuration, word for word, in the real Caddy and nginx with a real client."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.certificates import client_context, files, issue
from tests.support.daemon import ROOT, Daemon
from tests.support.secure import SecureClient

NAME = "eliza.example.com"
UPSTREAM = "127.0.0.1:8765"
GREET = '{"messages":[]}'
CONFIG = """
[server]
trusted_proxies = ["127.0.0.1"]
[limits]
ping_interval_s = 1.5
[speech]
chunk = "word"
pace_s = 0.1
"""


def snippet(name: str) -> str:
    """The configuration that stands in the README between <!-- name --> and <!-- /name -->."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n```\w*\n(.*?)```\n<!-- /{name} -->", readme, re.DOTALL)
    assert found is not None, f"the README has no configuration between <!-- {name} --> and <!-- /{name} -->"
    return found[1]


def changed(text: str, **changes: str) -> str:
    """`text` with what must be different in a test; each must be there."""
    for old, new in changes.items():
        assert old in text, f"{old!r} is not in the README's configuration"
        text = text.replace(old, new)
    return text


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class Proxy(NamedTuple):
    port: int
    context: ssl.SSLContext

    def call(
        self, path: str = "/llm", *, source: str = "127.0.0.1", headers: dict[str, str] | None = None
    ) -> SecureClient:
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=10, source_address=(source, 0))
        sock.setblocking(False)
        return SecureClient(f"wss://{NAME}{path}", self.context, sock=sock, headers=headers)


@contextmanager
def running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    """A process that listens on `port` soon."""
    log = folder / "proxy.log"
    environment = {"HOME": str(folder), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder, env=environment)
    try:
        for _ in range(200):
            assert process.poll() is None, log.read_text()
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            raise AssertionError(f"nothing listens: {log.read_text()}")
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def caddy(folder: Path, upstream: str) -> Iterator[Proxy]:
    port = free_port()
    # Certificates of Caddy's own instead of the internet's, a free port, and nothing outside the folder.
    options = f"""{{
        admin off
        local_certs
        skip_install_trust
        auto_https disable_redirects
        https_port {port}
        default_bind 127.0.0.1
        storage file_system {folder}/storage
    }}
    """
    path = folder / "Caddyfile"
    path.write_text(options + changed(snippet("caddy"), **{UPSTREAM: upstream}))
    with running(["caddy", "run", "--config", str(path), "--adapter", "caddyfile"], folder, port):
        root = folder / "storage/pki/authorities/local/root.crt"
        for _ in range(200):
            if has_certificate(port, root):
                break
            time.sleep(0.05)
        else:
            raise AssertionError(f"no certificate: {(folder / 'proxy.log').read_text()}")
        yield Proxy(port, ssl.create_default_context(cafile=root))


def has_certificate(port: int, root: Path) -> bool:
    """Whether a handshake succeeds: a certificate is in Caddy's storage a moment before Caddy has it."""
    try:
        context = ssl.create_default_context(cafile=root)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            context.wrap_socket(sock, server_hostname=NAME).close()
    except OSError:
        return False
    return True


@contextmanager
def nginx(folder: Path, upstream: str) -> Iterator[Proxy]:
    port = free_port()
    found = files(folder, issue(NAME))
    site = changed(
        snippet("nginx"),
        **{
            UPSTREAM: upstream,
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            f"/etc/letsencrypt/live/{NAME}/fullchain.pem": str(found.certificate),
            f"/etc/letsencrypt/live/{NAME}/privkey.pem": str(found.key),
        },
    )
    places = "\n".join(
        f"{what}_temp_path {folder}/{what};" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = folder / "nginx.conf"
    # A silence of four seconds stands for the minute that it takes by default.
    path.write_text(f"""
        daemon off;
        pid {folder}/nginx.pid;
        error_log stderr;
        events {{ worker_connections 64; }}
        http {{
            {places}
            proxy_read_timeout 4s;
            {site}
        }}
    """)
    with running(["nginx", "-p", str(folder), "-e", "stderr", "-c", str(path)], folder, port):
        yield Proxy(port, client_context())


Start = Callable[[Path, str], AbstractContextManager[Proxy]]


@pytest.fixture(params=[caddy, nginx], ids=lambda start: start.__name__)
def start(request: pytest.FixtureRequest) -> Start:
    start: Start = request.param
    name = start.__name__
    if shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
        pytest.skip(f"{name} is not installed (apt-get install {'nginx-light' if name == 'nginx' else name})")
    return start


def turn(client: SecureClient) -> list[str]:
    client.send(GREET)
    frames = [client.recv(timeout=10)]
    while "assistant_end" not in frames[-1]:
        frames.append(client.recv(timeout=10))
    return frames


def test_a_call_through_the_proxy(start: Start, tmp_path: Path) -> None:
    with Daemon(config=CONFIG) as daemon, start(tmp_path, daemon.url.removeprefix("ws://")) as proxy:
        with proxy.call() as client:
            frames = turn(client)
            assert len(frames) > 3
            assert all("assistant_input" in frame for frame in frames[:-1])
        with pytest.raises(InvalidStatus) as refused:
            proxy.call("/nowhere")
        assert refused.value.response.status_code == 404


def test_the_callers_address_reaches_the_log_and_cannot_be_made_up(start: Start, tmp_path: Path) -> None:
    with Daemon(config=CONFIG) as daemon, start(tmp_path, daemon.url.removeprefix("ws://")) as proxy:
        made_up = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
        with proxy.call(source="127.0.0.2", headers=made_up) as client:
            turn(client)
            daemon.wait_for(r"call opened.*peer=127\.0\.0\.2\b")
    assert not any("203.0.113.9" in line for line in daemon.log)


def test_an_idle_call_survives_and_a_signal_says_goodbye(start: Start, tmp_path: Path) -> None:
    with Daemon(config=CONFIG) as daemon, start(tmp_path, daemon.url.removeprefix("ws://")) as proxy:
        with proxy.call() as client:
            turn(client)
            with pytest.raises(TimeoutError):
                client.recv(timeout=6)  # longer than nginx bears a silence
            client.send(GREET.replace("[]", '[{"message":{"role":"user","content":"I am still here"}}]'))
            frames = [client.recv(timeout=10)]
            daemon.process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    frames.append(client.recv(timeout=10))
            assert "assistant_end" in frames[-1]
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
        assert daemon.finish() == 0
