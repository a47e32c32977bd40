"""`elizad call --check` against servers that are wrong in one way each: that it bites, and where."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

import pytest
import trio
from websockets.asyncio.server import ServerConnection
from wsproto.connection import SERVER, Connection
from wsproto.events import CloseConnection, Ping, TextMessage

from elizad.call import phone
from elizad.call.check import Verdict, check, routine
from elizad.call.hume import HumePlatform
from elizad.call.phone import Manner
from elizad.call.retell import RetellPlatform
from elizad.net.dial import parse_url
from tests.support import backends as b
from tests.support.backends import END, GREETING, Backend, config, response, say
from tests.support.peers import BINARY, CLOSE, frame


async def _two_ends(ws: ServerConnection, payload: dict[str, Any]) -> None:
    await b.hume_reply(ws, payload)
    await ws.send(END)


async def _goes_on(ws: ServerConnection, payload: dict[str, Any]) -> None:
    await ws.send(say("Yes."))
    await ws.send(END)
    await asyncio.sleep(0.1)
    await ws.send(say("And another thing."))


async def _talks_long(ws: ServerConnection, payload: dict[str, Any]) -> None:
    """At length where there is much to say."""
    for _ in range(20 if "worried" in payload["messages"][-1]["message"]["content"] else 1):
        await ws.send(say("Well, yes. "))
        await asyncio.sleep(b.PACE_S)
    await ws.send(END)


async def _gives_up(ws: ServerConnection, payload: dict[str, Any]) -> None:
    await ws.send(say("Wait"))
    await ws.close(1011, "out of memory")


async def _drops(ws: ServerConnection, payload: dict[str, Any]) -> None:
    ws.transport.abort()


async def _hangs_up(ws: ServerConnection, number: int, said: str) -> None:
    await ws.send(response(number, "Bye", True))
    await ws.close(1000)


async def _greets(ws: ServerConnection) -> None:
    await ws.send(say("Hello!"))
    await ws.send(END)
    await b.hume()(ws)


HUME: Final[dict[str, tuple[Backend, str, str]]] = {
    "plain text": (b.hume_frames("I hear you.", END), "not-json", "a frame is not JSON"),
    "an array": (b.hume_frames(json.dumps([1]), END), "not-json", "holds an array instead of a JSON object"),
    "another type": (b.hume_frames('{"type":"typing"}', END), "unknown-type", 'type "typing" is not known'),
    "no type": (b.hume_frames('{"text":"Yes."}', END), "missing-field", 'a message lacks "type"'),
    "type is a number": (b.hume_frames('{"type":1}', END), "wrong-type", '"type" of a message is an integer'),
    "no text": (b.hume_frames('{"type":"assistant_input"}', END), "missing-field", 'assistant_input lacks "text"'),
    "text is null": (b.hume_frames('{"type":"assistant_input","text":null}', END), "wrong-type", "is null instead of"),
    "text is a list": (b.hume_frames(say([]), END), "wrong-type", "an array instead of a string"),
    "session is a number": (b.hume_frames(say("Yes.", custom_session_id=7), END), "wrong-type", '"custom_session_id"'),
    "end with words": (b.hume_frames('{"type":"assistant_end","text":"Yes."}'), "end-fields", 'also has "text"'),
    "two ends": (b.hume(_two_ends), "two-ends", "a second assistant_end"),
    "no end": (b.hume_frames(say("Yes.")), "no-end", "the reply was not ended within 1 s"),
    "silence": (b.hume_frames(), "no-end", "no reply came within 1 s"),
    "goes on after the end": (b.hume(_goes_on), "after-end", "words came after assistant_end"),
    "ends both": (b.hume(stops=False), "two-ends", "after a barge-in two assistant_end came"),
    "does not stop": (b.hume(_talks_long, stops=False), "after-barge-in", "the reply that was interrupted goes on"),
    "binary": (b.hume_frames(say("Yes.").encode(), END), "binary-frame", "a binary frame of 43 bytes"),
    "closes with 1011": (b.hume(_gives_up), "hang-up", "closed with 1011 (out of memory)"),
    "drops the line": (b.hume(_drops), "hang-up", "the server was gone"),
}


def _request(*make: Callable[[int], str | bytes]) -> Backend:
    """A backend that answers each request with these frames, made of its id."""
    return b.retell_frames(lambda number: [each(number) for each in make])


def _opens(*frames: str) -> Backend:
    return b.retell(opening=frames)


def _done(number: int) -> str:
    return response(number, "", True)


_EAGER: Final = json.dumps({"response_type": "update_agent", "agent_config": {"responsiveness": 3}})
_NOTHING: Final = '{"response_type":"response","response_id":%d,"content_complete":true}'

RETELL: Final[dict[str, tuple[Backend, str, str]]] = {
    "does not begin": (_opens(config()), "no-begin", "no begin message came within 1 s"),
    "begins without end": (_opens(response(0, "Hello", False)), "no-begin", "was not completed"),
    "config late": (_opens(GREETING, config()), "config-first", "config came after the first response"),
    "config twice": (_opens(config(), config(), GREETING), "config-first", "a second config"),
    "config as text": (_opens(config(auto_reconnect="yes"), GREETING), "wrong-type", "a string instead of true"),
    "out of range": (_opens(config(), _EAGER, GREETING), "range", '"responsiveness" is not between 0 and 1'),
    "no response_type": (_request(lambda n: '{"x":1}', _done), "no-response-type", "no response_type"),
    "unknown type": (_request(lambda n: '{"response_type":"speech"}', _done), "unknown-type", '"speech" is not known'),
    "true as text": (_request(lambda n: response(n, "Yes.", "true")), "wrong-type", "instead of true or false"),
    "id as text": (_request(lambda n: response(str(n), "", True)), "wrong-type", "response is a string instead of"),
    "id as fraction": (_request(lambda n: response(n + 0.0, "", True)), "wrong-type", "a number instead of an integer"),
    "no content": (_request(lambda n: _NOTHING % n), "missing-field", 'response lacks "content"'),
    "id from the future": (_request(lambda n: response(n + 7, "", True)), "unasked", "has response_id 8"),
    "id of the greeting": (_request(lambda n: response(0, "Yes.", True)), "after-end", "words for response_id 0"),
    "never complete": (_request(lambda n: response(n, "Yes.", False)), "no-end", "was not ended within 1 s"),
    "completes twice": (_request(_done, _done), "two-ends", "goes on after its content_complete"),
    "speaks on": (_request(_done, lambda n: response(n, "No.", False)), "after-end", "goes on after its content_com"),
    "does not stop": (b.retell(stops=False), "after-barge-in", "words for response_id 2 came after 3"),
    "binary": (_request(lambda n: _done(n).encode()), "binary-frame", "a binary frame"),
    "hangs up": (b.retell(_hangs_up), "hang-up", "takes 1000 for a hang-up"),
    "ping_pong late": (b.retell(pong_after_s=2.2), "ping-pong", "was answered after 2."),
    "no ping_pong": (b.retell(pong_after_s=None), "ping-pong", "a ping_pong had no answer 2 s later"),
    "greets again": (b.retell(again=None), "greets-twice", "the begin message of a reconnect has words"),
    "arguments no object": (
        _request(lambda n: b.tool("invocation", name="f", arguments="x"), _done),
        "tools",
        "no JSON object written as a string",
    ),
    "result of no call": (_request(lambda n: b.tool("result", content="x"), _done), "tools", "belongs to no tool call"),
}

_OVER: Final = b.text_frame(say("Yes.")) + b.text_frame(END)

_NOT_FOUND: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot here\n"

RAW: Final[dict[str, tuple[b.Raw, str, str]]] = {
    "404": (
        b.refuses(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot here\n"),
        "handshake",
        "404 Not Found: not here",
    ),
    "not http": (b.refuses(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "handshake", "is not HTTP"),
    "gone": (b.refuses(b""), "handshake", "closed the connection instead of answering"),
    "masked": (b.answers(b.text_frame(END, masked=True)), "framing", "unexpected masked frame"),
    "reserved bit": (b.answers(b.text_frame(END, rsv=4)), "framing", "Reserved bit"),
    "no UTF-8": (b.answers(frame(1, b"\xff\xfe", masked=False)), "framing", "can't decode"),
    "no pong": (b.answers(_OVER * 5), "pong", "a ping was not answered within 1 s"),
    "binary byte by byte": (b.answers(frame(BINARY, b"\x00", masked=False), _OVER), "binary-frame", "of 1 bytes"),
}


async def _wrong_accept(stream: trio.SocketStream, request: bytes) -> None:
    await stream.send_all(b.accept(request, key=b"another"))


async def _subprotocol(stream: trio.SocketStream, request: bytes) -> None:
    await stream.send_all(b.accept(request, "Sec-WebSocket-Protocol: chat"))


async def _closes_badly(stream: trio.SocketStream, request: bytes) -> None:
    """Takes everything well but the end: its answer to 1000 is 1011."""
    await stream.send_all(b.accept(request))
    machine = Connection(SERVER)
    while data := await stream.receive_some():
        machine.receive_data(data)
        for event in machine.events():
            if isinstance(event, TextMessage):
                await stream.send_all(_OVER)
            elif isinstance(event, Ping):
                await stream.send_all(machine.send(event.response()))
            elif isinstance(event, CloseConnection):
                await stream.send_all(frame(CLOSE, b"\x03\xf3", masked=False))


RAW["wrong close code"] = (_closes_badly, "close-answer", "our close with 1000 was answered with code 1011")
RAW["wrong accept"] = (_wrong_accept, "handshake", "a wrong Sec-WebSocket-Accept")
RAW["subprotocol"] = (_subprotocol, "handshake", "sec-websocket-protocol, which nobody asked for")

GOOD: Final[dict[str, Backend]] = {
    "hume": b.hume(),
    "hume-at-once": b.hume_frames(say("Yes."), END),
    "hume-empty": b.hume_frames(END),
    "retell": b.retell(),
    "retell-without-pings": b.retell(opening=(GREETING,)),
    "retell-silent": b.retell(opening=(config(), response(0, "", True))),
}


def _platform(name: str) -> HumePlatform | RetellPlatform:
    return HumePlatform(None, {}) if name == "hume" else RetellPlatform("call_7", epoch_s=1_700_000_000)


@pytest.fixture(scope="module")
def verdicts() -> dict[str, Verdict]:
    """Check them all at once: most of a check is waiting whether something more comes."""
    served = {f"hume-{i}": case[0] for i, case in enumerate(HUME.values())}
    served |= {f"retell-{i}": case[0] for i, case in enumerate(RETELL.values())}
    served |= {f"good-{name}": backend for name, backend in GOOD.items()}
    names = {f"hume-{i}": f"hume {name}" for i, name in enumerate(HUME)}
    names |= {f"retell-{i}": f"retell {name}" for i, name in enumerate(RETELL)}
    found: dict[str, Verdict] = {}

    async def one(url: str, platform: str, name: str) -> None:
        steps, last = routine(platform)
        url += "/call_7" * (platform == "retell")
        patience = 5.0 if name.startswith("good") else 1.0
        found[name] = await check(parse_url(url), _platform(platform), steps, last, Manner(patience_s=patience))

    async def raw(name: str, serve_one: b.Raw) -> None:
        async with b.raw_server(serve_one) as url:
            await one(url, "hume", f"raw {name}")

    async def everything(server: b.Backends) -> None:
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                for path, name in names.items():
                    nursery.start_soon(one, server.url(path), path.partition("-")[0], name)
                for name, (serve_one, _, _) in RAW.items():
                    nursery.start_soon(raw, name, serve_one)
            async with trio.open_nursery() as nursery:  # for themselves, so that there is time to interrupt them
                for name in GOOD:
                    nursery.start_soon(one, server.url(f"good-{name}"), name.partition("-")[0], f"good-{name}")

    with b.Backends(served) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(phone, "PONG_S", 1.0)  # a module of tests need not wait as long as a platform
        patch.setattr(phone, "CLOSE_S", 1.0)
        trio.run(everything, server)
    return found


@pytest.mark.parametrize(
    ("name", "rule", "words"),
    [
        *((f"hume {name}", rule, words) for name, (_, rule, words) in HUME.items()),
        *((f"retell {name}", rule, words) for name, (_, rule, words) in RETELL.items()),
        *((f"raw {name}", rule, words) for name, (_, rule, words) in RAW.items()),
    ],
)
def test_a_wrong_server_is_found_out(verdicts: dict[str, Verdict], name: str, rule: str, words: str) -> None:
    findings = [finding for finding in verdicts[name].violations if finding.rule.name == rule]
    assert findings, [(f.rule.name, f.words) for f in verdicts[name].findings]
    assert any(words in finding.words for finding in findings), [finding.words for finding in findings]


@pytest.mark.parametrize("name", list(GOOD))
def test_a_good_server_is_clean(verdicts: dict[str, Verdict], name: str) -> None:
    verdict = verdicts[f"good-{name}"]
    assert [(f.rule.name, f.words, f.turn) for f in verdict.findings] == []
    assert verdict.turns >= 7
    assert verdict.unsaid == 0
    if name in ("hume", "retell"):
        assert verdict.barge_ins == 2


def test_retell_is_broken_off_and_made_again(verdicts: dict[str, Verdict]) -> None:
    assert verdicts["good-retell"].connections == 2
    assert verdicts["good-retell-without-pings"].connections == 1
