"""The settings of elizad: every table, key, range and default; from a TOML file to frozen values and back.

A key is one line here; loading, checking, `--print-config` and the table in the README follow from it (schema.py).
Nothing here acts on a setting, and no floor below `app` sees the whole of Settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from elizad.errors import ConfigError, Problem
from elizad.ops import credentials, evi, keeping, schema
from elizad.ops.answering import Agent
from elizad.ops.bounds import Limits
from elizad.ops.evi import Evi
from elizad.ops.forms import FILE, AllowFrom, Listen, Origins, Source, Tokens, TokensFile, url_path, visible_text
from elizad.ops.guidance import Conversation, Safety, Steer
from elizad.ops.keeping import Sessions
from elizad.ops.places import file_path, script_path
from elizad.ops.schema import Key, Row, Table

ScriptMode = Literal["spoken", "1966"]
ChunkUnit = Literal["sentence", "clause", "word"]
_FILES: Final = (
    "tls.certificate",
    "tls.key",
    "hume.tokens_file",
    "retell.tokens_file",
    "evi.keys_file",
    "sessions.path",
)

PAGES: Final = ("/healthz", "/readyz", "/status", "/metrics")
"""Where ops/admin.py answers, in the order of its methods."""

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["auto", "rich", "plain", "json"]
LogColor = Literal["auto", "always", "never"]
ForwardedHeader = Literal["x-forwarded-for", "forwarded"]


class Server(Table, frozen=True):
    """Where elizad listens."""

    # Loopback: to be reached from outside is a decision, never an accident.
    listen: Annotated[
        tuple[Listen, ...], Key("where calls come in; without a host, at every address; port 0 takes a free one", 1)
    ] = ("127.0.0.1:8765",)
    reuse_port: Annotated[
        bool, Key("share each of these TCP ports with other daemons of the same user, started with it set as well")
    ] = False  # a second daemon on a port is a mistake, unless it is meant
    drain_s: Annotated[
        float, Key("seconds that calls get to finish the turn being spoken when the daemon is stopped", 0, 3600)
    ] = 10.0  # a paced reply is over by then, and nobody waits longer for a restart
    watch: Annotated[
        bool, Key("reload when this file, the script, the certificate or a file with tokens has changed, as on SIGHUP")
    ] = False  # in production a change is made when somebody means it
    trusted_proxies: Annotated[
        tuple[Source, ...], Key('proxies that are believed when they say whom they speak for; "unix": at a Unix socket')
    ] = ()  # who is believed wrongly lets anybody be anybody
    forwarded_header: Annotated[ForwardedHeader, Key("where they say it; the other header is not looked at")] = (
        "x-forwarded-for"  # what Caddy sends, nginx and HAProxy when told to, and every cloud
    )


class Tls(Table, frozen=True):
    """TLS in the daemon itself, for those who have no proxy in front of it."""

    certificate: Annotated[
        str, Key("PEM file of the certificate and those that lead to its issuer; empty: no TLS", form=FILE)
    ] = ""  # a proxy or a tunnel is what most have
    key: Annotated[str, Key("PEM file of the certificate's private key", form=FILE)] = ""  # as above


class Eliza(Table, frozen=True):
    """What ELIZA says."""

    script: Annotated[
        str,
        Key(
            "the packaged script of that name, or a script file (relative to the folder of this file)",
            low=1,
            form="the name of a packaged script, or a path with a slash or a dot in it",
            check=visible_text,
        ),
    ] = "doctor"  # the one that everybody knows
    mode: Annotated[ScriptMode, Key("prose fit to be said aloud, or the program of 1966 byte for byte")] = (
        "spoken"  # what the replies are for
    )


class Hume(Table, frozen=True):
    """Hume EVI's custom language model socket."""

    path: Annotated[
        str,
        Key(
            "the path of Hume's custom language model socket",
            low=1,
            high=1024,
            form='a path that begins with "/", in printable ASCII without "?", "#" and spaces',
            check=url_path,
        ),
    ] = "/llm"  # the path that Hume's own examples use
    tokens: Tokens = ()  # the first try has to work, and until it is changed the address is loopback
    tokens_file: TokensFile = ""  # as above
    allow_from: AllowFrom = ()  # Hume does not say where it calls from
    origins: Origins = ()  # the token is what counts; this keeps other people's pages from trying


class Retell(Table, frozen=True):
    """Retell's custom LLM socket."""

    path: Annotated[
        str,
        Key(
            "the path of Retell's custom LLM socket; Retell puts the id of the call behind it",
            low=1,
            high=1024,
            form='a path that begins with "/", in printable ASCII without "?", "#" and spaces',
            check=url_path,
        ),
    ] = "/llm-websocket"  # the path that Retell's own examples use
    tokens: Tokens = ()  # as for Hume
    tokens_file: TokensFile = ""  # as for Hume
    allow_from: AllowFrom = ()  # Retell calls from 100.20.5.228, but a first try does not
    origins: Origins = ()  # as for Hume
    greeting: Annotated[
        str,
        Key(
            "what is said first: the script's opening line, nothing, the opening line once the details of the call"
            " are known, or your own text, in which {name} is a dynamic variable of the call",
            low=1,
            high=1000,
            form='"doctor", "silent", "after_call_details" or a text',
        ),
    ] = "doctor"  # who calls expects to be greeted
    auto_reconnect: Annotated[
        bool, Key("have Retell ping us every 2 s and connect again when a call's line is lost")
    ] = True  # costs a small message, and saves calls
    call_details: Annotated[bool, Key("have Retell send the details of the call, among them its dynamic variables")] = (
        False  # only a greeting with fields uses them
    )
    session_variable: Annotated[
        str, Key("the dynamic variable that says who calls, so that a next call knows; empty: a session is a call")
    ] = ""  # only you know what your calls have
    transcript_with_tool_calls: Annotated[bool, Key("have Retell send tool calls along with the transcript")] = (
        False  # ELIZA calls no tools
    )

    @property
    def greets_after_details(self) -> bool:
        """Whether the greeting has to wait for the call's details."""
        return self.greeting == "after_call_details" or "{" in self.greeting or bool(self.session_variable)


class Speech(Table, frozen=True):
    """How a reply is handed to the synthesiser."""

    chunk: Annotated[ChunkUnit, Key("what is sent at a time")] = "sentence"  # a synthesiser's prosody needs a sentence
    pace_s: Annotated[
        float, Key("seconds between two chunks of a reply; 0 sends as fast as the line takes them", 0, 10)
    ] = 0.0  # platforms buffer and pace the audio themselves
    spell_numbers: Annotated[
        bool, Key("write numbers, dates, money and abbreviations as the words that are to be said, in spoken mode")
    ] = True  # synthesisers differ in what they make of "$3.50" and "Dr."
    never_say: Annotated[
        tuple[Annotated[str, Key("", 1, 80, form="a word or a few", check=visible_text)], ...],
        Key("words that are never said aloud, not even when the caller said them"),
    ] = ()  # what offends depends on who listens


class Admin(Table, frozen=True):
    """Pages for operators: /healthz, /readyz and /metrics."""

    listen: Annotated[tuple[Listen, ...], Key("where the pages are served; an empty list serves them nowhere")] = (
        "127.0.0.1:8766",  # for this machine only; they say how busy the daemon is
    )
    public: Annotated[bool, Key("serve the pages at the addresses for calls as well")] = False  # nobody else's business


class Log(Table, frozen=True):
    """What is written to standard error."""

    level: Annotated[LogLevel, Key("the least serious line that is written; utterances appear at debug only")] = (
        "info"  # calls and troubles, no words that people said
    )
    format: Annotated[LogFormat, Key("auto is rich on a terminal or with color always, else plain (logfmt)")] = (
        "auto"  # right for a terminal and for the journal
    )
    color: Annotated[LogColor, Key("auto is on a terminal, unless NO_COLOR is set")] = "auto"  # no escapes in a file


class Settings(Table, frozen=True):
    """Everything that can be set, checked."""

    server: Server = Server()
    tls: Tls = Tls()
    eliza: Eliza = Eliza()
    hume: Hume = Hume()
    retell: Retell = Retell()
    evi: Evi = Evi()
    speech: Speech = Speech()
    conversation: Conversation = Conversation()
    safety: Safety = Safety()
    steer: tuple[Steer, ...] = ()
    sessions: Sessions = Sessions()
    agent: Agent = Agent()
    limits: Limits = Limits()
    admin: Admin = Admin()
    log: Log = Log()


def load(path: Path | None, overrides: Mapping[str, object] | None = None) -> Settings:
    """Return the settings of the TOML file at `path`, or the defaults for None.

    `overrides` maps key paths to TOML values ({"log.level": "debug"}) that replace those of the file, checked alike.
    Relative paths of files come back absolute.

    Raises: ConfigError with every problem.
    """
    settings, problems = examine(path, overrides)
    if problems:
        raise ConfigError(problems, str(path) if path else "")
    return settings


def examine(path: Path | None, overrides: Mapping[str, object] | None = None) -> tuple[Settings, list[Problem]]:
    """As `load`, but return the problems; a bad value is left at its default, so that the rest can still be checked."""
    try:
        data = _parsed(credentials.config_path(path)) if path else {}
    except ValueError as wrong:
        return Settings(), [Problem("", str(wrong))]
    settings, problems = schema.read(Settings, data)
    for key, value in (overrides or {}).items():
        table, _, name = key.partition(".")
        part, more = schema.read(Settings, {table: {name: value}})
        problems += more
        if more:
            continue
        changed = msgspec.structs.replace(getattr(settings, table), **{name: getattr(getattr(part, table), name)})
        settings = msgspec.structs.replace(settings, **{table: changed})
    settings = _placed(settings, path.parent if path else Path())
    return settings, problems + list(_together(settings))


def _placed(settings: Settings, folder: Path) -> Settings:
    """Return the settings with the paths of files made absolute from `folder`."""
    for key in _FILES:
        table, _, name = key.partition(".")
        there = getattr(settings, table)
        placed = msgspec.structs.replace(there, **{name: file_path(getattr(there, name), folder)})
        settings = msgspec.structs.replace(settings, **{table: placed})
    settings = msgspec.structs.replace(settings, agent=settings.agent.at(folder), evi=settings.evi.at(folder))
    script = script_path(settings.eliza.script, folder)
    if script is not None:
        settings = msgspec.structs.replace(settings, eliza=msgspec.structs.replace(settings.eliza, script=str(script)))
    return settings


def masked(settings: Settings) -> list[Problem]:
    """Secrets that are only the mask, from a file that `to_toml` wrote.

    Such a file is well formed, so `load` takes it; but a daemon that ran with it would let in everybody who knows the
    mask. Ask this before starting one.
    """
    message = (
        f'this is the mask that --print-config writes ("{schema.MASK}"), not a secret: put the secret in its place'
    )
    return [Problem(path, message) for path in schema.masked(settings)]


def to_toml(settings: Settings) -> str:
    """Return the settings as TOML that `load` takes, with every secret masked."""
    import tomli_w  # only --print-config needs it

    data = schema.plain(settings)
    assert isinstance(data, dict)
    return tomli_w.dumps(data)


def reference() -> list[Row]:
    """Every key: its path, what is allowed, its default as TOML, and what it means."""
    return list(schema.rows(Settings()))


def reference_table() -> str:
    """Return `reference()` as a Markdown table, as it stands in the README."""
    lines = ["| key | values | default | meaning |", "|---|---|---|---|"]
    lines += [f"| `{row.path}` | {row.allowed} | `{row.default}` | {row.meaning} |" for row in reference()]
    return "\n".join(lines) + "\n"


def _together(settings: Settings) -> Iterator[Problem]:
    """Values that are fine alone and wrong together."""
    if settings.retell.greets_after_details and not settings.retell.call_details:
        key = "session_variable" if settings.retell.session_variable else "greeting"
        yield Problem(f"retell.{key}", "it waits for the details of the call: set retell.call_details to true")
    yield from keeping.together(settings.sessions)
    yield from evi.together(settings.evi, {"hume.path": settings.hume.path, "retell.path": settings.retell.path})
    for name in ("hume", "retell"):
        path = getattr(settings, name).path
        if settings.admin.public and path in PAGES:
            message = f'"{path}" is a page for operators: take another, or set admin.public to false'
            yield Problem(f"{name}.path", message)
    if bool(settings.tls.certificate) != bool(settings.tls.key):
        there, lacking = ("certificate", "key") if settings.tls.certificate else ("key", "certificate")
        yield Problem(f"tls.{lacking}", f"tls.{there} is set, and one is of no use without the other")
    if settings.hume.path == settings.retell.path:
        yield Problem("retell.path", f'hume.path is "{settings.hume.path}" as well')
    seen: set[str] = set()
    for key, addresses in (("server.listen", settings.server.listen), ("admin.listen", settings.admin.listen)):
        for index, text in enumerate(addresses):
            if text in seen and not text.endswith(":0"):
                yield Problem(f"{key}[{index}]", "the same address is listened at already")
            seen.add(text)


def _parsed(path: Path) -> dict[str, object]:
    """Read and parse a TOML file. Raises ValueError that says what is wrong, with line and column where it has them."""
    import tomllib  # the defaults alone do without

    try:
        raw = path.read_bytes()
    except OSError as wrong:
        raise ValueError(f"cannot be read: {(wrong.strerror or str(wrong)).lower()}") from None
    try:
        text = raw.decode("utf-8-sig")  # editors on Windows put a byte order mark in front
    except UnicodeDecodeError as wrong:
        line = wrong.object.count(b"\n", 0, wrong.start) + 1
        raise ValueError(f"line {line}: byte 0x{wrong.object[wrong.start]:02x} is not UTF-8") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise ValueError(_with_place_first(str(wrong))) from None
    except ValueError:  # an integer of thousands of digits
        raise ValueError("not TOML: a number in it is too long") from None
    except RecursionError:
        raise ValueError("not TOML: it is nested too deeply") from None


def _with_place_first(message: str) -> str:
    """Turn tomllib's "What (at line 3, column 7)" into "line 3, column 7: what"."""
    match = re.fullmatch(r"(?P<what>.*) \(at (?P<place>line \d+, column \d+|end of document)\)", message, re.DOTALL)
    if match is None:
        return f"not TOML: {message}"
    what = match["what"]
    return f"{match['place']}: {what[:1].lower()}{what[1:]}"
