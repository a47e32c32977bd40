"""What a running daemon counts, read from its page for Prometheus."""

from __future__ import annotations

import re
from urllib.request import urlopen

from tests.support.daemon import Daemon

ADMIN = '\n[admin]\nlisten = ["127.0.0.1:0"]\n'
"""To be put into the configuration of a daemon whose counts are wanted."""


def page_url(daemon: Daemon) -> str:
    """The address of the admin pages; to be asked once, after the start."""
    return daemon.wait_for(r"admin pages on (http://[^\s\"]+)")[1]


def counts(url: str) -> dict[str, float]:
    """Every sample by name and labels, as in `elizad_limited_total{limit="idle_s"}`."""
    with urlopen(f"{url}/metrics", timeout=20) as page:
        text = page.read().decode()
    return {match[1]: float(match[2]) for match in re.finditer(r"^([a-z][^ ]*(?:\{.*\})?) (\S+)$", text, re.MULTILINE)}
