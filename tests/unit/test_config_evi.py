"""The tables [evi] and [evi.configs.NAME], and tables with names of people's own in general."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from elizad.ops import config
from elizad.ops.changes import changed_keys, refuse_fixed
from elizad.ops.evi import MOST_CONFIGS, EviConfig
from elizad.ops.schema import MASK
from elizad.ops.watch import files_named
from tests.support.toml import problems

ROOT = Path(__file__).parents[2]
CLM = "wss://clm.example.com/llm?token=hidden-hidden"


def test_the_tables_have_the_names_that_people_give_them(toml, tmp_path):
    text = '[evi.configs.baker]\nscript = "./a.script"\n[evi.configs.Night-shift_2]\ngreeting = "Hello?"\n'
    configs = config.load(toml(text)).evi.configs
    assert configs == {
        "baker": EviConfig(script=str(tmp_path / "a.script")),
        "Night-shift_2": EviConfig(greeting="Hello?"),
    }


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ('[evi.configs.baker]\ngreating = "x"', "evi.configs.baker.greating", 'unknown key; did you mean "greeting"?'),
        ("[evi.configs.baker]\ninactivity_s = 1801", "evi.configs.baker.inactivity_s", "a number from 0 to 1800"),
        ("[evi.configs.baker.script]\nx = 1", "evi.configs.baker.script", "found a table, expected the name of"),
        ('[evi.configs."a b"]', 'evi.configs."a b"', "a name of letters, digits, dots"),
        ('[evi.configs.""]', 'evi.configs.""', "a name of letters, digits, dots"),
        ("[evi.configs]\nbaker = 1", "evi.configs.baker", "found 1, expected a table: [evi.configs.NAME]"),
        ("[evi]\nconfigs = 1", "evi.configs", "found 1, expected at most 200 tables with names of your own"),
        ("[evi]\nconfig = 1", "evi.config", 'unknown key; did you mean "configs"?'),
        ('[evi]\nsound = "espeek"', "evi.sound", 'did you mean "espeak"?'),
        ('[evi]\nvoice = "en us"', "evi.voice", 'expected a voice such as "en-us"'),
        ("[evi]\ninactivity_s = 0", "evi.inactivity_s", "a number from 1 to 1800"),
        ('[hume]\npath = "/v0/evi/chat"', "hume.path", "set evi.enabled to false"),
    ],
)
def test_a_problem_has_its_place_and_a_hint(toml, text, path, message):
    found = problems(toml(text))
    assert list(found) == [path]
    assert message in found[path]


@pytest.mark.parametrize(
    "key", ["short", "long-enough-key:short", "with a space in it", "long-enough-key:", ":secret-secret"]
)
def test_a_key_that_is_none_is_refused_and_not_quoted(toml, key):
    found = problems(toml(f'[evi]\nkeys = ["{key}"]'))
    assert list(found) == ["evi.keys[0]"]
    assert '"KEY" or "KEY:SECRET"' in found["evi.keys[0]"]
    assert key not in found["evi.keys[0]"]


@pytest.mark.parametrize("url", ["https://example.com/x", "wss://", "ws://a b/c", "ws://host:99999/", "ws://["])
def test_a_custom_language_model_that_cannot_be_dialled_is_refused(toml, url):
    found = problems(toml(f'[evi.configs.own]\ncustom_language_model = "{url}"'))
    assert list(found) == ["evi.configs.own.custom_language_model"]


def test_at_most_so_many_tables(toml):
    tables = "".join(f"[evi.configs.c{n}]\n" for n in range(MOST_CONFIGS + 1))
    assert list(problems(toml(tables))) == ["evi.configs"]


def test_secrets_are_masked_when_printed_and_the_mask_is_no_secret(toml):
    own = f'[evi.configs.own]\ncustom_language_model = "{CLM}"\nvoice = "de"\n'
    settings = config.load(toml('[evi]\nkeys = ["long-enough-key:its-secret"]\n' + own))
    assert [str(key) for key in settings.evi.keys] == ["long-enough-key:its-secret"]
    printed = config.to_toml(settings)
    assert "long-enough" not in printed
    assert "hidden" not in printed
    assert "hidden" not in repr(settings)
    data = tomllib.loads(printed)
    assert data["evi"]["configs"] == {"own": {"custom_language_model": MASK, "voice": "de"}}
    masked = [problem.path for problem in config.masked(config.load(toml(printed)))]
    assert masked == ["evi.keys[0]", "evi.configs.own.custom_language_model"]


def test_it_can_all_change_while_the_daemon_runs_and_its_scripts_are_watched(toml):
    old = config.load(None)
    new = config.load(toml('[evi]\nkeys_file = "keys"\n[evi.configs.x]\nscript = "/a/b.script"\n[evi.configs.y]\n'))
    assert changed_keys(old, new) == ["evi.keys_file", "evi.configs"]
    assert refuse_fixed(old, new) == []
    assert "/a/b.script" in files_named(new, None)
    assert new.evi.keys_file in files_named(new, None)


def test_the_example_in_the_projects_configuration_can_be_used(toml):
    """The commented table of config.toml, without its comment signs."""
    text = (ROOT / "config.toml").read_text()
    start = text.index("# [evi.configs.")
    example = re.sub("^# ", "", text[start : text.index("\n\n", start)], flags=re.MULTILINE)
    loaded = config.load(toml(example)).evi.configs
    assert list(loaded) == ["baker"]
    given = set(tomllib.loads(example)["evi"]["configs"]["baker"])
    assert given == set(EviConfig.__struct_fields__)
