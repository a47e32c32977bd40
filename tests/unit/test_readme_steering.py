"""The examples of the README's section on steering: each configuration is loaded, and what stands below it is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from elizad.eliza import scripts
from elizad.eliza.check import inspect
from elizad.eliza.parser import parse_script
from elizad.guidance import advice, make_guide
from elizad.mind import make_eliza
from elizad.ops import config
from elizad.talk import Talker

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("\n## Steering a conversation\n")[2].partition("\n## ")[0]
EXAMPLES = re.findall(r"```toml\n(.*?)```\n+((?:\|[^\n]*\n)+)", SECTION, re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4
    assert SECTION.count("```toml") == len(EXAMPLES)


@pytest.mark.parametrize(("toml", "table"), EXAMPLES)
def test_an_example_does_what_it_says(toml: str, table: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(toml, encoding="utf-8")
    settings = config.load(path)
    assert not list(advice(settings))
    talker = Talker(make_eliza("doctor", "spoken"), make_guide(settings), trace=False)
    talker.opening()
    rows = [re.findall(r"`([^`]*)`", row) for row in table.splitlines()[2:]]
    assert rows
    for heard, wanted in rows:
        assert talker.answer(heard).text == wanted


def test_the_script_of_the_readme_loads_and_is_clean() -> None:
    [rule] = re.findall(r"```eliza\n(.*?)```", SECTION, re.DOTALL)
    script = parse_script(scripts.read("doctor").partition("(EXPRESSION (")[0].rstrip("; \n") + "\n" + rule)
    assert [one.rule.rank for one in script.expressions] == [7]
    assert not [finding for finding in inspect(script) if finding.keyword.startswith("EXPRESSION")]


def test_the_keys_it_names_exist() -> None:
    keys = {row.path for row in config.reference()}
    named = set(re.findall(r"`((?:conversation|safety|speech)\.[a-z_]+)`", SECTION))
    assert len(named) >= 6
    assert named <= keys
