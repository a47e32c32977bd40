"""A program as the quickstart of Hume's Python SDK (0.12) builds it: four callbacks, and a socket to send on.

Instead of a microphone it has standard input: a line opens a chat, the next ones say what to send, and everything the
callbacks are given is printed.
"""

from __future__ import annotations

import asyncio
import json
import sys

from hume import AsyncHumeClient
from hume.empathic_voice.chat.socket_client import ChatConnectOptions, ChatWebsocketConnection
from hume.empathic_voice.chat.types import SubscribeEvent
from hume.empathic_voice.types import (
    AssistantInput,
    AudioInput,
    PauseAssistantMessage,
    ResumeAssistantMessage,
    SessionSettings,
    ToolErrorMessage,
    ToolResponseMessage,
    UserInput,
)


def tell(event: str, **more: object) -> None:
    print(json.dumps({"event": event, **more}), flush=True)


async def next_line() -> dict | None:
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    return json.loads(line) if line else None


class Callbacks:
    async def on_open(self) -> None:
        tell("open")

    async def on_message(self, message: SubscribeEvent) -> None:
        tell("message", kind=type(message).__name__, message=json.loads(message.json()))

    async def on_close(self) -> None:
        tell("close")

    async def on_error(self, error: Exception) -> None:
        tell("error", text=repr(error))


async def send(socket: ChatWebsocketConnection, do: str, fields: dict) -> None:
    match do:
        case "user_input":
            await socket.send_user_input(UserInput(**fields))
        case "assistant_input":
            await socket.send_assistant_input(AssistantInput(**fields))
        case "session_settings":
            await socket.send_session_settings(SessionSettings(**fields))
        case "audio_input":
            await socket.send_audio_input(AudioInput(**fields))
        case "pause":
            await socket.send_pause_assistant(PauseAssistantMessage())
        case "resume":
            await socket.send_resume_assistant(ResumeAssistantMessage())
        case "tool_response":
            await socket.send_tool_response(ToolResponseMessage(**fields))
        case "tool_error":
            await socket.send_tool_error(ToolErrorMessage(**fields))
        case _:
            raise ValueError(do)


async def chat(url: str, key: str, options: dict) -> None:
    client = AsyncHumeClient(api_key=key, base_url=url)
    callbacks = Callbacks()
    try:
        async with client.empathic_voice.chat.connect_with_callbacks(
            options=ChatConnectOptions(**options),
            on_open=callbacks.on_open,
            on_message=callbacks.on_message,
            on_close=callbacks.on_close,
            on_error=callbacks.on_error,
        ) as socket:
            while (line := await next_line()) is not None and line["do"] != "close":
                if line["do"] == "wait_closed":
                    await socket.websocket.wait_closed()
                    tell("closed", code=socket.websocket.close_code)
                else:
                    await send(socket, line["do"], line["fields"])
    except Exception as error:
        tell("failed", status=getattr(error, "status_code", None), text=str(error))
    tell("over")


async def main() -> None:
    while (line := await next_line()) is not None:
        await chat(line["url"], line["key"], line["options"])


asyncio.run(main())
