"""The tables [evi] and [evi.configs.NAME]: elizad in EVI's place, for programs made with Hume's client SDKs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec

from elizad.errors import Problem
from elizad.ops import forms
from elizad.ops.forms import AllowFrom, Origin
from elizad.ops.places import script_path
from elizad.ops.schema import MASK, Key, Secret, Table

Sound = Literal["auto", "espeak", "silence", "off"]

MOST_CONFIGS: Final = 200  # in the file; each is compiled at the start, and ten times more would be felt

_TEXT_CHARS: Final = 1000  # a minute of speech
_PROMPT_CHARS: Final = 10_000  # what Hume's own examples have fits several times
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VOICE_FORM: Final = 'a voice such as "en-us" or "en-gb+f3"'
_VOICE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+/-]{0,63}")


def api_key(text: str) -> None:
    """Raises: ValueError."""
    for part in text.split(":", 1):
        forms.token(part)


def _name(text: str) -> None:
    """Raises: ValueError."""
    if not _NAME.fullmatch(text):
        raise ValueError("a name of letters, digits, dots, dashes and underscores, 64 at most, is expected here")


def _voice(text: str) -> None:
    """Raises: ValueError."""
    if text and not _VOICE.fullmatch(text):
        raise ValueError


def _model(text: str) -> None:
    """Raises: ValueError."""
    if text in ("", MASK):
        return
    parts = urlsplit(text)
    if not (parts.scheme in ("ws", "wss") and parts.hostname and text.isprintable() and " " not in text):
        raise ValueError
    _ = parts.port  # raises for one that is none


KEY_FORM: Final = f'"KEY" or "KEY:SECRET", each of {forms.TOKEN_FORM}'
ApiKey = Annotated[Secret, Key("", 8, 513, form=KEY_FORM, check=api_key)]


class EviConfig(Table, frozen=True):
    """What a chat gets that asks for this name as its `config_id`."""

    script: Annotated[
        str,
        Key(
            "the script that answers, as eliza.script; empty: that one",
            form="the name of a packaged script, or a path with a slash or a dot in it",
            check=forms.visible_text,
        ),
    ] = ""  # one script is what most have
    greeting: Annotated[
        str,
        Key(
            "what is said first: nothing, the script's opening line, or your own text, word for word",
            low=1,
            high=_TEXT_CHARS,
            form='"silent", "doctor" or a text',
        ),
    ] = "silent"  # EVI itself waits for the caller, unless its configuration says otherwise
    voice: Annotated[str, Key("the voice; empty: evi.voice", form=_VOICE_FORM, check=_voice)] = ""  # as there
    inactivity_s: Annotated[
        float, Key("seconds without a word of the caller after which the chat ends; 0: as evi.inactivity_s", 0, 1800)
    ] = 0.0  # as there
    inactivity_text: Annotated[
        str,
        Key("what is said then; the caller has 15 s more to answer. Empty: nothing, and no more time", 0, _TEXT_CHARS),
    ] = ""  # as Hume
    max_duration_s: Annotated[float, Key("seconds that a chat lasts at most; 0: as evi.max_duration_s", 0, 1800)] = (
        0.0  # as there
    )
    max_duration_text: Annotated[str, Key("what is said before it ends for that; empty: nothing", 0, _TEXT_CHARS)] = (
        ""  # as Hume
    )
    custom_language_model: Annotated[
        Secret,
        Key(
            "the address of your own custom language model, which is dialled as Hume would; empty: elizad answers",
            form='"ws://HOST/PATH" or "wss://HOST/PATH"',
            check=_model,
        ),
    ] = Secret("")  # elizad's own mind is what is here without another program; an address may hold a token
    system_prompt: Annotated[
        str, Key("given to a responder and a custom language model; ELIZA herself needs none", 0, _PROMPT_CHARS)
    ] = ""  # as above

    def at(self, folder: Path) -> EviConfig:
        """Return the same with a script's path made absolute from `folder`."""
        path = script_path(self.script, folder) if self.script else None
        return self if path is None else msgspec.structs.replace(self, script=str(path))


class Evi(Table, frozen=True):
    """EVI's chat socket, and the HTTP calls round it."""

    enabled: Annotated[bool, Key("answer at /v0/evi/... and /v0/assistant/chat as EVI does")] = (
        True  # without keys it is there for programs on this machine alone
    )
    keys: Annotated[
        tuple[ApiKey, ...],
        Key(
            "API keys that are taken; the SECRET is for programs that fetch an access token. With none here and in the"
            " file only programs on this machine are let in, whatever key they give"
        ),
    ] = ()  # the first try has to work with the key that a program has, and must not open a door to the world
    keys_file: Annotated[
        str,
        Key(
            "a file with more of them, one a line; lines that begin with # are comments",
            form='a path (relative to the folder of this file), or "$CREDENTIALS_DIRECTORY/NAME"',
            check=forms.visible_text,
        ),
    ] = ""  # as above
    token_s: Annotated[float, Key("seconds that an access token holds good", 1, 86_400)] = 1800.0  # as Hume's
    allow_from: AllowFrom = ()  # people's browsers are anywhere
    origins: Annotated[
        tuple[Origin, ...],
        Key(
            "the web pages that may connect from a browser, beside those of this machine; empty: any once there are"
            " keys, and until then none"
        ),
    ] = ()  # the key is what counts
    sound: Annotated[
        Sound,
        Key("auto: espeak-ng if it is installed, else silence of the length that the words would take; off: no audio"),
    ] = "auto"  # players that wait for audio work either way
    voice: Annotated[str, Key("the voice of espeak-ng (espeak-ng --voices)", 1, 64, form=_VOICE_FORM, check=_voice)] = (
        "en-us"  # what the packaged scripts are written in
    )
    words_per_minute: Annotated[int, Key("how fast it speaks", 80, 450)] = 165  # as people who are not in a hurry
    hearing: Annotated[bool, Key('hear what is said into the microphone, which needs "elizad[voice]"')] = (
        True  # whoever sends sound wants to be heard
    )
    max_listeners: Annotated[
        int,
        Key(
            "how many callers are listened to at a time: each takes 110 MB and, while speaking, half a core",
            1,
            1000,
        ),
    ] = 4  # half a gigabyte, which the units leave room for
    inactivity_s: Annotated[float, Key("seconds without a word of the caller after which a chat ends", 1, 1800)] = (
        600.0  # EVI's own
    )
    max_duration_s: Annotated[float, Key("seconds that a chat lasts at most", 1, 1800)] = 1800.0  # EVI's own
    keep_chats: Annotated[
        bool, Key("keep what was said in the session store, for the HTTP calls and for chats that are resumed")
    ] = True  # programs read a chat's events after it, and [sessions] says for how long
    configs: Annotated[
        Mapping[str, EviConfig],
        Key("", high=MOST_CONFIGS, form="a name", check=_name),
    ] = msgspec.field(default_factory=dict)

    def at(self, folder: Path) -> Evi:
        """Return the same with the paths of files made absolute from `folder`."""
        configs = {name: config.at(folder) for name, config in self.configs.items()}
        return msgspec.structs.replace(self, configs=configs)


def together(evi: Evi, paths: Mapping[str, str]) -> Iterator[Problem]:
    """Values that are fine alone and wrong together. `paths`: those of the other endpoints, by key."""
    for key, path in paths.items():
        if evi.enabled and path.startswith(("/v0/evi", "/v0/assistant", "/oauth2-cc")):
            yield Problem(
                key, f'"{path}" is among the paths where EVI answers: take another, or set evi.enabled to false'
            )
