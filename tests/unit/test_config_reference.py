"""The settings described: the reference, the table in the README, and arrays of tables."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from elizad.ops import config, schema
from tests.support.toml import problems

ROOT = Path(__file__).parents[2]


def test_every_key_has_a_meaning_and_every_default_is_allowed():
    rows = config.reference()
    assert all(row.meaning and row.allowed for row in rows)
    _, found = schema.read(config.Settings, schema.plain(config.Settings()))
    assert found == []
    assert ("speech.pace_s", "a number from 0 to 10", "0.0") in [row[:3] for row in rows]


def test_the_table_in_the_readme_is_up_to_date():
    text = (ROOT / "README.md").read_text()
    match = re.search(r"<!-- config -->\n+(.*?)\n*<!-- /config -->", text, re.DOTALL)
    assert match, "README.md has no <!-- config --> ... <!-- /config --> section"
    assert match[1] + "\n" == config.reference_table(), "paste what elizad.ops.config.reference_table() returns"


def test_a_new_type_of_key_is_refused_loudly():
    class Odd(schema.Table, frozen=True):
        key: dict[str, int] = msgspec.field(default_factory=dict)

    with pytest.raises(TypeError, match="not a type that a key may have"):
        schema.read(Odd, {"key": "x"})


def test_loading_the_defaults_does_not_need_trio():
    code = "import sys; from elizad.ops import config; config.load(None); print({'trio', 'rich'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stdout.strip() == "set()"


def test_entries_of_an_array_of_tables_are_read_in_order_with_their_defaults(toml):
    settings = config.load(toml('[[steer]]\nwords = ["refund"]\nsay = "No."\n[[steer]]\nsay = "Yes."\nlimit = 2\n'))
    assert [(rule.words, rule.say, rule.limit, rule.then) for rule in settings.steer] == [
        (("refund",), "No.", 0, "stay"),
        ((), "Yes.", 2, "stay"),
    ]


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ('[[steer]]\nwords = ["a", ""]', "steer[0].words[1]", "found the string"),
        ('[[steer]]\nsay = "x"\n[[steer]]\nwords = ["..."]', "steer[1].words[0]", "no word that must be there"),
        ("[[steer]]\npattern = '(?=x)'", "steer[0].pattern", "could make a text slow"),
        ('[[steer]]\nexpression = "tirednes"', "steer[0].expression", 'did you mean "Tiredness"?'),
        ("[[steer]]\nscore = nan", "steer[0].score", "found nan, expected a number from 0.01 to 1"),
        ('[[steer]]\nthen = "end_it"', "steer[0].then", 'expected "go_on", "stay" or "end"'),
        ('[[steer]]\nword = ["x"]', "steer[0].word", 'unknown key; did you mean "words"?'),
        ('[steer]\nwords = ["x"]', "steer", "found a table, expected a list, each entry a table"),
        ("steer = [1]", "steer[0]", "found 1, expected a table"),
        ('[safety]\nlocale = "usa"', "safety.locale", 'did you mean "us"?'),
    ],
)
def test_a_problem_in_an_array_of_tables_has_its_place(toml, text, path, message):
    found = problems(toml(text))
    assert list(found) == [path]
    assert message in found[path]


def test_an_array_of_tables_is_printed_as_people_write_it_and_read_again(toml, tmp_path):
    settings = config.load(toml('[[steer]]\nwords = ["refund"]\nsay = "No."\n'))
    text = config.to_toml(settings)
    assert '[[steer]]\nwords = [\n    "refund",\n]\nsay = "No."' in text
    assert config.load(toml(text, "again.toml")) == settings
