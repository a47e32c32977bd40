"""Builds the rooms and runs the daemon: from settings to an exit code."""

from __future__ import annotations

import functools
import logging
import resource
import signal
from collections.abc import AsyncIterator, Mapping, Sequence

import trio

from elizad import __version__
from elizad.conversation.conversation import Manner
from elizad.eliza import Eliza
from elizad.errors import ConfigError, Problem, StartError
from elizad.mind import make_eliza
from elizad.net.addresses import Sources
from elizad.net.admission import Route
from elizad.net.guard import serve_connection
from elizad.net.heartbeat import Heartbeat
from elizad.net.http import NO_PAGES, Pages
from elizad.net.limits import Limits, check_file_limit
from elizad.net.listeners import Listener, open_listeners, parse_listen
from elizad.net.server import serve
from elizad.net.tally import Tally
from elizad.net.tls import BadCertificate, Certificate
from elizad.net.visitors import Trust, Visitors
from elizad.ops import logs
from elizad.ops.admin import Admin
from elizad.ops.config import Hume, Retell, Settings
from elizad.ops.lag import LoopLag
from elizad.ops.metrics import Metrics
from elizad.ops.tokens import TokenFile, read_tokens
from elizad.protocols.catalogue import catalogue
from elizad.protocols.retell import RetellOptions
from elizad.service.switchboard import Switchboard

log = logging.getLogger("elizad")


def check(settings: Settings) -> list[Problem]:
    """Return what is wrong with the things that the settings name, beyond the settings themselves."""
    problems: list[Problem] = []
    try:
        make_eliza(settings.eliza.script, settings.eliza.mode, spell_numbers=settings.speech.spell_numbers)
    except ConfigError as error:
        problems += error.problems
    try:
        _certificate(settings)
    except ConfigError as error:
        problems += error.problems
    return problems + _token_files(settings)[1]


def advice(settings: Settings) -> list[Problem]:
    """Return what will trouble callers although the daemon starts; for settings that `check` finds nothing wrong in."""
    found = [Problem(f"{name}.tokens_file", file.warning) for name, file in _token_files(settings)[0].items()]
    if (certificate := _certificate(settings)) is not None:
        found.append(Problem("tls.certificate", certificate.warning))
    return [problem for problem in found if problem.message]


def run(settings: Settings) -> int:
    """Run the daemon until a signal ends it, and return the exit code 0.

    Raises:
        ConfigError: something that the settings name cannot be used. Nothing has been started.
        StartError: an address cannot be listened at.
    """
    logs.configure(settings.log.level, settings.log.format, settings.log.color)
    eliza = make_eliza(settings.eliza.script, settings.eliza.mode, spell_numbers=settings.speech.spell_numbers)
    eliza.reply(eliza.start(), "I am 30")  # what is loaded when first needed is loaded now, and not during a call
    try:
        check_file_limit(settings.limits.max_connections, _raise_file_limit())
    except ValueError as error:
        raise ConfigError([Problem("limits.max_connections", str(error))]) from None
    files, problems = _token_files(settings)
    if problems:
        raise ConfigError(problems)
    for file in files.values():
        if file.warning:
            log.warning("tokens", extra={"fields": {"warning": file.warning}})
    trio.run(_run, settings, eliza, _certificate(settings), _routes(settings, files))
    return 0


async def _run(settings: Settings, eliza: Eliza, certificate: Certificate | None, routes: Sequence[Route]) -> None:
    """Listen, answer, and on SIGINT or SIGTERM let the calls come to an end. A second signal ends them at once."""
    house = _House(settings, eliza, routes)
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        listeners = await _open("server.listen", settings.server.listen, certificate)
        admin_listeners = await _open("admin.listen", settings.admin.listen)
        async with trio.open_nursery() as root:
            root.start_soon(house.heartbeat.run)
            root.start_soon(house.lag.run)
            async with trio.open_nursery() as calls:
                # The admin pages outlive the door for calls: whoever asks is told that no more are taken.
                root.start_soon(house.serve_pages, admin_listeners, root)
                async with trio.open_nursery() as front:
                    await front.start(house.serve_calls, listeners, calls)
                    _announce(settings, listeners, admin_listeners)
                    if certificate is not None and certificate.warning:
                        log.warning("certificate", extra={"fields": {"warning": certificate.warning}})
                    house.admin.ready = True
                    await _stop_signal(signals, house.switchboard)
                    house.admin.ready = False
                    front.cancel_scope.cancel()
                house.switchboard.registry.drain()
                calls.cancel_scope.deadline = trio.current_time() + settings.server.drain_s
                root.start_soon(_cancel_at_second_signal, signals, calls.cancel_scope)
            root.cancel_scope.cancel()
    log.info("stopped", extra={"fields": {"connections": house.tally.connections}})


class _House:
    """The rooms of the daemon, built from the settings and wired to each other."""

    def __init__(self, settings: Settings, eliza: Eliza, routes: Sequence[Route]) -> None:
        self._settings = settings
        self._routes = routes
        self._limits = _limits(settings)
        self.tally = Tally()
        self.lag = LoopLag()
        self.switchboard = Switchboard(eliza, _manner(settings), catalogue(_retell_options(settings)))
        registry, meter = self.switchboard.registry, self.switchboard.meter
        metrics = Metrics(meter, self.tally, self.lag, registry.__len__, settings.eliza.script)
        self.admin = Admin(metrics)
        self.heartbeat = Heartbeat(
            ping_interval_s=self._limits.ping_interval_s,
            ping_timeout_s=self._limits.ping_timeout_s,
            idle_s=self._limits.idle_s,
            call_s=self._limits.call_s,
            tally=self.tally,
        )

    async def serve_calls(
        self, listeners: Sequence[Listener], calls: trio.Nursery, task_status: trio.TaskStatus[None]
    ) -> None:
        """Accept calls into the nursery `calls`. Never returns. Cancelling: closes the listeners, not the calls."""
        pages = self.admin.pages() if self._settings.admin.public else NO_PAGES
        await self._serve(listeners, calls, self.tally, self._routes, pages, task_status)

    async def serve_pages(self, listeners: Sequence[Listener], nursery: trio.Nursery) -> None:
        """Accept requests for the admin pages. Never returns. Cancelling: closes the listeners."""
        # Counted apart: a monitor is no caller, and max_connections is for calls.
        await self._serve(listeners, nursery, Tally(), (), self.admin.pages(), trio.TASK_STATUS_IGNORED)

    async def _serve(
        self,
        listeners: Sequence[Listener],
        nursery: trio.Nursery,
        tally: Tally,
        routes: Sequence[Route],
        pages: Pages,
        task_status: trio.TaskStatus[None],
    ) -> None:
        trust = Trust(Sources(self._settings.server.trusted_proxies), self._settings.server.forwarded_header)
        visitors = Visitors(self._limits.connections_per_address, self._limits.handshakes_per_s, trust)
        serve_one = functools.partial(
            serve_connection,
            handler=self.switchboard.answer,
            routes=routes,
            limits=self._limits,
            heartbeat=self.heartbeat,
            tally=tally,
            pages=pages,
            visitors=visitors,
        )
        await serve(
            listeners,
            serve_one,
            connections_nursery=nursery,
            max_connections=self._limits.max_connections,
            tally=tally,
            visitors=visitors,
            task_status=task_status,
        )


def _certificate(settings: Settings) -> Certificate | None:
    """Return what TLS is spoken with, None for no TLS. Raises: ConfigError."""
    tls = settings.tls
    if not (tls.certificate and tls.key):
        return None
    try:
        return Certificate(tls.certificate, tls.key)
    except BadCertificate as error:
        raise ConfigError([Problem(f"tls.{error.which}", str(error))]) from None


async def _open(key: str, addresses: Sequence[str], certificate: Certificate | None = None) -> list[Listener]:
    try:
        return await open_listeners((parse_listen(text) for text in addresses), certificate)
    except OSError as error:
        raise StartError(f"{error.strerror or error} ({key})") from error


async def _stop_signal(signals: AsyncIterator[int], switchboard: Switchboard) -> None:
    async for number in signals:
        name = signal.Signals(number).name
        log.info("stopping", extra={"fields": {"signal": name, "calls": len(switchboard.registry)}})
        return


async def _cancel_at_second_signal(signals: AsyncIterator[int], calls: trio.CancelScope) -> None:
    async for number in signals:
        log.warning("stopping at once", extra={"fields": {"signal": signal.Signals(number).name}})
        calls.cancel()


def _announce(settings: Settings, listeners: Sequence[Listener], admin_listeners: Sequence[Listener]) -> None:
    fields = {"version": __version__, "script": settings.eliza.script, "mode": settings.eliza.mode}
    log.info("elizad", extra={"fields": fields})
    for listener in listeners:
        log.info("listening on %s", listener.url)
    for listener in admin_listeners:
        log.info("admin pages on %s", listener.url.replace("ws", "http", 1))


def _raise_file_limit() -> int:
    """Take as many file descriptors as the system grants, and return how many those are."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _manner(settings: Settings) -> Manner:
    return Manner(settings.speech.chunk, settings.speech.pace_s, settings.limits.utterance_chars)


def _token_files(settings: Settings) -> tuple[dict[str, TokenFile], list[Problem]]:
    """Read the files with tokens, by the name of their endpoint, and return what is wrong with the others."""
    files: dict[str, TokenFile] = {}
    problems: list[Problem] = []
    for name, endpoint in (("hume", settings.hume), ("retell", settings.retell)):
        if endpoint.tokens_file:
            try:
                files[name] = read_tokens(endpoint.tokens_file)
            except ValueError as wrong:
                problems.append(Problem(f"{name}.tokens_file", str(wrong)))
    return files, problems


def _routes(settings: Settings, files: Mapping[str, TokenFile]) -> tuple[Route, ...]:
    def route(name: str, endpoint: Hume | Retell, *, has_tail: bool) -> Route:
        more = files[name].tokens if name in files else ()
        return Route(
            name,
            endpoint.path,
            endpoint.tokens + more,
            has_tail=has_tail,
            allow_from=Sources(endpoint.allow_from),
            origins=endpoint.origins,
        )

    return route("hume", settings.hume, has_tail=False), route("retell", settings.retell, has_tail=True)


def _retell_options(settings: Settings) -> RetellOptions:
    retell = settings.retell
    return RetellOptions(
        auto_reconnect=retell.auto_reconnect,
        call_details=retell.call_details,
        transcript_with_tool_calls=retell.transcript_with_tool_calls,
        greeting={"doctor": None, "after_call_details": None, "silent": ""}.get(retell.greeting, retell.greeting),
        greet_after_details=retell.greets_after_details,
    )


def _limits(settings: Settings) -> Limits:
    names = Limits.__dataclass_fields__
    return Limits(**{name: getattr(settings.limits, name) for name in names})
