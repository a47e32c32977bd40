"""Wheels of elizad, in two versions, and of pipx with all that both need: there is no registry inside the machine."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.sdk.environments import NoWay, run
from tests.support.daemon import ROOT

NEWER = "9.9.9"
_PIPX = "pipx==1.7.1"


def build(work: Path) -> None:
    """Fill `wheels` and `newer` in `work`. Skips the test where no registry is reached."""
    source = work / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "elizad", source / "elizad", ignore=shutil.ignore_patterns("__pycache__"))
    try:
        # pip: pipx brings the one that it uses up to date.
        _pip("wheel", "--wheel-dir", str(work / "wheels"), str(source), _PIPX, "pip", cwd=work)
        init = source / "elizad/__init__.py"
        init.write_text(re.sub(r'"\d[^"]*"', f'"{NEWER}"', init.read_text(encoding="utf-8")), encoding="utf-8")
        _pip("wheel", "--no-deps", "--wheel-dir", str(work / "newer"), str(source), cwd=work)
    except NoWay as no_way:
        pytest.skip(f"no wheels of elizad and pipx can be made, the registry is not reached ({no_way})")


def _pip(*arguments: str, cwd: Path) -> None:
    run(sys.executable, "-m", "pip", *arguments, cwd=cwd)
