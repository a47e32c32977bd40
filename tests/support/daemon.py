"""Runs the real program: a daemon on a free port, and the command line."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

ROOT: Final = Path(__file__).parents[2]
_STATE: Final = tempfile.TemporaryDirectory(prefix="elizad-state-")  # and not the folder of whoever runs the tests
_PATIENCE_S: Final = 60.0  # with eight tests on a core Python needs 20 s to start; a healthy daemon a fraction of one


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a child: warnings are errors there too, and nothing depends on who runs the tests."""
    left_out = ("NO_COLOR", "JOURNAL_STREAM", "TERM", "COLUMNS", "LINES", "STATE_DIRECTORY", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    if "PYTHONDONTWRITEBYTECODE" in os.environ:  # hundreds of daemons would each compile everything once more
        kept["PYTHONPYCACHEPREFIX"] = f"{_STATE.name}/bytecode"
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "XDG_STATE_HOME": _STATE.name, **more}


def elizad(*arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "elizad", *arguments],
        input=stdin,
        capture_output=True,
        env=environment(),
        cwd=cwd or ROOT,
        timeout=_PATIENCE_S,
        check=False,
    )


class Daemon:
    """A daemon that listens; leaving the block ends it, and `log` then has every line it wrote."""

    def __init__(
        self, *arguments: str, config: str = "", folder: Path | None = None, admin: str = "", state: Path | None = None
    ) -> None:
        """`config` is the text of a configuration file. Unless `admin` says otherwise, there are no admin pages.

        Sessions are kept in `state`, by default a folder that goes with the daemon.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="elizad-test-")
        if "[admin]" not in config and not admin:
            config += "\n[admin]\nlisten = []\n"
        command = [sys.executable, "-m", "elizad", *arguments]
        if config and "--config" not in arguments:
            path = (folder or Path(self._folder.name)) / "config.toml"
            path.write_text(config, encoding="utf-8")
            command += ["--config", str(path)]
        if "--listen" not in arguments:
            command += ["--listen", "127.0.0.1:0"]
        self._command = command
        self._state = state or Path(self._folder.name)
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.log: list[str] = []
        self.urls: list[str] = []

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=environment(STATE_DIRECTORY=str(self._state)),
            cwd=ROOT,
            text=True,
        )
        self._thread = threading.Thread(target=self._collect)
        self._thread.start()
        try:
            self.wait_for(r"listening on (\S+?)(?:\"|\s|$)")
        except BaseException:
            self.process.kill()
            self.finish()
            self._folder.cleanup()
            raise
        return self

    @property
    def url(self) -> str:
        """The first address that the daemon listens at."""
        return self.urls[0]

    def _collect(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return the first line from here on that has `pattern`."""
        while True:
            line = self._lines.get(timeout=_PATIENCE_S)
            if line is None:
                self._lines.put(None)  # for `finish`
                raise AssertionError(f"the daemon ended: {''.join(self.log)}")
            self._keep(line)
            if (match := re.search(pattern, line)) is not None:
                return match

    def _keep(self, line: str) -> None:
        self.log.append(line)
        if (match := re.search(r"listening on ([^\s\"]+)", line)) is not None:
            self.urls.append(match[1])

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end and return the exit code."""
        self.process.send_signal(number)
        return self.finish()

    def finish(self) -> int:
        """Wait for the end and return the exit code."""
        code = self.process.wait(timeout=_PATIENCE_S)
        self._thread.join()
        while (line := self._lines.get()) is not None:
            self._keep(line)
        self._lines.put(None)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            code = self.end()
            assert kind is not None or code == 0, "".join(self.log)
        elif self._thread.is_alive() or not self.process.stderr or not self.process.stderr.closed:
            self.finish()
        self._folder.cleanup()
