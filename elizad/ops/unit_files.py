"""The unit files for systemd, and what has to stand beside them for one configuration. Makes text; touches nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Final

from elizad.errors import StartError
from elizad.net.listeners import TcpAddress, parse_listen
from elizad.ops.config import Settings, reference
from elizad.ops.credentials import named_files

NAMES: Final = ("elizad.service", "elizad@.service", "elizad.socket", "elizad-admin.socket")

CONFIG: Final = Path("/etc/elizad/config.toml")

_PREFIX: Final = "/opt/elizad"  # as it stands in the files
_STEPS: Final = 254  # the first systemd with RestartSteps=
# What runs after the daemon has failed takes its time: 10 ms, and twice that each time. Who is killed twice in a minute
# is still back within a second.
_SLOWER: Final = """\
  failures=/run/%n.failures; test -n "$$(find $$failures -mmin -1 2>/dev/null)" || : > $$failures; \\
  echo >> $$failures; n=$$(wc -l < $$failures); sleep $$((n > 10 ? 10000 : 5 << n))e-3'
"""
_BACK_OFF: Final = f"""\
# A daemon that keeps failing is started again ever more slowly, in ten steps up to once in ten seconds.
[Service]
RestartSteps=10
RestartMaxDelaySec=10s
# One that is configured wrongly (78) is not; but whoever calls starts it, and systemd does not slow that down.
ExecStopPost=-+/bin/sh -c 'test "$$EXIT_STATUS" = 78 || exit 0; \\
{_SLOWER}"""
_BACK_OFF_OLD: Final = f"""\
# A daemon that keeps failing is started again ever more slowly, up to once in ten seconds. A failure more than a minute
# after the last one counts as the first. (RestartSteps= is for systemd 254 and later.)
[Service]
ExecStopPost=-+/bin/sh -c 'test "$$SERVICE_RESULT" = success && exit; \\
{_SLOWER}"""


def units(prefix: Path) -> dict[str, str]:
    """Return the unit files by name, for a program at `prefix`."""
    folder = resources.files("elizad.ops") / "units"
    return {name: (folder / name).read_text(encoding="utf-8").replace(_PREFIX, str(prefix)) for name in NAMES}


def drop_ins(settings: Settings, workers: int, systemd: int) -> dict[str, str]:
    """Return the files beside the units, by path below the folder of units.

    `systemd` is its version. Raises: StartError for an address that systemd cannot listen at.
    """
    made = f"# Written by `elizad systemd install` from {CONFIG}; do not change it here.\n"
    calls = "".join(f"{line}\n" for line in _listen(settings.server.listen))
    trigger = "Service=elizad@1.service\n" if workers > 1 else ""
    files = {"elizad.socket.d/listen.conf": f"{made}[Socket]\nListenStream=\n{calls}{trigger}"}
    if workers == 1 and settings.admin.listen:
        admin = "".join(f"{line}\n" for line in _listen(settings.admin.listen))
        files["elizad-admin.socket.d/listen.conf"] = f"{made}[Socket]\nListenStream=\n{admin}"
    service = "elizad@.service.d" if workers > 1 else "elizad.service.d"
    if named := named_files(settings):
        loads = "".join(f"LoadCredential={key}:{path}\n" for key, path in named.items())
        files[f"{service}/files.conf"] = f"{made}[Service]\n{loads}"
    files[f"{service}/restart.conf"] = made + (_BACK_OFF if systemd >= _STEPS else _BACK_OFF_OLD)
    return files


def starter() -> str:
    """Return a configuration to begin with: every key with its meaning, at its default and commented out."""
    lines = [
        "# The configuration of elizad. After a change: systemctl reload elizad",
        "# After a change of an address or a file's name: python -m elizad systemd install",
    ]
    table = ""
    for row in reference():
        head, _, key = row.path.rpartition(".")
        if head != table:
            table = head
            # A table that may be there several times is not there at all by default.
            several = f"# [[{table.removesuffix('[]')}]]" if table.endswith("[]") else f"# [{table}]"
            lines += ["", several if table.endswith(("[]", ".NAME")) else f"[{table}]"]
        lines += [f"# {row.meaning} ({row.allowed})", f"# {key} = {row.default}"]
    return "\n".join(lines) + "\n"


def _listen(addresses: tuple[str, ...]) -> Iterator[str]:
    """The lines of a socket unit for addresses of ours. A name is looked up now: systemd takes numbers only."""
    only = False
    for text in addresses:
        address = parse_listen(text)
        if not isinstance(address, TcpAddress):
            yield f"ListenStream={address.path}"
            continue
        if address.port == 0:
            raise StartError(f'"{text}" leaves the port open, which systemd does not do: give a number')
        try:
            found = socket.getaddrinfo(
                address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
        except OSError as error:
            raise StartError(f'"{text}" cannot be looked up: {error.strerror}') from error
        for host in dict.fromkeys(str(entry[4][0]) for entry in found):
            only = only or ":" in host
            yield f"ListenStream={TcpAddress(host, address.port)}"
    if only:
        yield "BindIPv6Only=ipv6-only"
