"""Listening: addresses as text, real ports, Unix sockets alive and stale, and what is closed when something fails."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest
import trio

from elizad.net.listeners import TcpAddress, UnixAddress, adopt_listener, are_those_of, open_listeners, parse_listen


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8765", TcpAddress("127.0.0.1", 8765)),
        ("localhost:0", TcpAddress("localhost", 0)),
        ("voice.example.org:443", TcpAddress("voice.example.org", 443)),
        ("[::1]:8765", TcpAddress("::1", 8765)),
        ("[fe80::1%eth0]:1", TcpAddress("fe80::1%eth0", 1)),
        (":8765", TcpAddress("", 8765)),
        ("unix:/run/elizad.sock", UnixAddress("/run/elizad.sock")),
    ],
)
def test_addresses(text: str, address: TcpAddress | UnixAddress) -> None:
    assert parse_listen(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not host:port"),
        ("8765", "not host:port"),
        ("localhost", "not host:port"),
        ("localhost:", "not host:port"),
        ("localhost:http", "not host:port"),
        ("::1:8765", "not host:port"),
        ("[::1]", "not host:port"),
        ("[name]:1", "not host:port"),
        ("a b:1", "not host:port"),
        ("http://localhost:1", "not host:port"),
        ("localhost:65536", "above 65535"),
        ("localhost:٣", "not host:port"),
        ("a..b:1", "not host:port"),
        ("x" * 64 + ".org:1", "not host:port"),
        ("unix:", "absolute path"),
        ("unix:run/x.sock", "absolute path"),
        ("unix:/run/", "absolute path"),
        ("unix:/" + "x" * 107, "at most 107 bytes"),
    ],
)
def test_what_is_no_address_is_said_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_listen(text)


async def test_port_0_becomes_a_real_port() -> None:
    (listener,) = await open_listeners([parse_listen("127.0.0.1:0")])
    async with listener:
        scheme, _, port = listener.url.rpartition(":")
        assert scheme == "ws://127.0.0.1"
        client = await trio.open_tcp_stream("127.0.0.1", int(port))
        server = await listener.accept()
        await server.send_all(b"x")
        assert await client.receive_some() == b"x"
        await client.aclose()
        await server.aclose()
    with pytest.raises(OSError, match="connect"):
        await trio.open_tcp_stream("127.0.0.1", int(port))


@pytest.mark.parametrize("text", ["localhost:0", ":0"])
async def test_every_address_of_a_name_has_the_same_port(text: str) -> None:
    listeners = await open_listeners([parse_listen(text)])
    assert len({listener.url.rpartition(":")[2] for listener in listeners}) == 1
    for listener in listeners:
        await listener.aclose()


async def test_a_port_that_is_taken_is_named_and_what_was_open_is_closed(tmp_path: Path) -> None:
    (first,) = await open_listeners([TcpAddress("127.0.0.1", 0)])
    async with first:
        taken = first.url.removeprefix("ws://")
        with pytest.raises(OSError, match=f"cannot listen on {taken}: Address already in use") as caught:
            await open_listeners([UnixAddress(f"{tmp_path}/s"), parse_listen(taken)])
        assert caught.value.errno == errno.EADDRINUSE
        assert os.listdir(tmp_path) == []


async def test_a_port_is_shared_by_those_who_all_ask_for_it() -> None:
    (first,) = await open_listeners([TcpAddress("127.0.0.1", 0)], reuse_port=True)
    shared = parse_listen(first.url.removeprefix("ws://"))
    async with first:
        with pytest.raises(OSError, match="Address already in use"):
            await open_listeners([shared])
        (second,) = await open_listeners([shared], reuse_port=True)
        await second.aclose()


@pytest.mark.parametrize(
    ("listening", "wanted", "fits"),
    [
        (["127.0.0.1"], ["127.0.0.1:{}"], True),
        (["127.0.0.1"], ["localhost:{}"], True),
        (["127.0.0.1"], [":{}"], False),
        (["127.0.0.1"], ["127.0.0.2:{}"], False),
        (["127.0.0.1"], ["127.0.0.1:1"], False),
        (["127.0.0.1"], ["127.0.0.1:{}", "unix:/run/x"], False),
        (["127.0.0.1"], [], False),
        (["0.0.0.0"], [":{}"], True),
        (["::1"], ["[0:0::1]:{}"], True),
        (["0.0.0.0"], ["127.0.0.1:{}"], False),
    ],
)
async def test_sockets_that_were_passed_are_compared_with_what_is_wanted(
    listening: list[str], wanted: list[str], fits: bool
) -> None:
    listeners = [(await open_listeners([TcpAddress(host, 0)]))[0] for host in listening]
    port = listeners[0].url.rpartition(":")[2]
    assert are_those_of(listeners, [parse_listen(text.format(port)) for text in wanted]) is fits
    for listener in listeners:
        await listener.aclose()


async def test_a_unix_socket_that_was_passed_is_known_by_its_path(tmp_path: Path) -> None:
    (listener,) = await open_listeners([UnixAddress(f"{tmp_path}/s")])
    async with listener:
        assert are_those_of([listener], [UnixAddress(f"{tmp_path}/s")])
        assert not are_those_of([listener], [UnixAddress(f"{tmp_path}/t")])


async def test_a_name_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look_up(*_args: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(trio.socket, "getaddrinfo", look_up)
    with pytest.raises(OSError, match=r"cannot listen on no\.example:1: Name or service not known"):
        await open_listeners([TcpAddress("no.example", 1)])


async def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1:0: Cannot assign requested address"):
        await open_listeners([TcpAddress("192.0.2.1", 0)])


class TestUnix:
    async def test_a_connection_and_the_file_is_gone_afterwards(self, tmp_path: Path) -> None:
        path = tmp_path / "s"
        (listener,) = await open_listeners([UnixAddress(str(path))])
        async with listener:
            assert listener.url == f"ws+unix:{path}"
            client = await trio.open_unix_socket(path)
            server = await listener.accept()
            await client.aclose()
            assert await server.receive_some() == b""
            await server.aclose()
        assert not path.exists()
        await listener.aclose()

    async def test_a_stale_file_is_replaced(self, tmp_path: Path) -> None:
        path = tmp_path / "s"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        assert path.exists()
        (listener,) = await open_listeners([UnixAddress(str(path))])
        async with listener:
            client = await trio.open_unix_socket(path)
            await client.aclose()
            await (await listener.accept()).aclose()

    async def test_a_live_one_is_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "s"
        (first,) = await open_listeners([UnixAddress(str(path))])
        async with first:
            with pytest.raises(OSError, match="another process is listening there"):
                await open_listeners([UnixAddress(str(path))])
            client = await trio.open_unix_socket(path)
            await client.aclose()

    async def test_a_file_that_is_no_socket_is_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "precious"
        path.write_text("words")
        with pytest.raises(OSError, match="is not a socket"):
            await open_listeners([UnixAddress(str(path))])
        assert path.read_text() == "words"

    async def test_the_file_of_a_successor_is_not_removed(self, tmp_path: Path) -> None:
        path = tmp_path / "s"
        (old,) = await open_listeners([UnixAddress(str(path))])
        path.rename(tmp_path / "aside")
        (new,) = await open_listeners([UnixAddress(str(path))])
        await old.aclose()
        assert path.exists()
        await new.aclose()
        assert not path.exists()


class TestAdopted:
    async def test_a_socket_that_listens_already(self, tmp_path: Path) -> None:
        path = tmp_path / "s"
        given = socket.socket(socket.AF_UNIX)
        given.bind(str(path))
        given.listen()
        async with adopt_listener(given) as listener:
            assert listener.url == f"ws+unix:{path}"
            client = await trio.open_unix_socket(path)
            await client.aclose()
            await (await listener.accept()).aclose()
        assert path.exists(), "it is not ours to remove"

    async def test_one_that_does_not_listen_is_refused(self) -> None:
        with socket.socket() as given, pytest.raises(OSError, match="not a listening stream socket"):
            adopt_listener(given)
