"""Where the platforms' own SDKs are installed for these tests: once for each list of versions, outside the project.

A session of tests finds them there again, so only the first one needs PyPI and npm. What cannot be had is said in the
reason of a skip: no Node.js, no Chromium, no way to a registry. An installation that fails for any other reason is a
failure of the tests.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import pytest

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elizad-tests"
# What each SDK leans on is held as well where another version of it would make another client of it.
PYTHON: Final = {
    "0.12.1": ("hume==0.12.1", "websockets==13.1", "httpx==0.28.1", "pydantic==2.14.3"),
    "0.14.1": ("hume==0.14.1", "websockets==17.4", "httpx==0.28.1", "pydantic==2.14.3"),
}
NODE: Final = {
    "hume-0.8.3": "npm:hume@0.8.3",
    "hume": "0.16.0",
    "ws": "8.23.0",
    "@humeai/voice-react": "0.2.14",
    "react": "18.3.1",
    "react-dom": "18.3.1",
    "esbuild": "0.28.2",
    "playwright-core": "1.65.1",
}
_INSTALLING_S: Final = 300.0  # half a minute each on a machine with two cores that does nothing else
_NO_WAY: Final = re.compile(
    r"NewConnectionError|name resolution|ConnectTimeout|Network is unreachable|ProxyError"
    r"|EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT"
)


_missing: Final[dict[str, str]] = {}  # what could not be installed, with the reason: the next test need not try again


class NoWay(Exception):
    """A registry was not reached."""


def child() -> dict[str, str]:
    """The environment of installers and of the programs: none of the tests' own Python paths and warnings in it."""
    mine = ("PYTHONPATH", "PYTHONWARNINGS", "PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "VIRTUAL_ENV", "NODE_OPTIONS")
    return {name: value for name, value in os.environ.items() if name not in mine}


def run(*command: str, cwd: Path) -> None:
    done = subprocess.run(
        command, cwd=cwd, env=child(), capture_output=True, text=True, timeout=_INSTALLING_S, check=False
    )
    if done.returncode == 0:
        return
    said = done.stdout + done.stderr
    if (found := _NO_WAY.search(said)) is not None:
        raise NoWay(found[0])
    raise RuntimeError(f"{' '.join(command)} failed:\n{said}")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other sessions of tests out until this one has installed what it needs."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _installed(kind: str, wanted: object, install: Callable[[Path], None]) -> Path:
    """Return the folder with `wanted` in it; `install` fills it unless an earlier session has."""
    listed = json.dumps([kind, sys.version_info[:2], wanted], sort_keys=True)
    folder = CACHE / f"{kind}-{hashlib.sha256(listed.encode()).hexdigest()[:12]}"
    complete = folder / "complete"
    with _alone(CACHE):
        if not complete.exists() and kind not in _missing:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            try:
                install(folder)
            except NoWay as no_way:
                _missing[kind] = f"{kind} is not installed yet, and its registry is not reached ({no_way})"
            else:
                complete.touch()
    if kind in _missing:
        pytest.skip(_missing[kind])
    return folder


@cache
def python_with(version: str) -> Path:
    """Return the interpreter of a virtual environment that has Hume's Python SDK of this version."""

    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", "--without-pip", str(folder / "env"), cwd=folder)
        pip = (sys.executable, "-m", "pip", "--python", str(folder / "env" / "bin" / "python"), "install", "--quiet")
        run(*pip, "--retries", "1", "--timeout", "20", "--no-compile", *PYTHON[version], cwd=folder)

    return _installed(f"hume-{version}", PYTHON[version], install) / "env" / "bin" / "python"


@cache
def node() -> str:
    """Return the Node.js that runs the programs."""
    program = shutil.which("node")
    if program is None or shutil.which("npm") is None:
        pytest.skip("needs Node.js 18 or later with npm (Debian's packages nodejs and npm)")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.strip().lstrip("v").split(".")[0]) < 18:
        pytest.skip(f"needs Node.js 18 or later, and {program} is {version.strip()}")
    return program


@cache
def node_modules() -> Path:
    """Return the folder `node_modules` that has all SDKs of `NODE`, and what the page is made and shown with."""
    node()

    def install(folder: Path) -> None:
        package = {"name": "elizad-tests", "version": "0.0.0", "private": True, "dependencies": NODE}
        (folder / "package.json").write_text(json.dumps(package))
        run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0", cwd=folder)

    return _installed("SDKs-from-npm", NODE, install) / "node_modules"


@cache
def chromium() -> str:
    """Return the browser that shows the React page."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if (program := shutil.which(name)) is not None:
            return program
    pytest.skip("needs Chromium (Debian's package chromium)")
