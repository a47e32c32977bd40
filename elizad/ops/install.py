"""Makes the daemon a service of systemd, and takes it away again: a plan, each step of which is done or shown."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from elizad.errors import StartError
from elizad.ops import program
from elizad.ops.config import Settings
from elizad.ops.unit_files import CONFIG, NAMES, drop_ins, starter, units

UNITS: Final = Path("/etc/systemd/system")
STATE: Final = (Path("/var/lib/elizad"), Path("/var/lib/private/elizad"))
_FOLDERS: Final = tuple(f"{name}.d" for name in NAMES)
_SOCKETS: Final = ("elizad.socket", "elizad-admin.socket")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to be done: `shown` is what a dry run prints, `act` does it."""

    shown: str
    act: Callable[[], object]


def install(settings: Callable[[], Settings], prefix: Path, workers: int, say: Say, *, dry_run: bool) -> None:
    """Put program, units and, unless there is one, a configuration in place; start the service, or restart it.

    `settings` reads the configuration that there is then. Raises: StartError, ConfigError (nothing has been done yet).
    """
    _check_machine(dry_run=dry_run)
    for step in plan_install(settings(), prefix, workers):
        _do(step, say, dry_run=dry_run)


def uninstall(prefix: Path, say: Say, *, purge: bool, dry_run: bool) -> None:
    """Stop the service and take away what `install` put in place.

    With `purge` configuration and state go as well, and so do the operator's own drop-ins.
    """
    _check_machine(dry_run=dry_run)
    for step in plan_uninstall(prefix, purge=purge):
        _do(step, say, dry_run=dry_run)


def plan_install(settings: Settings, prefix: Path, workers: int) -> Iterator[Step]:
    """The steps of `install`, each made when the one before has been done."""
    beside = drop_ins(settings, workers, systemd_version())
    if not program.runs_from(prefix):
        yield Step(f"copy the program to {prefix}, run by {program.python()}", lambda: program.copy_to(prefix))
    if not CONFIG.exists():
        yield _write(CONFIG, starter(), 0o600)
    sockets_differ = any(_differs(UNITS / name, text) for name, text in beside.items() if ".socket.d/" in name)
    wanted = {**units(prefix), **beside}
    for path in _ours():
        if str(path.relative_to(UNITS)) not in wanted:
            yield _remove(path)
    for name, text in wanted.items():
        if _differs(UNITS / name, text):
            yield _write(UNITS / name, text)
    yield _command("systemctl", "daemon-reload")
    services = ["elizad.service"] if workers == 1 else [f"elizad@{number}.service" for number in range(1, workers + 1)]
    sockets = _SOCKETS if workers == 1 and settings.admin.listen else _SOCKETS[:1]
    unwanted = [unit for unit in enabled_units() if unit not in (*services, *sockets)]
    if unwanted:
        yield _command("systemctl", "disable", "--now", *unwanted)
    yield _command("systemctl", "enable", "--quiet", *sockets, *services)
    if sockets_differ:
        # A socket takes new addresses only while nothing uses it.
        yield _command("systemctl", "stop", *services)
        yield _command("systemctl", "restart", *sockets)
    for service in services:  # one after the other: the rest of the workers take the calls
        yield _command("systemctl", "restart", service)


def plan_uninstall(prefix: Path, *, purge: bool) -> Iterator[Step]:
    """The steps of `uninstall`."""
    if enabled := enabled_units():
        yield _command("systemctl", "disable", "--now", *enabled)
    for path in _ours():
        yield _remove(path)
    for folder in (UNITS / name for name in _FOLDERS):
        if folder.exists() and (purge or set(folder.iterdir()) <= set(_ours())):  # what else is in there is not ours
            yield _remove(folder)
    yield _command("systemctl", "daemon-reload")
    if (prefix / program.MARK).exists():
        yield _remove(prefix)
    for path in (CONFIG.parent, *STATE) if purge else ():
        if path.exists() or path.is_symlink():
            yield _remove(path)


def enabled_units() -> list[str]:
    """The units of ours that systemd starts by itself, sockets first."""
    found = {path.name for wants in UNITS.glob("*.wants") for path in wants.glob("elizad*")}
    return sorted(
        (name for name in found if re.fullmatch(r"elizad(-admin|@\d+)?\.(service|socket)", name)), reverse=True
    )


def systemd_version() -> int:
    """Return the version of systemd here, 0 where there is none."""
    try:
        told = subprocess.run(["systemctl", "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return 0
    match = re.match(r"systemd (\d+)", told)
    return int(match[1]) if match else 0


def _check_machine(*, dry_run: bool) -> None:
    if dry_run:
        return
    if not Path("/run/systemd/system").is_dir():  # as sd_booted(3) does it
        raise StartError("this machine was not started by systemd (--dry-run shows what would be done)")
    if os.geteuid() != 0:
        raise StartError("only root can do this: use sudo (--dry-run shows what would be done)")


def _do(step: Step, say: Say, *, dry_run: bool) -> None:
    say(step.shown if dry_run else step.shown.splitlines()[0])
    if not dry_run:
        step.act()


def _ours() -> list[Path]:
    """The unit files and drop-ins that may have been put in place by us."""
    beside = ("listen.conf", "files.conf", "restart.conf")
    paths = [UNITS / name for name in NAMES] + [UNITS / folder / name for folder in _FOLDERS for name in beside]
    return [path for path in paths if path.exists()]


def _differs(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") != text
    except OSError:
        return True


def _write(path: Path, text: str, mode: int = 0o644) -> Step:
    def act() -> None:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
        new.rename(path)

    return Step("\n".join([f"write {path} (mode {mode:04o})", *(f"    {line}" for line in text.splitlines())]), act)


def _remove(path: Path) -> Step:
    def act() -> None:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()

    return Step(f"remove {path}", act)


def _command(*words: str) -> Step:
    def act() -> None:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StartError(f"{shlex.join(words)} failed: {done.stderr.strip()}")

    return Step(f"run {shlex.join(words)}", act)
