"""A machine with systemd to try things on: where it is, why there is none, and what is put into it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import trustme

from elizad.ops import program
from tests.support.daemon import ROOT

BOOT = ROOT.parent / "shared/systemd-lab/boot"
_HERE = Path(__file__).parent

SCRIPT = "({greeting})\n(NONE ((0) (Go on)))\n" + (
    "(MEMORY MY (0 YOUR 0 = Yes) (0 YOUR 0 = Yes) (0 YOUR 0 = Yes) (0 YOUR 0 = Yes))\n(MY = YOUR 2 ((0) (Your own)))\n"
)


def missing() -> str:
    """Return why there can be no machine here, or an empty string."""
    if not BOOT.exists():
        return "there is no systemd laboratory beside the project"
    if os.geteuid() != 0:
        return "only root can boot a machine"
    if shutil.which("systemd-nspawn") is None:
        return "systemd-nspawn is missing: apt-get install -y systemd-container"
    system = Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
    if not system.exists():
        return f"a service cannot run the Python of these tests, and there is no {system}"
    return ""


def refused() -> str:
    """Try to boot; return why that cannot be here, or an empty string. Takes two seconds."""
    code, text = boot("/bin/true", limit_s=60)
    return f"no machine can be booted here: {text.strip()[-300:]}" if code else ""


def boot(*arguments: str, limit_s: int) -> tuple[int, str]:
    """Boot a machine that runs a program; return its exit code (124: not ended by `limit_s`) and all that was said."""
    done = subprocess.run(
        [str(BOOT), "--timeout", str(limit_s), "--", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=limit_s + 20,
    )
    return done.returncode, done.stdout


def prepare(work: Path) -> None:
    """Put into `work` a virtual environment with elizad as if it had been installed, and what the scenarios need."""
    work.chmod(0o755)
    python = Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
    subprocess.run([str(python), "-m", "venv", "--without-pip", str(work / "venv")], check=True)
    [target] = (work / "venv/lib").glob("python*/site-packages")
    requirements = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    for name in [re.split(r"[<>=]", text)[0] for text in requirements] + ["websockets"]:
        for distribution in program.closure(name):
            program.copy_distribution(distribution, target)
    package = target / "elizad"
    shutil.copytree(ROOT / "elizad", package, ignore=shutil.ignore_patterns("__pycache__"))
    facts = target / "elizad-0.1.0.dist-info"
    facts.mkdir()
    lines = [
        "Metadata-Version: 2.1",
        "Name: elizad",
        "Version: 0.1.0",
        *(f"Requires-Dist: {it}" for it in requirements),
    ]
    (facts / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (facts / "RECORD").write_text("", encoding="utf-8")

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(work / "ca.pem"))
    for name in ("one", "two"):
        leaf = authority.issue_cert("localhost")
        leaf.private_key_pem.write_to_path(str(work / f"{name}.key"))
        (work / f"{name}.pem").write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
        (work / f"{name}.key").chmod(0o600)
        (work / f"{name}.eliza").write_text(SCRIPT.format(greeting=f"This is script {name}"), encoding="utf-8")
    for name in ("inside.py", "packaged.py", "tools.py"):
        shutil.copy(_HERE / name, work)
    (work / "run").write_text(f'#!/bin/sh\nexec {work}/venv/bin/python {work}/inside.py "$@"\n', encoding="utf-8")
    (work / "run").chmod(0o755)


class Observations(dict[str, object]):
    """What a scenario saw, by name; `text` is all that it printed, and `seconds` how long it took."""

    text = ""
    seconds = 0.0


def play(work: Path, scenario: str, limit_s: int = 200) -> Observations:
    """Boot a machine, play one scenario in it, and return what was observed."""
    began = time.monotonic()
    done = subprocess.run(
        [str(BOOT), "--bind", str(work), "--timeout", str(limit_s), "--", str(work / "run"), scenario],
        capture_output=True,
        text=True,
        check=False,
        timeout=limit_s + 20,
    )
    found = Observations()
    found.text, found.seconds = done.stdout + done.stderr, time.monotonic() - began
    for line in done.stdout.splitlines():
        name, tab, value = line.partition("\t")
        if tab:
            found[name] = json.loads(value)
    assert done.returncode == 0, found.text
    return found
