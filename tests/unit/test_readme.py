"""What the README promises can be checked: the version, the two commands, the paths it names."""

from __future__ import annotations

import re
from pathlib import Path

from elizad import __version__

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_newest_change_is_this_version() -> None:
    changes = README.split("\n## Changes\n")[1]
    first = re.search(r"^### (\S+)$", changes, re.MULTILINE)
    assert first is not None
    assert first[1] == __version__


def test_there_are_two_commands_that_do_all_the_set_up() -> None:
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv .venv")]
    assert len(commands) == 2
    assert commands[0].endswith("python -m elizad --config config.toml")
    assert commands[1].endswith("python -m pytest")


def test_links_inside_the_project_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_package_is_in_the_picture_of_the_floors() -> None:
    for folder in (ROOT / "elizad").iterdir():
        if folder.is_dir() and not folder.name.startswith("__"):
            assert f"{folder.name}/" in README
