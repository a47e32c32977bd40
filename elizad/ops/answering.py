"""The table [agent] of the configuration: whose mind answers, and how long it may take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from elizad.ops.schema import Key, Table


def _responder(text: str) -> None:
    place, _, name = text.rpartition(":")
    if text and not (place and name.isidentifier()):
        raise ValueError


class Agent(Table, frozen=True):
    """A mind of your own in ELIZA's place."""

    respond: Annotated[
        str,
        Key(
            "your responder, a function in a module or in a file (relative to the folder of this file); empty: ELIZA",
            form='"module:function", "./file.py:function" or ""',
            check=_responder,
        ),
    ] = ""  # ELIZA is what people come for first
    first_text_s: Annotated[
        float, Key("seconds that your responder has until its first text; then `holding` is said", 0.1, 60)
    ] = 1.5  # a caller who hears nothing for two seconds says "hello?"
    turn_s: Annotated[
        float, Key("seconds that it has for a whole turn; then it is cancelled, and the caller gets an apology", 1, 600)
    ] = 20.0  # more than a minute of speech comes out of a language model in less
    holding: Annotated[str, Key("what is said when the first text is late; empty: nothing", high=200)] = (
        "One moment, please."  # a telephone operator's words
    )

    def at(self, folder: Path) -> Agent:
        """Return the same with a file's path made absolute from `folder`."""
        place, colon, name = self.respond.rpartition(":")
        if not place.endswith(".py"):
            return self
        path = (folder / Path(place).expanduser()).absolute()
        return Agent(
            respond=f"{path}{colon}{name}",
            first_text_s=self.first_text_s,
            turn_s=self.turn_s,
            holding=self.holding,
        )
