"""A custom language model that elizad dials as Hume would: a real server on loopback, every way that it can behave."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

from elizad.agent import Session, Turn
from elizad.evi import outside as module
from elizad.evi.outside import Outside, OutsideFailed, Report
from elizad.net.dial import parse_url
from elizad.types import Role, Utterance

Serve = Callable[[WebSocketConnection], Awaitable[None]]


class Chat:
    """What the tests have of one chat: the model outside, and what it reported."""

    def __init__(self, port: int) -> None:
        self.failures: list[str] = []
        self.names: list[str] = []
        self.url = url = f"ws://127.0.0.1:{port}/llm"
        report = Report(self.failures.append, self.names.append)
        self.outside = Outside(url, parse_url(url), trio.current_time(), report, "k3f9")

    async def ask(
        self,
        *said: str,
        expressions: dict[str, float] | None = None,
        session: str | None = None,
        context: tuple[str, ...] = (),
    ) -> str:
        roles = [Role.USER, Role.ASSISTANT] * len(said)
        transcript = tuple(Utterance(role, text) for role, text in zip(roles, said, strict=False))
        turn = Turn(
            transcript, said[-1] if said else "", "evi", Session("evi", session), expressions or {}, context=context
        )
        return "".join([text async for text in self.outside.respond(turn)])


@asynccontextmanager
async def chat_with(serve: Serve) -> AsyncIterator[Chat]:
    """Open a chat with a server that does what `serve` does on each connection."""

    async def answer(request: WebSocketRequest) -> None:
        socket = await request.accept()
        try:
            await serve(socket)
        except ConnectionClosed:
            pass

    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve_websocket, answer, "127.0.0.1", 0, None)
        chat = Chat(server.port)
        nursery.start_soon(chat.outside.run)
        with trio.fail_after(30):
            yield chat
        nursery.cancel_scope.cancel()


def saying(*texts: str, **more: str) -> list[str]:
    return [json.dumps({"type": "assistant_input", "text": text, **more}) for text in texts]


END = '{"type":"assistant_end"}'


async def test_a_chat_is_one_connection_and_every_payload_the_whole_thread() -> None:
    payloads: list[list[dict[str, Any]]] = []
    connections = 0

    async def serve(socket: WebSocketConnection) -> None:
        nonlocal connections
        connections += 1
        while True:
            payload = json.loads(await socket.get_message())
            payloads.append(payload["messages"])
            assert payload["custom_session_id"] == "s-1"
            for frame in [*saying("You said ", f"{len(payloads)}. "), END]:
                await socket.send_message(frame)

    async with chat_with(serve) as chat:
        assert await chat.ask("One", session="s-1") == "You said 1. "
        scores = {"Sadness": 0.8}
        assert await chat.ask("One", "You said 1.", "Two", expressions=scores, session="s-1") == "You said 2. "
    assert connections == 1
    assert [(e["type"], e["message"]["role"], e["message"]["content"]) for e in payloads[1]] == [
        ("user_message", "user", "One"),
        ("assistant_message", "assistant", "You said 1."),
        ("user_message", "user", "Two"),
    ]
    assert payloads[1][0] == payloads[0][0]
    assert payloads[1][0]["models"] == {"prosody": None}
    heard = payloads[1][2]["models"]["prosody"]["scores"]
    assert len(heard) == 48
    assert heard["Sadness"] == 0.8
    assert payloads[1][2]["time"]["begin"] >= payloads[0][0]["time"]["begin"]


async def test_what_was_corrected_is_sent_as_it_is_now() -> None:
    heard: list[list[str]] = []

    async def serve(socket: WebSocketConnection) -> None:
        while True:
            payload = json.loads(await socket.get_message())
            heard.append([element["message"]["content"] for element in payload["messages"]])
            await socket.send_message(END)

    async with chat_with(serve) as chat:
        await chat.ask("One", "A whole reply.", "Two")
        await chat.ask("One", "A whole", "Two and", "Yes.", "three")
    assert heard == [["One", "A whole reply.", "Two"], ["One", "A whole", "Two and", "Yes.", "three"]]


async def test_a_chat_without_words_asks_for_a_greeting() -> None:
    asked: list[Any] = []

    async def serve(socket: WebSocketConnection) -> None:
        asked.append(json.loads(await socket.get_message()))
        for frame in [*saying("Welcome."), END]:
            await socket.send_message(frame)
        await trio.sleep_forever()

    async with chat_with(serve) as chat:
        assert await chat.ask() == "Welcome."
    assert asked[0]["messages"][0]["message"] == {"role": "user", "content": "Speak your greeting to the user."}


async def test_context_stands_behind_the_words_it_came_with() -> None:
    heard: list[list[str]] = []

    async def serve(socket: WebSocketConnection) -> None:
        while True:
            payload = json.loads(await socket.get_message())
            heard.append([element["message"]["content"] for element in payload["messages"]])
            await socket.send_message(END)

    async with chat_with(serve) as chat:
        await chat.ask("One", context=("She is tired.", "It rains."))
        await chat.ask("One", "", "Two")
    assert heard == [
        ["One {Context: She is tired.} {Context: It rains.}"],
        ["One {Context: She is tired.} {Context: It rains.}", "Two"],
    ]


async def test_the_server_names_the_session() -> None:
    async def serve(socket: WebSocketConnection) -> None:
        while True:
            await socket.get_message()
            for frame in [*saying("Hello.", custom_session_id="mine"), END]:
                await socket.send_message(frame)

    async with chat_with(serve) as chat:
        await chat.ask("Hi")
        assert chat.names == ["mine"]


async def test_a_server_that_is_not_there_is_told_and_asked_again_the_next_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port: int = listeners[0].socket.getsockname()[1]
    await listeners[0].aclose()
    chat = Chat(port)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(chat.outside.run)
        with trio.fail_after(10):
            for attempt in (1, 2):
                with pytest.raises(OutsideFailed, match="cannot be reached"):
                    await chat.ask("Hello")
                assert len(chat.failures) == attempt
        nursery.cancel_scope.cancel()
    assert chat.failures[0] == f"Custom language model {chat.url} could not be reached (refused)."
    assert "Hello" not in caplog.text


async def test_a_server_that_says_nothing_to_the_handshake_is_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_S", 0.1)
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    chat = Chat(listeners[0].socket.getsockname()[1])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(chat.outside.run)
        with trio.fail_after(10), pytest.raises(OutsideFailed, match="cannot be reached"):
            await chat.ask("Hello")
        nursery.cancel_scope.cancel()
    await listeners[0].aclose()
    assert chat.failures == [f"Custom language model {chat.url} timed out during connection attempt."]


async def test_a_server_that_leaves_in_mid_reply_costs_that_reply_only() -> None:
    calls = 0

    async def serve(socket: WebSocketConnection) -> None:
        nonlocal calls
        calls += 1
        await socket.get_message()
        await socket.send_message(saying("Well, ")[0])
        if calls == 2:
            await socket.send_message(END)
            await socket.get_message()

    async with chat_with(serve) as chat:
        with pytest.raises(OutsideFailed, match="did not finish"):
            await chat.ask("One")
        assert await chat.ask("One", "Well,", "Two") == "Well, "
    assert calls == 2


async def test_a_server_that_leaves_between_two_turns_is_dialled_again() -> None:
    calls = 0

    async def serve(socket: WebSocketConnection) -> None:
        nonlocal calls
        calls += 1
        await socket.get_message()
        for frame in [*saying(f"Call {calls}."), END]:
            await socket.send_message(frame)

    async with chat_with(serve) as chat:
        assert await chat.ask("One") == "Call 1."
        assert await chat.ask("One", "Call 1.", "Two") == "Call 2."


async def test_the_rest_of_an_interrupted_reply_is_not_heard() -> None:
    asked = trio.Event()

    async def serve(socket: WebSocketConnection) -> None:
        await socket.get_message()
        for text in saying("One. "):
            await socket.send_message(text)
        await asked.wait()
        for text in saying("Two. ", "Three. "):
            await socket.send_message(text)
        await socket.get_message()
        for frame in [*saying("New. "), END]:
            await socket.send_message(frame)
        await trio.sleep_forever()

    async with chat_with(serve) as chat:
        with trio.CancelScope() as scope:
            turn = Turn((Utterance(Role.USER, "a"),), "a", "evi", Session("evi"))
            async for text in chat.outside.respond(turn):
                assert text == "One. "
                scope.cancel()
        asked.set()
        await trio.sleep(0.05)
        assert await chat.ask("a", "One.", "b") == "New. "


@pytest.mark.parametrize(
    "frame",
    ["nonsense", "[]", "{}", '{"type":"assistant_input"}', '{"type":"assistant_input","text":3}', "[" * 5000, b"\x00"],
)
async def test_what_is_no_message_is_passed_over(frame: str | bytes) -> None:
    async def serve(socket: WebSocketConnection) -> None:
        await socket.get_message()
        for text in (*saying("One. "), frame, *saying("Two."), END):
            await socket.send_message(text)
        await trio.sleep_forever()

    async with chat_with(serve) as chat:
        assert await chat.ask("Hello") == "One. Two."


async def test_a_server_that_never_ends_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    async def serve(socket: WebSocketConnection) -> None:
        await socket.get_message()
        while True:
            await socket.send_message(saying("more ")[0])

    async with chat_with(serve) as chat:
        turn = Turn((Utterance(Role.USER, "a"),), "a", "evi", Session("evi"))
        pieces = 0
        async with aclosing(chat.outside.respond(turn)) as reply:
            with pytest.raises(OutsideFailed):
                async for _ in reply:
                    pieces += 1
                    while not caplog.records:  # noqa: ASYNC110  # nobody listens, for as long as it takes
                        await trio.sleep(0.01)
        assert 1000 <= pieces <= 1001
        assert vars(caplog.records[0])["fields"]["ignored"] == "more words than anybody could say"
