"""elizad as pipx installs it, in root's own home, made a service: one scenario of inside.py."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tools import CONFIG, WORK, observe, page, sh, show, talking

TOOLS = Path("/root/tools")
PIPX = str(TOOLS / "bin/pipx")
ELIZAD = "/root/.local/bin/elizad"
UNITS = Path("/etc/systemd/system")
WHEELS = f"--no-index --find-links {WORK}/wheels"


def pipx() -> None:
    """Installed by pipx and made a service, upgraded while people talk, gone from pipx, uninstalled."""
    Path("/root").chmod(0o700)  # where a service cannot look
    sh("/usr/bin/python3", "-m", "venv", "--without-pip", str(TOOLS))
    [pip] = (WORK / "wheels").glob("pip-*.whl")
    sh("/usr/bin/python3", f"{pip}/pip", "--python", str(TOOLS / "bin/python"), "install", *WHEELS.split(), "pipx")
    sh(PIPX, "install", "--pip-args", WHEELS, "elizad")
    observe("where", str(Path(ELIZAD).resolve()))

    # Something else is in the way: nothing is changed.
    other = Path("/opt/elizad/mine")
    other.parent.mkdir()
    other.touch()
    refused = subprocess.run([ELIZAD, "systemd", "install"], capture_output=True, text=True, timeout=60, check=False)
    observe("refused", [refused.returncode, refused.stderr])
    observe("after refusal", [CONFIG.exists(), other.exists(), len(list(UNITS.rglob("elizad*")))])
    other.unlink()
    other.parent.rmdir()

    observe("dry run", sh(ELIZAD, "systemd", "install", "--dry-run").splitlines()[0])
    observe("install", sh(ELIZAD, "systemd", "install"))
    observe("state", show("elizad.service", "ActiveState"))
    compiled = list(Path("/opt/elizad/lib").glob("python*/site-packages/elizad/__pycache__/house.*.pyc"))
    observe("compiled", len(compiled))

    with talking(3) as callers:
        sh(PIPX, "upgrade", "--pip-args", f"{WHEELS} --find-links {WORK}/newer", "elizad")
        observe("before", json.loads(page("/status"))["version"])
        observe("upgrade", sh(ELIZAD, "systemd", "install"))
        observe("after", json.loads(page("/status"))["version"])
    observe("talked", callers.seen)

    # The service does not lean on what pipx has.
    sh(PIPX, "uninstall", "elizad")
    sh("systemctl", "restart", "elizad")
    with talking(3) as callers:
        pass
    observe("without pipx", callers.seen)
    observe("uninstall", sh("/opt/elizad/bin/elizad", "systemd", "uninstall"))
    left = [Path("/opt/elizad"), CONFIG, Path("/var/lib/private/elizad")]
    observe("left", [str(path) for path in (*left, *UNITS.rglob("elizad*")) if path.exists()])
