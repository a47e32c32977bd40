"""What new calls get: everything that the settings name, read and checked in full before anything is changed.

A reload makes another `Current`; calls keep what they began with.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from elizad.conversation.conversation import Manner
from elizad.eliza import Eliza
from elizad.errors import ConfigError, Problem
from elizad.evi.keys import Keys
from elizad.evi_now import EviNow, chat_routes, evi_now, make_keys, read_keys
from elizad.guidance import advice, make_guide
from elizad.keeping import store_of
from elizad.mind import make_eliza
from elizad.net.addresses import Sources
from elizad.net.admission import Route
from elizad.net.limits import Limits
from elizad.net.tls import BadCertificate, Certificate
from elizad.ops import credentials
from elizad.ops.changes import changed_keys
from elizad.ops.config import Hume, Retell, Settings
from elizad.ops.tokens import TokenFile, read_tokens
from elizad.protocols.catalogue import catalogue
from elizad.protocols.retell import RetellOptions
from elizad.responders import borrowed_mind
from elizad.service.voice import Voice

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Source:
    """Where the settings come from: `path` is the file, if there is one, and `load` reads it as at the start."""

    path: Path | None
    load: Callable[[], Settings]
    """Raises: ConfigError."""


@dataclass(frozen=True, slots=True)
class Current:
    """One state of the configuration and of all that it names."""

    settings: Settings
    voice: Voice
    routes: tuple[Route, ...]
    limits: Limits
    certificate: Certificate | None
    evi: EviNow
    warnings: tuple[Problem, ...]
    """What will trouble callers although it can be used."""
    sums: Mapping[str, int]
    """A checksum of each file that the settings name, by key."""

    def changed_since(self, old: Current) -> list[str]:
        """The keys whose values differ, and those whose files hold something else than before."""
        keys = changed_keys(old.settings, self.settings)
        files = (key for key, value in self.sums.items() if old.sums.get(key, value) != value)
        return [*keys, *(key for key in files if key not in keys)]


def prepare(settings: Settings) -> Current:
    """Read and check all that `settings` name.

    Raises: ConfigError with every problem.
    """
    problems: list[Problem] = []
    given = credentials.replaced(settings)

    def attempt(make: Callable[[Settings], T]) -> T | None:
        try:
            return make(given)
        except ConfigError as error:
            problems.extend(error.problems)
            return None

    eliza, certificate, files = attempt(_eliza), attempt(_certificate), attempt(_token_files)
    borrowed, scripts = attempt(borrowed_mind), attempt(_scripts)
    attempt(store_of)
    if eliza is None or files is None or scripts is None or problems:
        raise ConfigError(problems)
    keys = make_keys(settings.evi, files.get("evi.keys_file"))
    warnings = [Problem(key, file.warning) for key, file in files.items()]
    if certificate is not None:
        warnings.append(Problem("tls.certificate", certificate.warning))
    warnings += advice(settings)
    if settings.server.watch and credentials.are_given():
        warnings.append(Problem("server.watch", "systemd passed copies of the files: they change on systemctl reload"))
    return Current(
        settings,
        Voice(eliza, _manner(settings), catalogue(_retell_options(settings)), make_guide(settings), borrowed, scripts),
        _routes(settings, files, keys),
        _limits(settings),
        certificate,
        evi_now(settings.evi, keys),
        tuple(problem for problem in warnings if problem.message),
        _sums(given),
    )


def _sums(settings: Settings) -> dict[str, int]:
    found = {}
    for key, path in credentials.named_files(settings).items():
        try:
            found[key] = zlib.crc32(path.read_bytes())
        except OSError:  # gone since it was read
            continue
    return found


def _eliza(settings: Settings) -> Eliza:
    return make_eliza(settings.eliza.script, settings.eliza.mode, spell_numbers=settings.speech.spell_numbers)


def _scripts(settings: Settings) -> dict[str, Eliza]:
    """Compile the scripts that configs of EVI name, each once."""
    scripts: dict[str, Eliza] = {}
    problems: list[Problem] = []
    for name, config in settings.evi.configs.items() if settings.evi.enabled else ():
        if config.script and config.script not in scripts:
            try:
                scripts[config.script] = make_eliza(
                    config.script, settings.eliza.mode, spell_numbers=settings.speech.spell_numbers
                )
            except ConfigError as error:
                problems += [Problem(f"evi.configs.{name}.script", problem.message) for problem in error.problems]
    if problems:
        raise ConfigError(problems)
    return scripts


def _certificate(settings: Settings) -> Certificate | None:
    tls = settings.tls
    if not (tls.certificate and tls.key):
        return None
    try:
        return Certificate(tls.certificate, tls.key)
    except BadCertificate as error:
        raise ConfigError([Problem(f"tls.{error.which}", str(error))]) from None


def _token_files(settings: Settings) -> dict[str, TokenFile]:
    """Read the files with tokens, by their key in the configuration."""
    files: dict[str, TokenFile] = {}
    problems: list[Problem] = []
    for key, path, read in (
        ("hume.tokens_file", settings.hume.tokens_file, read_tokens),
        ("retell.tokens_file", settings.retell.tokens_file, read_tokens),
        ("evi.keys_file", settings.evi.keys_file, read_keys),
    ):
        if path:
            try:
                files[key] = read(path)
            except ValueError as wrong:
                problems.append(Problem(key, str(wrong)))
    if problems:
        raise ConfigError(problems)
    return files


def _manner(settings: Settings) -> Manner:
    return Manner(settings.speech.chunk, settings.speech.pace_s, settings.limits.utterance_chars)


def _routes(settings: Settings, files: Mapping[str, TokenFile], keys: Keys) -> tuple[Route, ...]:
    def route(name: str, endpoint: Hume | Retell, *, has_tail: bool) -> Route:
        file = files.get(f"{name}.tokens_file")
        more = file.tokens if file else ()
        return Route(
            name,
            endpoint.path,
            endpoint.tokens + more,
            has_tail=has_tail,
            allow_from=Sources(endpoint.allow_from),
            origins=endpoint.origins,
        )

    others = route("hume", settings.hume, has_tail=False), route("retell", settings.retell, has_tail=True)
    return (*others, *chat_routes(settings.evi, keys)) if settings.evi.enabled else others


def _retell_options(settings: Settings) -> RetellOptions:
    retell = settings.retell
    return RetellOptions(
        auto_reconnect=retell.auto_reconnect,
        call_details=retell.call_details,
        transcript_with_tool_calls=retell.transcript_with_tool_calls,
        greeting={"doctor": None, "after_call_details": None, "silent": ""}.get(retell.greeting, retell.greeting),
        greet_after_details=retell.greets_after_details,
        session_variable=retell.session_variable,
    )


def _limits(settings: Settings) -> Limits:
    names = Limits.__dataclass_fields__
    return Limits(**{name: getattr(settings.limits, name) for name in names})
