"""Puts a copy of the running program where a service can run it: a virtual environment of its own, made offline.

A service that runs as nobody in particular cannot look into a home directory, which is where a clone or pipx puts a
program. The copy has exactly the versions that run here; nothing is fetched.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import elizad
from elizad.errors import StartError

MARK: Final = ".made-by-elizad"
"""A file in what we made, so that we never take away what somebody else did."""

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA: Final = re.compile(r"""\bextra\s*==\s*["'](\w+)""")
_LAUNCHER: Final = """\
#!{python} -I
import sys
from elizad.cli import main
sys.exit(main())
"""


def runs_from(prefix: Path) -> bool:
    """Whether this very program is the one at `prefix`."""
    return Path(sys.prefix).resolve() == prefix.resolve()


def python() -> Path:
    """Return the interpreter to make the copy with: the one under this environment, or else the system's.

    Raises: StartError when a service could not run either.
    """
    own = Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()
    system = Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
    for candidate in (own, system):
        if candidate.exists() and _everybody_can_reach(candidate):
            return candidate
    raise StartError(
        f"a service cannot run {own}, which lies where only its owner can look,"
        f" and there is no {system} to take instead: install that version of Python"
    )


def copy_to(prefix: Path) -> None:
    """Make or replace the environment at `prefix`. What runs from the old one goes on.

    Raises: StartError, and then `prefix` is as it was.
    """
    if prefix.exists() and not (prefix / MARK).exists() and any(prefix.iterdir()):
        raise StartError(f"{prefix} exists and was not made by this command: choose another --prefix, or remove it")
    new, old = (prefix.with_name(f"{prefix.name}.{suffix}") for suffix in ("new", "old"))
    distributions = list(closure("elizad"))
    umask = os.umask(0o022)  # what a service is to run, everybody may read
    try:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
        prefix.parent.mkdir(parents=True, exist_ok=True)
        _run(str(python()), "-m", "venv", "--without-pip", str(new))
        [target] = (new / "lib").glob("python*/site-packages")
        for distribution in distributions:
            copy_distribution(distribution, target)
        package = Path(elizad.__file__).parent  # not from the list of files: an editable one has none
        shutil.rmtree(target / "elizad", ignore_errors=True)
        shutil.copytree(package, target / "elizad", ignore=shutil.ignore_patterns("__pycache__"), copy_function=_copy)
        # A service may not write what it has compiled. What cannot be is for other versions of Python: pip says nothing
        # of it either.
        compiling = [str(new / "bin/python"), "-m", "compileall", "-q", str(target)]
        subprocess.run(compiling, capture_output=True, check=False)
        launcher = new / "bin/elizad"
        launcher.write_text(_LAUNCHER.format(python=prefix / "bin/python"), encoding="utf-8")
        launcher.chmod(0o755)
        (new / MARK).write_text(f"elizad {elizad.__version__}\n", encoding="utf-8")
        if prefix.exists():
            prefix.rename(old)
        new.rename(prefix)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise StartError(f"{prefix} cannot be made: {error}") from error
    finally:
        os.umask(umask)


def _everybody_can_reach(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents)) and not path.is_relative_to("/home")


def closure(name: str) -> Iterator[importlib.metadata.Distribution]:
    """Yield the distribution `name` and all it needs here; for elizad what Redis takes as well. Raises: StartError."""
    waiting, seen = [name], set()
    while waiting:
        name = waiting.pop()
        if name.lower() in seen:
            continue
        seen.add(name.lower())
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            if name == "elizad":
                raise StartError("elizad is not installed here, only its source: run `pip install .` first") from None
            continue  # needed on other platforms, or with other versions of Python
        yield distribution
        for requirement in distribution.requires or ():
            extra = _EXTRA.search(requirement)
            match = _NAME.match(requirement)
            if match is not None and (extra is None or (name == "elizad" and extra[1] == "redis")):
                waiting.append(match[0])


def copy_distribution(distribution: importlib.metadata.Distribution, target: Path) -> None:
    """Copy what was installed of `distribution`, but for its scripts, into the site-packages at `target`."""
    for file in distribution.files or ():
        source = Path(str(distribution.locate_file(file)))
        if ".." in file.parts or "__pycache__" in file.parts or file.suffix == ".pth" or not source.is_file():
            continue  # scripts, which name their interpreter, and links to a source tree
        place = target / file
        place.parent.mkdir(parents=True, exist_ok=True)
        _copy(str(source), str(place))


def _copy(source: str, target: str) -> None:
    shutil.copyfile(source, target)  # without its mode: it may have come from a private place


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StartError(f"{' '.join(command)} failed: {done.stderr.strip() or done.stdout.strip()}")
