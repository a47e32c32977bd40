"""What the configuration says of sessions, and what of it goes together."""

from __future__ import annotations

from pathlib import Path

import pytest

from elizad.errors import ConfigError
from elizad.keeping import make_sessions, store_of
from elizad.ops import config


def load(tmp_path: Path, text: str) -> config.Settings:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return config.load(path)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[sessions]\nstore = "redis"\n', "sessions.url"),
        ('[retell]\nsession_variable = "caller_id"\n', "retell.session_variable"),
        ('[sessions]\nstore = "postgres"\n', "sessions.store"),
        ("[sessions]\nkeep_days = 0\n", "sessions.keep_days"),
        ('[sessions]\ndurability = "always"\n', "sessions.durability"),
    ],
)
def test_what_is_wrong_is_told_by_its_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert [problem.path for problem in caught.value.problems] == [key]


def test_a_path_is_relative_to_the_file(tmp_path: Path) -> None:
    settings = load(tmp_path, '[sessions]\npath = "kept/s.sqlite3"\n')
    assert settings.sessions.path == str(tmp_path / "kept" / "s.sqlite3")


def test_the_address_of_a_redis_is_a_secret(tmp_path: Path) -> None:
    settings = load(tmp_path, '[sessions]\nstore = "redis"\nurl = "redis://:hunter2@localhost"\n')
    shown = config.to_toml(settings)
    assert "hunter2" not in shown + repr(settings)
    assert config.masked(load(tmp_path, shown))
    assert not config.masked(load(tmp_path, config.to_toml(config.Settings()))), "nothing is hidden where nothing is"


def test_a_greeting_waits_for_who_calls(tmp_path: Path) -> None:
    text = '[retell]\nsession_variable = "caller_id"\ncall_details = true\n'
    assert load(tmp_path, text).retell.greets_after_details
    assert not load(tmp_path, "[retell]\ncall_details = true\n").retell.greets_after_details


def test_off_is_off(tmp_path: Path) -> None:
    settings = load(tmp_path, '[sessions]\nstore = "off"\n')
    assert store_of(settings) is None
    assert make_sessions(settings) is None


def test_an_address_that_is_none_is_wrong_before_the_start(tmp_path: Path) -> None:
    pytest.importorskip("coredis")
    settings = load(tmp_path, '[sessions]\nstore = "redis"\nurl = "http://:hunter2@localhost"\n')
    with pytest.raises(ConfigError) as caught:
        store_of(settings)
    (problem,) = caught.value.problems
    assert problem.path == "sessions.url"
    assert "hunter2" not in problem.message
