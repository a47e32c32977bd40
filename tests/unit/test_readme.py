"""What the README promises can be checked: the version, the two commands, the paths it names."""

from __future__ import annotations

import re
from pathlib import Path

from elizad import __version__
from elizad.eliza import Eliza
from elizad.speech.spoken import Spoken
from tests.support.daemon import elizad

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_newest_change_is_this_version() -> None:
    changes = README.split("\n## Changes\n")[1]
    first = re.search(r"^### (\S+)$", changes, re.MULTILINE)
    assert first is not None
    assert first[1] == __version__


def test_there_are_two_commands_that_do_all_the_set_up() -> None:
    start = README.split("\n## Start\n")[1].split("\n## ")[0]
    commands = [line for line in start.splitlines() if line.startswith("python3 -m venv .venv")]
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


CHAPTER = README.split("\n## Writing scripts\n")[1].split("\n## ")[0]
BLOCKS = re.findall(r"```eliza\n(.*?)```", CHAPTER, re.DOTALL)


def test_the_first_script_says_what_the_table_below_it_says() -> None:
    eliza = Eliza(BLOCKS[0], Spoken())
    assert eliza.opening == "Ferry office, good morning. Where would you like to go?"
    section = CHAPTER.split("```eliza")[1]
    rows = re.findall(r"^\| `(.+?)` \| `(.+?)` \|$", section, re.MULTILINE)
    assert len(rows) == 3
    state = eliza.start()
    for said, expected in rows:
        state, reply = eliza.reply(state, said)
        assert reply == expected


def test_the_other_pieces_of_script_load_together() -> None:
    """Each stands in a script of its own with what it leans on: person turned round, a NONE and a MEMORY."""
    assert len(BLOCKS) > 5
    for block in BLOCKS[1:]:
        rest = "(Hello)\n(NONE ((0) (Go on)))\n"
        for name, rule in (("ME", "(ME = YOU)"), ("MY", "(MY = YOUR ((0) (Yours)))"), ("WANT", "(WANT ((0) (Want)))")):
            if f"({name} " not in block:
                rest += rule + "\n"
        if "(MEMORY " not in block:
            rest += "(MEMORY MY (0 = A) (0 = B) (0 = C) (0 = D))\n"
        eliza = Eliza(rest + block, Spoken())
        assert eliza.reply(eliza.start(), "my puppy wants a boat")[1]


def test_the_sample_of_script_show_is_what_it_shows() -> None:
    sample = README.split("$ elizad script show frontdesk wake\n")[1].split("```")[0]
    shown = elizad("script", "show", "frontdesk", "wake").stdout.decode()
    assert [line.split() for line in shown.splitlines()] == [line.split() for line in sample.splitlines()]
