"""Chromium with the React page in it, worked by its buttons."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

from tests.sdk import environments
from tests.sdk.driver import PATIENCE_S, Message

_PATIENCE_MS: Final = 20_000  # a browser on a busy machine


def bundle(programs: Path, page: Path) -> Path:
    """Make one script of a page and of what it imports."""
    made = page.with_suffix(".js")
    command = (
        str(programs.parent / "node_modules" / ".bin" / "esbuild"),
        *(str(page), "--bundle", f"--outfile={made}", "--jsx=automatic", "--log-level=error"),
        '--define:process.env.NODE_ENV="production"',
    )
    subprocess.run(command, cwd=programs, env=environments.child(), check=True, timeout=60)
    return made


def trust(certificate: Path) -> str:
    """The argument that makes Chromium take this certificate's key, and no other that nobody signed."""
    key = load_pem_x509_certificate(certificate.read_bytes()).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return f"--ignore-certificate-errors-spki-list={base64.b64encode(digest).decode()}"


class Browser:
    """A running Chromium; one chat at a time."""

    def __init__(self, programs: Path, page: Path, profile: Path, arguments: Sequence[str] = ()) -> None:
        program = programs / "browser.mjs"
        self._process = subprocess.Popen(
            (environments.node(), str(program), environments.chromium(), str(profile), str(page), *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environments.child() | {"HOME": str(profile), "TZ": os.environ.get("TZ", "UTC")},
        )
        self._answer()

    def _answer(self) -> Message:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the browser's program ended"
        answer: Message = json.loads(line)
        assert answer["event"] != "failed", answer["text"]
        return answer

    def act(self, what: str, **fields: object) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **fields}) + "\n")
        self._process.stdin.flush()
        return self._answer()["value"]

    def open(self, url: str, key: str, **options: object) -> None:
        """Load the page anew and press Start; `options` are those of the provider's connect()."""
        self.act("open", options={"hostname": url, "key": key, **options})

    def status(self, text: str) -> None:
        """Wait until the page has this status."""
        self.act("status", text=text, timeout_ms=_PATIENCE_MS)

    def click(self, button: str) -> None:
        self.act("click", button=button)

    def say(self, text: str) -> None:
        self.act("say", text=text)

    def shown(self, kind: str, count: int) -> list[tuple[str, str]]:
        """Wait for so many lines of this kind, and return all that are shown."""
        return [tuple(line) for line in self.act("shown", kind=kind, count=count, timeout_ms=_PATIENCE_MS)]

    def text(self, selector: str) -> str:
        """Wait for something on the page, and return its text."""
        text: str = self.act("text", selector=selector, timeout_ms=_PATIENCE_MS)
        return text

    def told(self) -> Message:
        """What the provider has told the page: errors, closes, the chat group, interruptions."""
        told: Message = self.act("told")
        return told

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            assert self._process.wait(timeout=PATIENCE_S) == 0
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()
