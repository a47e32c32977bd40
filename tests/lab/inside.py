"""What happens inside the machine that the tests boot: real systemd, real units, one scenario a boot.

Runs as root. Prints one line for each observation, a name, a tab and JSON; what is asserted about them stands in
test_systemd.py. Needs nothing but the standard library and `websockets`.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import ssl
import sys
import time
from pathlib import Path

import packaged
from tools import (
    CONFIG,
    VENV,
    WORK,
    answers,
    code,
    config,
    install,
    journal,
    observe,
    page,
    pid,
    said,
    sh,
    show,
    talking,
    wait,
)
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

PACED = '[speech]\nchunk = "word"\npace_s = 0.1\n'


def service() -> None:
    """Installed, started, killed, blocked; what it may do, and what the journal has of it."""
    observe("dry run", sh(str(VENV), "-m", "elizad", "systemd", "install", "--dry-run"))
    observe("after dry run", [CONFIG.exists(), Path("/etc/systemd/system/elizad.service").exists()])
    observe("install", install())
    observe("state", [show("elizad.service", name) for name in ("ActiveState", "SubState", "Type", "StatusText")])
    observe("ready", page("/readyz"))
    observe("banner", said())
    observe("sockets", sh("systemctl", "list-sockets", "--no-pager", "--no-legend", "elizad*"))
    observe("exposure", float(re.findall(r"level for \S+: ([\d.]+)", sh("systemd-analyze", "security", "elizad"))[0]))
    observe("verify", sh("systemd-analyze", "verify", "/etc/systemd/system/elizad.service"))
    limits = Path(f"/proc/{pid()}/limits").read_text(encoding="ascii")
    observe("open files", re.findall(r"Max open files\s+(\d+)", limits)[0])

    with talking(5) as callers:
        wait(lambda: "5 calls" in show("elizad.service", "StatusText"))
        observe("status text", show("elizad.service", "StatusText"))
        status = sh("/opt/elizad/bin/python", "-m", "elizad", "status")
        observe("status", status)
        observe("status json", json.loads(sh("/opt/elizad/bin/elizad", "status", "--json")))
    observe("talked", callers.seen)

    observe("killed", [killed() for _ in range(3)])
    observe("after kill -9", [show("elizad.service", name) for name in ("ActiveState", "NRestarts")])

    # What only its own state directory may be written to.
    tries = "for d in / /etc /opt/elizad /usr /var /var/lib /home /root /run /var/lib/elizad; do "
    tries += "touch $d/x 2>/dev/null && echo $d; done; true"
    observe("writable", entered(tries).split())
    observe("secrets", entered("cat /etc/elizad/config.toml >/dev/null 2>&1 && echo readable; id -un").split())

    # Somebody who blocks the loop for good: a handler in the program's own thread that sleeps.
    spoil = "import signal, time\nsignal.signal(signal.SIGUSR1, lambda *_: time.sleep(1000))\n"
    [site] = Path("/opt/elizad/lib").glob("python*/site-packages")
    (site / "spoil.py").write_text(spoil, encoding="utf-8")
    (site / "spoil.pth").write_text("import spoil\n", encoding="ascii")
    drop = Path("/run/systemd/system/elizad.service.d/watchdog.conf")
    drop.parent.mkdir(parents=True, exist_ok=True)
    drop.write_text("[Service]\nWatchdogSec=1\n", encoding="utf-8")
    sh("systemctl", "daemon-reload")
    sh("systemctl", "restart", "elizad")
    time.sleep(2.5)
    old = pid()
    observe("healthy under the watchdog", show("elizad.service", "NRestarts"))
    os.kill(old, signal.SIGUSR1)
    observe("back after a blocked loop", wait(lambda: pid() not in (0, old) and answers()))
    observe("blocked loop", said())
    (site / "spoil.pth").unlink()

    # One that fails again and again is tried ever more slowly.
    drop.write_text("[Service]\nExecStart=\nExecStart=/bin/false\n", encoding="utf-8")
    sh("systemctl", "daemon-reload")
    sh("systemctl", "reset-failed")
    code("systemctl", "restart", "elizad")
    time.sleep(5)
    observe("restarts in five seconds", int(show("elizad.service", "NRestarts")))
    drop.unlink()
    sh("systemctl", "daemon-reload")
    sh("systemctl", "restart", "elizad")

    # The same refusal, five hundred times.
    for _ in range(500):
        with socket.create_connection(("127.0.0.1", 8765)) as sock:
            sock.sendall(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
    wait(lambda: "more_like_this" in said(), 20)
    sh("systemctl", "stop", "elizad.socket", "elizad-admin.socket", "elizad")
    observe("stopped", [show("elizad.service", name) for name in ("ActiveState", "Result", "ExecMainStatus")])
    entries = [entry for entry in journal() if entry.get("_COMM") == "python" or "elizad" in str(entry.get("_EXE"))]
    observe("journal", [[entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"], entry["MESSAGE"]] for entry in journal()])
    observe("of the daemon", len(entries))


def killed() -> dict[str, float]:
    """Kill the daemon, dial at once, and tell in seconds after the kill, by systemd's clock, what happened when."""
    old = pid()
    began = time.monotonic()  # CLOCK_MONOTONIC, as systemd's
    os.kill(old, signal.SIGKILL)
    request = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", 8765), timeout=30) as sock:
        sock.sendall(request)
        word = sock.recv(12)
    answered = time.monotonic() - began
    wait(lambda: show("elizad.service", "SubState") == "running" and pid() != old)
    fields = Path(f"/proc/{pid()}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])  # utime, stime: proc(5)

    def after(what: str) -> float:
        return round(int(show("elizad.service", f"{what}TimestampMonotonic")) / 1e6 - began, 3)

    return {
        "noticed": after("ActiveExit"),
        "started": after("ExecMainStart"),
        "ready": after("ActiveEnter"),
        "answered": round(answered, 3) if word == b"HTTP/1.1 404" else -1.0,
        "cpu of the start": ticks / os.sysconf("SC_CLK_TCK"),
    }


def entered(script: str) -> str:
    """Run a shell script where the daemon is: its files, its user, its rights."""
    keep = ["--property=" + line for line in block() if not line.startswith("SystemCallFilter=~")]
    command = ["systemd-run", "--quiet", "--wait", "--pipe", *keep, "/bin/sh", "-c", script]
    return sh(*command)


def block() -> list[str]:
    """The lines of the unit that say who it runs as and what it may do."""
    unit = Path("/etc/systemd/system/elizad.service").read_text(encoding="utf-8")
    names = "Dynamic|User|State|Protect|Private|Restrict|Lock|Memory[DH]|NoNew|Capab|SystemCall|UMask|ProcSub|RemoveIPC"
    return [line for line in unit.splitlines() if re.match(rf"({names})\w*=", line) and "Restart" not in line]


def reload() -> None:
    """Good and bad reloads, while a call goes on; a new certificate, at a port for the privileged."""
    tls = f'[server]\nlisten = [":443"]\n[tls]\ncertificate = "{WORK}/one.pem"\nkey = "{WORK}/one.key"\n'
    rest = '[log]\nlevel = "info"\n[eliza]\nscript = "./my.eliza"\n[hume]\ntokens_file = "tokens"\n'
    config(tls + rest)
    script = Path("/etc/elizad/my.eliza")
    shutil.copy(WORK / "one.eliza", script)
    Path("/etc/elizad/tokens").write_text("first-token-of-all\n", encoding="ascii")
    Path("/etc/elizad/tokens").chmod(0o600)
    install()
    observe("start", said())
    observe("serial", serial())
    asyncio.run(_reload(script))
    observe("log", said())


async def _reload(script: Path) -> None:
    # By asyncio: websockets' other client reads and writes one TLS connection in two threads, which can block for good.
    observe("first words", await _first_words("first-token-of-all"))
    trust = ssl.create_default_context(cafile=str(WORK / "ca.pem"))
    async with connect("wss://localhost/llm?token=first-token-of-all", ssl=trust) as old:
        await asyncio.to_thread(_good, script)
        observe("a running call keeps", await _greeting(old))
        await asyncio.to_thread(_bad, script)


def _good(script: Path) -> None:
    """Script, tokens and certificate."""
    for name in ("pem", "key"):
        shutil.copy(WORK / f"two.{name}", WORK / f"one.{name}")
    shutil.copy(WORK / "two.eliza", script)
    Path("/etc/elizad/tokens").write_text("second-token-of-all\n", encoding="ascii")
    observe("reload", code("systemctl", "reload", "elizad"))
    wait(lambda: "event=reloaded" in said())
    observe("new serial", serial())
    observe("new first words", asyncio.run(_first_words("second-token-of-all")))
    try:
        asyncio.run(_first_words("first-token-of-all"))
    except InvalidHandshake as refused:
        observe("old token", str(refused))


def _bad(script: Path) -> None:
    """Nothing changes, and everything wrong is said."""
    good = CONFIG.read_text(encoding="utf-8")
    script.write_text("(Hello)\n(NONE ((0) (Go on)))\n(MEMORY MY (0 = A))", encoding="utf-8")
    config(good.replace("level", "levle"))
    observe("bad reload", code("systemctl", "reload", "elizad"))
    config(good)
    observe("bad script", code("systemctl", "reload", "elizad"))
    shutil.copy(WORK / "two.eliza", script)
    config(good + "[limits]\nmax_connections = 7\nhead_bytes = 2048\n")
    observe("fixed key", code("systemctl", "reload", "elizad"))
    wait(lambda: "not reloaded" in said())
    observe("status", show("elizad.service", "StatusText"))
    observe("still", asyncio.run(_first_words("second-token-of-all")))
    observe("still running", [show("elizad.service", name) for name in ("ActiveState", "NRestarts")])


async def _first_words(token: str) -> str:
    trust = ssl.create_default_context(cafile=str(WORK / "ca.pem"))
    async with connect(f"wss://localhost/llm?token={token}", ssl=trust) as line:
        return await _greeting(line)


async def _greeting(line: ClientConnection) -> str:
    await line.send('{"messages":[]}')
    return str(json.loads(await asyncio.wait_for(line.recv(), 10))["text"])


def serial() -> str:
    trust = ssl.create_default_context(cafile=str(WORK / "ca.pem"))
    with (
        socket.create_connection(("127.0.0.1", 443)) as sock,
        trust.wrap_socket(sock, server_hostname="localhost") as line,
    ):
        return str(line.getpeercert()["serialNumber"])


def load() -> None:
    """Restarted, drained, upgraded and uninstalled while people talk; then two workers."""
    config(PACED)
    install()
    with talking(20) as callers:
        old = pid()
        sh("systemctl", "restart", "elizad")
        observe("restarted", pid() != old)
    observe("restart under load", callers.seen)

    with talking(20) as callers:
        # As a newer version would: another program, put over the one that runs.
        package = next((WORK / "venv/lib").glob("python*/site-packages/elizad"))
        init = package / "__init__.py"
        init.write_text(re.sub(r'"\d[^"]*"', '"9.9.9"', init.read_text(encoding="utf-8")), encoding="utf-8")
        mine = CONFIG.read_text(encoding="utf-8")
        observe("upgrade", install())
        observe("upgraded", [json.loads(page("/status"))["version"], CONFIG.read_text(encoding="utf-8") == mine])
    observe("upgrade under load", callers.seen)

    asyncio.run(_drain())
    observe("drain log", said())

    observe("workers", install("--workers", "2"))
    observe("units", sh("systemctl", "list-units", "--no-legend", "--plain", "elizad*"))
    observe("worker reload", code("systemctl", "reload", "elizad@1", "elizad@2"))
    wait(lambda: all("event=reloaded" in said(f"elizad@{number}") for number in (1, 2)))
    with talking(20, turns=10) as callers:  # a new call may reach the other worker
        wait(lambda: len({worker["pid"] for worker in workers() if worker["turns"] > 5}) == 2)
        observe("shared", [worker["turns"] for worker in workers()])
        sh("systemctl", "stop", "elizad@2")
        observe("one left", [show(f"elizad@{number}.service", "ActiveState") for number in (1, 2)])
    observe("one worker stopped under load", callers.seen)

    observe("uninstall", sh("/opt/elizad/bin/python", "-m", "elizad", "systemd", "uninstall"))
    left = [Path("/opt/elizad"), CONFIG, Path("/var/lib/private/elizad")]
    observe("left", [str(path) for path in (*left, *Path("/etc/systemd/system").rglob("elizad*")) if path.exists()])
    units = "systemctl", "list-units", "--all", "--no-legend", "--plain", "elizad*"
    wait(lambda: not sh(*units))  # systemd forgets them when it has time
    observe("units left", sh(*units))


def workers() -> list[dict[str, object]]:
    lines = sh(str(VENV), "-m", "elizad", "status", "--json").splitlines()
    return [json.loads(line) for line in lines]


async def _drain() -> None:
    calls = "ws://127.0.0.1:8765/llm"
    async with connect(calls) as paced, connect(calls) as idle, connect(f"{calls}-websocket/call-1") as retell:
        while 'content_complete":true' not in await retell.recv():
            pass
        await paced.send('{"messages":[]}')
        frames = [str(await paced.recv())]
        began = time.monotonic()
        stopping = await asyncio.create_subprocess_exec("systemctl", "restart", "elizad")
        codes = {}
        for name, line in (("paced", paced), ("idle", idle), ("retell", retell)):
            try:
                while True:
                    message = str(await asyncio.wait_for(line.recv(), 15))
                    if name == "paced":
                        frames.append(message)
            except ConnectionClosed as closed:
                codes[name] = closed.rcvd.code if closed.rcvd else 1006
        observe("drain", {"codes": codes, "seconds": round(time.monotonic() - began, 2), "last": frames[-1]})
        await stopping.wait()
    observe("stop took", show("elizad.service", "Result"))


def disk() -> None:
    """A state directory on a disk that is full."""
    state = Path("/var/lib/private/elizad")
    state.mkdir(parents=True)
    Path("/var/lib/private").chmod(0o700)
    sh("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(state))
    install()
    with talking(3):
        pass
    try:
        (state / "fill").write_bytes(b"x" * 1_000_000)
    except OSError as error:
        observe("full", error.strerror)
    with talking(3) as callers:
        pass
    observe("talked", callers.seen)
    observe("kept", sorted(path.name for path in state.iterdir()))
    observe("state", [show("elizad.service", name) for name in ("ActiveState", "NRestarts")])
    sh("systemctl", "restart", "elizad")
    with talking(3) as callers:
        pass
    observe("talked after a restart", callers.seen)
    observe("log", said())


if __name__ == "__main__":
    {"service": service, "reload": reload, "load": load, "disk": disk, "pipx": packaged.pipx}[sys.argv[1]]()
