"""A program on Hume's newest Python SDK: a socket that calls back by kind of event, listening in a task of its own.

Standard input says what to do, as for `quickstart.py`, and everything that the callbacks are given is printed.
"""

from __future__ import annotations

import asyncio
import json
import sys

from hume import AsyncHumeClient
from hume.core.events import EventType
from hume.empathic_voice.types import (
    AssistantInput,
    AudioInput,
    ConnectSessionSettings,
    PauseAssistantMessage,
    ResumeAssistantMessage,
    SessionSettings,
    ToolErrorMessage,
    ToolResponseMessage,
    UserInput,
)

KINDS = {
    "user_input": UserInput,
    "assistant_input": AssistantInput,
    "session_settings": SessionSettings,
    "audio_input": AudioInput,
    "pause": PauseAssistantMessage,
    "resume": ResumeAssistantMessage,
    "tool_response": ToolResponseMessage,
    "tool_error": ToolErrorMessage,
}


def tell(event: str, **more: object) -> None:
    print(json.dumps({"event": event, **more}), flush=True)


async def next_line() -> dict | None:
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    return json.loads(line) if line else None


async def chat(url: str, key: str, options: dict) -> None:
    client = AsyncHumeClient(api_key=key, base_url=url)
    if "session_settings" in options:
        options["session_settings"] = ConnectSessionSettings(**options["session_settings"])
    try:
        async with client.empathic_voice.chat.connect(**options) as socket:
            socket.on(EventType.OPEN, lambda _: tell("open"))
            socket.on(
                EventType.MESSAGE,
                lambda message: tell("message", kind=type(message).__name__, message=json.loads(message.json())),
            )
            socket.on(EventType.ERROR, lambda error: tell("error", text=repr(error)))
            socket.on(EventType.CLOSE, lambda _: tell("close"))
            listening = asyncio.create_task(socket.start_listening())
            while (line := await next_line()) is not None and line["do"] != "close":
                if line["do"] == "wait_closed":
                    await listening
                    tell("closed", code=socket._websocket.close_code)
                else:
                    await socket.send_publish(KINDS[line["do"]](**line["fields"]))
            listening.cancel()
            await asyncio.wait([listening])
    except Exception as error:
        tell("failed", status=getattr(error, "status_code", None), text=str(error))
    tell("over")


async def main() -> None:
    while (line := await next_line()) is not None:
        await chat(line["url"], line["key"], line["options"])


asyncio.run(main())
