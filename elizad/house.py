"""The rooms of the daemon, built from the settings and wired to each other; and what they do when a step is named.

The order of the steps stands in ops/lifecycle.py.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import trio

from elizad import __version__
from elizad.current import Current, Source, prepare
from elizad.errors import ConfigError, StartError
from elizad.evi.ways import PLATFORM
from elizad.evi_now import LaterSite
from elizad.keeping import fleeting_sessions, make_sessions
from elizad.net import judge
from elizad.net.addresses import Sources
from elizad.net.guard import Request, serve_connection
from elizad.net.heartbeat import Heartbeat
from elizad.net.http import NO_PAGES, Pages
from elizad.net.limits import file_limit
from elizad.net.listeners import Listener, Transport, adopt_listener, are_those_of, open_listeners, parse_listen
from elizad.net.server import serve
from elizad.net.tally import Tally
from elizad.net.tls import Certificate
from elizad.net.visitors import Trust, Visitors
from elizad.net.ws import WebSocket
from elizad.ops import logs
from elizad.ops.admin import Admin
from elizad.ops.changes import refuse_fixed
from elizad.ops.garbage import Garbage
from elizad.ops.lag import LoopLag
from elizad.ops.metrics import Metrics
from elizad.ops.systemd import Inherited
from elizad.ops.vitals import Vitals
from elizad.ops.watch import files_named
from elizad.service.switchboard import Switchboard
from elizad.store.opening import session_file

if TYPE_CHECKING:
    from elizad.evi_rooms import EviRooms

log = logging.getLogger("elizad")

ADMIN: str = "admin"
"""A socket of systemd's with this name (FileDescriptorName=) is for the admin pages, any other for calls."""

_ELSEWHERE: str = "systemd listens elsewhere, as this log says: run `python -m elizad systemd install` again"

_WARM_UP_S: float = 1.0
"""After the start, in which whoever waited at the door is answered first."""


class House:
    """One daemon. `current` is the one value that a reload replaces."""

    def __init__(self, current: Current, source: Source, inherited: Sequence[Inherited]) -> None:
        self.current = current
        self._source = source
        self._inherited = inherited
        self._listeners: list[Listener] = []
        self._admin_listeners: list[Listener] = []
        self._misplaced: list[tuple[str, str]] = []  # keys of addresses at which systemd does not listen, and a warning
        self._tally = Tally()
        self._lag = LoopLag()
        self._garbage = Garbage(self._tally)
        self._sessions = make_sessions(current.settings)
        self._switchboard = Switchboard(lambda: self.current.voice, self._sessions)
        registry, meter = self._switchboard.registry, self._switchboard.meter
        self._fleeting = fleeting_sessions()
        self._evi: EviRooms | None = None
        self._site = LaterSite(lambda: self.current.evi.admission, lambda: self._evi_rooms().site)
        self.vitals = Vitals(meter, self._tally, self._lag, self._about, self._about_store)
        metrics = Metrics(
            meter,
            self._tally,
            self._lag,
            registry.__len__,
            lambda: self.current.settings.eliza.script,
            None if self._sessions is None else self._sessions.tally,
        )
        self._admin = Admin(metrics, self.vitals)
        limits = current.limits
        self._heartbeat = Heartbeat(
            ping_interval_s=limits.ping_interval_s,
            ping_timeout_s=limits.ping_timeout_s,
            idle_s=limits.idle_s,
            call_s=limits.call_s,
            tally=self._tally,
        )

    @property
    def upkeep(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        """The tasks that run as long as the daemon does."""
        always = self._heartbeat.run, self._lag.run, self.vitals.run, self._garbage.run, self._warm_up
        tasks = (*always, self._fleeting.run)
        return tasks if self._sessions is None else (*tasks, self._sessions.run)

    def _evi_rooms(self) -> EviRooms:
        """Return EVI's rooms, which are built when they are first asked for."""
        if self._evi is None:
            from elizad.evi_rooms import EviRooms  # much to load, and the start does not wait for it

            switchboard = self._switchboard
            self._evi = EviRooms(
                lambda: self.current, switchboard.registry, switchboard.meter, self._sessions, self._fleeting
            )
        return self._evi

    async def _warm_up(self) -> None:
        """Load what is loaded when first needed: not during a call, and not before the door is open. Never returns."""
        await trio.sleep(_WARM_UP_S)
        try:
            await trio.to_thread.run_sync(self.current.voice.guide.spell, "30")  # what numbers need is much to load
            await trio.to_thread.run_sync(importlib.import_module, "elizad.evi_rooms")
            await trio.to_thread.run_sync(judge.load)
            self._evi_rooms()
        except OSError:
            pass  # short of files just now: then when first needed
        await trio.sleep_forever()

    @property
    def drain_s(self) -> float:
        """Seconds that calls get to come to an end."""
        return self.current.settings.server.drain_s

    async def open(self) -> None:
        """Listen wherever the settings say, or at the sockets that systemd has opened. Raises: StartError."""
        server, admin = self.current.settings.server, self.current.settings.admin
        self._listeners = await self._open("server.listen", server.listen, self.current.certificate)
        self._admin_listeners = await self._open("admin.listen", admin.listen, None)

    async def _open(self, key: str, addresses: Sequence[str], certificate: Certificate | None) -> list[Listener]:
        given = [socket for name, socket in self._inherited if (name == ADMIN) == (key == "admin.listen")]
        try:
            if given:
                listeners = [adopt_listener(socket, certificate) for socket in given]
                if not are_those_of(listeners, [parse_listen(text) for text in addresses]):
                    self._misplaced.append((key, _ELSEWHERE))
                return listeners
            # Not the admin pages: who asks there wants to know of one daemon.
            reuse_port = self.current.settings.server.reuse_port and key == "server.listen"
            return await open_listeners((parse_listen(text) for text in addresses), certificate, reuse_port=reuse_port)
        except OSError as error:
            raise StartError(f"{error.strerror or error} ({key})") from error

    def announce(self) -> None:
        """Write what is running, and where, into the log."""
        settings, about = self.current.settings, self._about()
        log.info("elizad", extra={"fields": {"version": __version__, **about}})
        limits = {
            "connections": settings.limits.max_connections,
            "per_address": settings.limits.connections_per_address,
            "message_bytes": settings.limits.max_message_bytes,
            "open_files": file_limit(),
        }
        log.info("limits", extra={"fields": limits})
        kept = settings.sessions
        store: dict[str, object] = {"store": kept.store, "keep_days": kept.keep_days, "durability": kept.durability}
        if kept.store == "sqlite":
            store["path"] = str(session_file(kept.path))
        log.info("sessions", extra={"fields": {"store": "off"} if kept.store == "off" else store})
        where = {"by": "systemd"} if self._inherited else {}
        for listener in self._listeners:
            log.info("listening on %s", listener.url, extra={"fields": where})
        for listener in self._admin_listeners:
            log.info("admin pages on %s", listener.url.replace("ws", "http", 1))
        self._warn()

    async def serve_calls(self, calls: trio.Nursery, task_status: trio.TaskStatus[None]) -> None:
        """Accept calls into the nursery `calls`. Never returns. Cancelling: closes the listeners, not the calls."""
        pages = self._admin.pages() if self.current.settings.admin.public else NO_PAGES
        await self._serve(self._listeners, calls, self._tally, pages, task_status, calls_too=True)

    async def serve_pages(self, nursery: trio.Nursery, task_status: trio.TaskStatus[None]) -> None:
        """Accept requests for the admin pages. Never returns. Cancelling: closes the listeners."""
        # Counted apart: a monitor is no caller, and max_connections is for calls.
        await self._serve(self._admin_listeners, nursery, Tally(), self._admin.pages(), task_status, calls_too=False)

    async def _serve(
        self,
        listeners: Sequence[Listener],
        nursery: trio.Nursery,
        tally: Tally,
        pages: Pages,
        task_status: trio.TaskStatus[None],
        *,
        calls_too: bool,
    ) -> None:
        limits, server = self.current.limits, self.current.settings.server
        trust = Trust(Sources(server.trusted_proxies), server.forwarded_header)
        visitors = Visitors(limits.connections_per_address, limits.handshakes_per_s, trust)

        def serve_one(stream: Transport) -> Awaitable[None]:
            current = self.current  # as it is when the connection comes
            return serve_connection(
                stream,
                self._answer,
                routes=current.routes if calls_too else (),
                limits=current.limits,
                heartbeat=self._heartbeat,
                tally=tally,
                pages=pages,
                site=self._site if calls_too else None,
                visitors=visitors,
            )

        await serve(
            listeners,
            serve_one,
            connections_nursery=nursery,
            max_connections=limits.max_connections,
            tally=tally,
            visitors=visitors,
            task_status=task_status,
        )

    def _answer(self, socket: WebSocket, request: Request) -> Awaitable[None]:
        if request.route.name == PLATFORM:
            return self._evi_rooms().desk.answer(socket, request)
        return self._switchboard.answer(socket, request)

    async def reload(self) -> bool:
        """Read everything again. What is wrong is logged and changes nothing; else calls from now on get it.

        Returns whether it was taken. Cancelling: changes nothing.
        """
        try:
            # In a thread: a script takes a tenth of a second to compile, and calls must not stand still for it.
            new = await trio.to_thread.run_sync(self._prepare)
        except ConfigError as error:
            for problem in error.problems:
                where = {"key": problem.path} if problem.path else {"config": error.source}
                log.error("reload: wrong", extra={"fields": {**where, "problem": problem.message}})
            log.error("not reloaded, nothing has changed", extra={"fields": {"problems": len(error.problems)}})
            return False
        except Exception:  # a bug of ours, whatever it is, is not to end the calls that go on well
            log.exception("not reloaded, nothing has changed")
            return False
        old, self.current = self.current, new
        for listener in self._listeners:
            listener.renew(new.certificate)
        settings = new.settings
        logs.configure(settings.log.level, settings.log.format, settings.log.color)
        fields: dict[str, object] = dict(self._about())
        if keys := new.changed_since(old):
            fields["changed"] = ",".join(keys)
        log.info("reloaded", extra={"fields": fields})
        self._warn()
        return True

    def _prepare(self) -> Current:
        """Raises: ConfigError."""
        settings = self._source.load()
        problems = refuse_fixed(self.current.settings, settings)
        try:
            new = prepare(settings)
        except ConfigError as error:
            problems += error.problems
        if problems:
            raise ConfigError(problems)
        return new

    def watched(self) -> tuple[str, ...]:
        """The files that make a reload when they change; none unless server.watch is set."""
        if not self.current.settings.server.watch:
            return ()
        return files_named(self.current.settings, self._source.path)

    async def drain(self) -> None:
        """Ask the calls to come to an end, within half of the time that they have for it. Cancelling: safe."""
        await self._switchboard.registry.drain(self.drain_s / 2)

    async def flush(self) -> None:
        """Save what is still to be saved. Cancelling: the rest is lost."""
        if self._sessions is not None:
            await self._sessions.flush()

    def stopped(self) -> None:
        """Write the last line of the log."""
        log.info("stopped", extra={"fields": {"connections": self._tally.connections}})

    def _warn(self) -> None:
        for key, message in (*self.current.warnings, *self._misplaced):
            log.warning("look out", extra={"fields": {"key": key, "warning": message}})

    def _about_store(self) -> dict[str, object]:
        kept = {} if self._sessions is None else self._sessions.about()
        return {"kind": self.current.settings.sessions.store, **kept}

    def _about(self) -> dict[str, str]:
        eliza = self.current.settings.eliza
        return {"config": str(self._source.path or "none"), "script": eliza.script, "mode": eliza.mode}
