"""wss:// without a proxy: the real daemon with a certificate of its own, and real clients."""

from __future__ import annotations

import re
import signal
import socket
import ssl
import warnings
from pathlib import Path
from urllib.request import urlopen

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support.certificates import client_context, files, issue
from tests.support.daemon import Daemon, elizad
from tests.support.secure import SecureClient

GREET = '{"messages":[]}'


def port_of(daemon: Daemon) -> int:
    return int(daemon.url.rpartition(":")[2])


def tls_client(daemon: Daemon, context: ssl.SSLContext, name: str | None = "localhost") -> ssl.SSLSocket:
    sock = socket.create_connection(("127.0.0.1", port_of(daemon)), timeout=10)
    return context.wrap_socket(sock, server_hostname=name)


def lines_with(daemon: Daemon, pattern: str) -> list[str]:
    return [line for line in daemon.log if re.search(pattern, line)]


def test_a_call_over_wss(tmp_path: Path) -> None:
    with Daemon(config=files(tmp_path).config) as daemon:
        assert re.fullmatch(r"wss://127\.0\.0\.1:\d+", daemon.url)
        context = client_context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        with SecureClient(f"{daemon.url}/llm", context) as client:
            client.send(GREET)
            while "assistant_end" not in (frame := client.recv(timeout=10)):
                assert "assistant_input" in frame
            assert client.tls.version() == "TLSv1.3"
            assert client.tls.selected_alpn_protocol() == "http/1.1"
            client.send('{"messages":"' + "x" * 1_000_000 + '"}')
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(timeout=10)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1007
    opened = lines_with(daemon, "call opened")
    assert len(opened) == 1
    assert re.search(r"peer=127\.0\.0\.1:\d+", opened[0])
    assert not lines_with(daemon, "level=error")


def test_paths_relative_to_the_file_and_two_addresses_of_which_one_is_a_unix_socket(tmp_path: Path) -> None:
    files(tmp_path)
    unix = tmp_path / "elizad.sock"
    config = '[tls]\ncertificate = "certificate.pem"\nkey = "key.pem"\n'
    arguments = ("--listen", "127.0.0.1:0", "--listen", f"unix:{unix}")
    with Daemon(*arguments, config=config, folder=tmp_path) as daemon:
        daemon.wait_for(r"listening on ws\+unix:")
        with SecureClient(f"{daemon.url}/llm", client_context()) as client:
            client.send(GREET)
            assert client.recv(timeout=10)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(unix))
            with connect("ws://localhost/llm", sock=sock) as client:
                client.send(GREET)
                assert client.recv(timeout=10)


def test_the_admin_pages_stay_plain(tmp_path: Path) -> None:
    config = files(tmp_path).config + '[admin]\nlisten = ["127.0.0.1:0"]\n'
    with Daemon(config=config) as daemon:
        url = daemon.wait_for(r"admin pages on (http://[^\s\"]+)")[1]
        with socket.create_connection(("127.0.0.1", port_of(daemon))) as sock:
            sock.sendall(b"\x16garbage that is no handshake at all")
            while sock.recv(100):
                pass
        with urlopen(f"{url}/metrics", timeout=10) as page:
            assert "elizad_tls_failed_total 1.0" in page.read().decode()


def old_client(version: ssl.TLSVersion) -> ssl.SSLContext:
    """A client that speaks `version` only, with the ciphers that belong to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


def test_tls_1_2_is_spoken_and_1_1_is_not(tmp_path: Path) -> None:
    with Daemon(config=files(tmp_path).config) as daemon:
        with tls_client(daemon, old_client(ssl.TLSVersion.TLSv1_2)) as sock:
            assert sock.version() == "TLSv1.2"
        with pytest.raises(ssl.SSLError) as refused:
            tls_client(daemon, old_client(ssl.TLSVersion.TLSv1_1)).close()
        assert refused.value.reason == "TLSV1_ALERT_PROTOCOL_VERSION"
        daemon.wait_for(r'no TLS.*reason="unsupported protocol"')
    assert len(lines_with(daemon, "no TLS")) == 1


@pytest.mark.parametrize("name", ["somebody.else.example", None])
def test_whatever_name_a_client_asks_for_it_gets_the_one_certificate(tmp_path: Path, name: str | None) -> None:
    with Daemon(config=files(tmp_path).config) as daemon:
        with tls_client(daemon, client_context(check_hostname=False), name) as sock:
            assert sock.getpeercert()


def test_a_client_that_does_not_trust_us_is_told_apart_in_the_log(tmp_path: Path) -> None:
    with Daemon(config=files(tmp_path).config) as daemon:
        with pytest.raises(ssl.SSLCertVerificationError):
            tls_client(daemon, ssl.create_default_context()).close()
        daemon.wait_for("no TLS.*unknown ca")


def test_plain_http_to_a_tls_port_is_answered_in_the_clear(tmp_path: Path) -> None:
    with Daemon(config=files(tmp_path).config) as daemon:
        with socket.create_connection(("127.0.0.1", port_of(daemon)), timeout=10) as sock:
            sock.sendall(b"GET /llm HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while data := sock.recv(4096):
                answer += data
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert body == b"this port speaks TLS: the address must begin with wss:// or https://\n"
    assert len(lines_with(daemon, "127.0.0.1:[1-9]")) == 2  # listening, and the refusal
    assert lines_with(daemon, "refused.*status=400.*this port speaks TLS")


def test_tls_to_a_plain_port_ends_at_once() -> None:
    with Daemon() as daemon:
        with pytest.raises(ssl.SSLError):
            tls_client(daemon, client_context()).close()
    assert len(lines_with(daemon, "127.0.0.1:[1-9]")) == 2
    assert lines_with(daemon, "refused.*status=400.*not an HTTP request")


def test_a_refusal_over_tls_ends_with_close_notify(tmp_path: Path) -> None:
    with Daemon(config=files(tmp_path).config) as daemon:
        with tls_client(daemon, client_context()) as sock:
            sock.sendall(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while data := sock.recv(4096):  # SSLEOFError without close_notify
                answer += data
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert answer.endswith(b"\r\n\r\nnothing is served at this path\n")


def test_a_signal_says_goodbye_over_tls(tmp_path: Path) -> None:
    with Daemon(config=files(tmp_path).config) as daemon:
        with SecureClient(f"{daemon.url}/llm", client_context()) as client:
            client.send(GREET)
            assert client.recv(timeout=10)
            daemon.process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    client.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        assert daemon.finish() == 0


class TestAtStart:
    def test_a_wrong_key_is_wrong_configuration(self, tmp_path: Path) -> None:
        found = files(tmp_path)
        found.key.write_bytes(issue().private_key_pem.bytes())
        (tmp_path / "c.toml").write_text(found.config)
        for more in ([], ["--check"]):
            done = elizad("--config", str(tmp_path / "c.toml"), *more)
            assert done.returncode == 78
            (line,) = done.stderr.decode().splitlines()
            assert f"c.toml: tls.key: {found.key} is not the key of the certificate" in line or not more
            assert "tls.key: " in line

    def test_an_expired_certificate_is_warned_of_and_served(self, tmp_path: Path) -> None:
        found = files(tmp_path, issue(ends_in_days=-0.5))
        (tmp_path / "c.toml").write_text(found.config)
        done = elizad("--config", str(tmp_path / "c.toml"), "--check")
        assert done.returncode == 0
        assert b"tls.certificate: the certificate has expired" in done.stderr
        with Daemon(config=found.config) as daemon:
            daemon.wait_for('level=warning.*warning="the certificate has expired"')
