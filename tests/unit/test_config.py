"""Settings: what a file may say, and what is said about a file that is wrong."""

from __future__ import annotations

import math
import re
import string
import tomllib
from pathlib import Path
from typing import Annotated, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.ops import config, schema
from elizad.ops.admin import Admin
from elizad.ops.config import PAGES
from elizad.ops.metrics import Metrics
from elizad.ops.places import script_path
from elizad.ops.schema import MASK, Secret
from elizad.ops.vitals import Vitals
from tests.support.toml import problems

ROOT = Path(__file__).parents[2]


def quoting_check(text: str) -> None:
    raise ValueError(f"{text} is not right")


class Telltale(schema.Table, frozen=True):
    key: Annotated[Secret, schema.Key("", form="something else", check=quoting_check)] = Secret("")


# What a file may say


def test_no_file_is_the_defaults():
    settings = config.load(None)
    assert settings == config.Settings()
    assert settings.server.listen == ("127.0.0.1:8765",)
    assert settings.eliza.script == "doctor"


def test_an_empty_file_is_the_defaults(toml):
    assert config.load(toml("")) == config.Settings()


def test_values_of_a_file_stand_beside_the_defaults_of_the_rest(toml):
    settings = config.load(
        toml(
            """
            [hume]
            tokens = ["first-token", "second-token"]
            [speech]
            chunk = "word"
            pace_s = 2
            """
        )
    )
    assert settings.hume.tokens == ("first-token", "second-token")
    assert settings.hume.path == "/llm"
    assert settings.speech.chunk == "word"
    assert isinstance(settings.speech.pace_s, float)
    assert settings.speech.pace_s == 2.0
    assert settings.limits == config.Limits()


def test_settings_cannot_be_changed():
    with pytest.raises(AttributeError):
        config.Settings().speech.pace_s = 1.0


def test_a_byte_order_mark_does_no_harm(toml):
    assert config.load(toml(b'\xef\xbb\xbf[log]\nlevel = "error"\n')).log.level == "error"


def test_the_config_file_of_the_project_has_every_key_at_its_default():
    path = ROOT / "config.toml"
    assert config.load(path) == config.Settings()
    keys = {f"{table}.{key}" for table, keys in tomllib.loads(path.read_text()).items() for key in keys}
    several = ("[]", ".NAME.")  # tables of which there is none
    assert keys == {row.path for row in config.reference() if not any(mark in row.path for mark in several)}


def test_overrides_replace_what_the_file_says_and_nothing_else(toml):
    path = toml('[log]\nlevel = "error"\nformat = "json"\n')
    settings = config.load(path, {"log.level": "debug", "limits.head_bytes": 2048})
    assert (settings.log.level, settings.log.format, settings.limits.head_bytes) == ("debug", "json", 2048)


def test_overrides_are_checked_as_the_file_is(toml):
    assert problems(toml(""), {"log.level": "loud", "limits.head_bites": 1}) == {
        "log.level": 'found the string "loud", expected "debug", "info", "warning" or "error"',
        "limits.head_bites": 'unknown key; did you mean "head_bytes"?',
    }


def test_an_override_does_not_hide_what_is_wrong_in_the_file(toml):
    assert "log.level" in problems(toml("[log]\nlevel = 1\n"), {"log.level": "debug"})


# What is said about a file that is wrong


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (
            "[limits]\nzzz = 1",
            "limits.zzz",
            "unknown key; known here: max_connections, connections_per_address, handshakes_per_s, max_message_bytes, ",
        ),
        ("[limits]\nping_interval = 1", "limits.ping_interval", 'unknown key; did you mean "ping_interval_s"?'),
        ("[limit]\na = 1", "limit", 'unknown table; did you mean "limits"?'),
        ("listen = []", "listen", 'unknown key; did you mean "server.listen"?'),
        ("[server]\ntokens = []", "server.tokens", 'unknown key; did you mean "hume.tokens"?'),
        ("limits = 3", "limits", "found 3, expected a table"),
        ("[[limits]]", "limits", "found a list, expected a table"),
        ("[limits.head_bytes]", "limits.head_bytes", "found a table, expected an integer from 1024 to 1048576"),
        (
            '[limits]\nhead_bytes = "8"',
            "limits.head_bytes",
            'found the string "8", expected an integer from 1024 to 1048576',
        ),
        ("[limits]\nhead_bytes = 1023", "limits.head_bytes", "found 1023, expected an integer from 1024 to 1048576"),
        ("[limits]\nhead_bytes = 2000.0", "limits.head_bytes", "found 2000.0, expected an integer from "),
        (
            "[limits]\nmax_connections = true",
            "limits.max_connections",
            "found true, expected an integer from 1 to 100000",
        ),
        (
            "[limits]\nmax_connections = 1979-05-27",
            "limits.max_connections",
            "found a date or time, expected an integer",
        ),
        ("[speech]\npace_s = -0.1", "speech.pace_s", "found -0.1, expected a number from 0 to 10"),
        ("[speech]\npace_s = nan", "speech.pace_s", "found nan, expected a number from 0 to 10"),
        ("[speech]\npace_s = false", "speech.pace_s", "found false, expected a number from 0 to 10"),
        (
            '[speech]\nchunk = "sentense"',
            "speech.chunk",
            'found the string "sentense", expected "sentence", "clause" or "word"; did you mean "sentence"?',
        ),
        ("[eliza]\nmode = 1966", "eliza.mode", 'found 1966, expected "spoken" or "1966"; did you mean "1966"?'),
        ('[eliza]\nscript = ""', "eliza.script", 'found the string "", expected the name of a packaged script, or'),
        ('[eliza]\nscript = "a\\u0000"', "eliza.script", r'found "a\x00", which holds a character that cannot be seen'),
        ("[server]\nlisten = []", "server.listen", "found an empty list, expected a list of at least 1, each entry"),
        ('[server]\nlisten = "a:1"', "server.listen", 'found the string "a:1", expected a list of at least 1, each'),
        ('[server]\nlisten = ["[::1]:1", 7]', "server.listen[1]", 'found 7, expected "HOST:PORT", "[IPV6]:PORT", '),
        ('[server]\nlisten = ["nowhere"]', "server.listen[0]", "'nowhere' is not host:port, "),
        ('[server]\nlisten = ["a:1", "a:1"]', "server.listen[1]", "the same address is listened at already"),
        ('[hume]\npath = "llm"', "hume.path", 'found the string "llm", expected a path that begins with "/", in '),
        ('[hume]\npath = "/a b"', "hume.path", 'found the string "/a b", expected a path that'),
        ('[hume]\npath = "/ü"', "hume.path", 'found the string "/ü", expected a path that'),
        ('[hume]\npath = "/a#b"', "hume.path", 'found the string "/a#b", expected a path that'),
        ('[sessions]\npath = "/"', "sessions.path", '"/" is a folder, and sessions go into a file: name one in it'),
        ('[hume]\npath = "/status"\n[admin]\npublic = true', "hume.path", '"/status" is a page for operators: take '),
        (
            '[server]\ntrusted_proxies = ["10.0.0.1/8"]',
            "server.trusted_proxies[0]",
            "'10.0.0.1/8' has bits beyond its ",
        ),
        ('[server]\ntrusted_proxies = ["caddy"]', "server.trusted_proxies[0]", "'caddy' is not an address, a network "),
        ('[server]\nforwarded_header = "x"', "server.forwarded_header", 'found the string "x", expected "x-forwarded-'),
        (
            '[retell]\nallow_from = ["100.20.5.228", "all"]',
            "retell.allow_from[1]",
            "'all' is not an address, a network",
        ),
        ('[hume]\norigins = ["example.com"]', "hume.origins[0]", 'found the string "example.com", expected an origin '),
        ('[hume]\norigins = ["https://a/"]', "hume.origins[0]", 'found the string "https://a/", expected an origin '),
        (
            "[hume]\ntokens_file = 3",
            "hume.tokens_file",
            "found 3, expected a path (relative to the folder of this file",
        ),
        ('[hume]\ntokens_file = "a\\u0000"', "hume.tokens_file", r'found "a\x00", which holds a character that'),
        ("[limits]\nmessages_per_s = 0", "limits.messages_per_s", "found 0, expected a number from 1 to 100000"),
        ("[limits]\nidle_s = inf", "limits.idle_s", "found inf, expected a number from 1 to 604800"),
        ('[log]\nlevel = "a\\nb\\u001b[31m"', "log.level", r'found the string "a\nb\x1b[31m", expected "debug"'),
        ('[log]\n"le\\nvel" = 1', 'log."le\\nvel"', 'unknown key; did you mean "level"?'),
        (f'[log]\nlevel = "{"x" * 500}"', "log.level", f'found the string "{"x" * 60}…", expected "debug"'),
        (f"[limits]\nhead_bytes = 0x{'f' * 9000}", "limits.head_bytes", "found a number beyond all sense, expected"),
    ],
)
def test_a_problem_names_the_key_what_was_found_and_what_is_allowed(toml, text, path, message):
    found = problems(toml(text))
    assert list(found) == [path]
    assert found[path].startswith(message)


def test_paths_of_pages_that_are_not_served_there_are_free(toml):
    assert config.load(toml('[hume]\npath = "/status"')).hume.path == "/status"


def test_the_pages_are_those_that_are_served():
    # Their functions are not called, so they need nothing to tell.
    assert tuple(Admin(cast(Metrics, None), cast(Vitals, None)).pages()) == PAGES


def test_every_problem_is_told_not_only_the_first(toml):
    found = problems(toml('[lmits]\n[log]\nlevel = 1\nformat = "xml"\n[server]\nlisten = [1, "a:1", 2]\n'))
    assert set(found) == {"lmits", "log.level", "log.format", "server.listen[0]", "server.listen[2]"}


def test_examine_keeps_what_is_right_and_leaves_the_rest_at_its_default(toml):
    settings, found = config.examine(toml('[log]\nlevel = "loud"\nformat = "json"\n[nonsense]\n'))
    assert settings.log == config.Log(format="json")
    assert [problem.path for problem in found] == ["log.level", "nonsense"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[log]\nlevel = \n", r"line 2, column 9: invalid value"),
        ("[log\n", r"line 1, column 5: expected ']' at the end of a table declaration"),
        ("a = 1\na = 2\n", r"line 2, column \d+: cannot overwrite a value"),
        ("a = '''", r"end of document: expected .*"),
        (b"a = 1\nb = '\xff'\n", "line 2: byte 0xff is not UTF-8"),
        ("a = " + "[" * 50_000, "not TOML: it is nested too deeply"),
        ("a = " + "9" * 9000, "not TOML: a number in it is too long"),
    ],
)
def test_what_is_not_toml_is_told_with_its_place(toml, text, message):
    found = problems(toml(text))
    assert list(found) == [""]
    assert re.fullmatch(message, found[""])


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path):
    assert problems(tmp_path / "none.toml") == {"": "cannot be read: no such file or directory"}
    assert problems(tmp_path) == {"": "cannot be read: is a directory"}


# Secrets


@pytest.mark.parametrize(
    "text",
    [
        '[hume]\ntokens = ["hunter2", "hunter2 hunter2"]',
        '[hume]\ntokens = "hunter2hunter2"',
        '[hume]\ntokens = ["hunter2\\u0000hunter2"]',
        '[hume]\ntoken = "hunter2hunter2"',
        '[server]\ntokens = ["hunter2hunter2"]',
        '[hume]\npath = "/llm?token=hunter2"',
    ],
)
def test_a_problem_never_quotes_a_secret(toml, text):
    found = problems(toml(text))
    assert found
    assert "hunter2" not in str(found)


def test_the_sentence_of_a_check_is_not_told_when_it_may_quote_a_secret():
    _, found = schema.read(Telltale, {"key": "hunter2"})
    assert found == [("key", "found a string, expected something else")]


def test_settings_do_not_show_their_secrets(toml):
    settings = config.load(toml('[hume]\ntokens = ["hunter2hunter2"]'))
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in config.to_toml(settings)
    assert f'"{MASK}"' in config.to_toml(settings)
    assert settings.hume.tokens[0] == "hunter2hunter2"


def test_the_mask_loads_but_is_told_apart_from_a_secret(toml):
    settings = config.load(toml(f'[hume]\ntokens = ["hunter2hunter2", "{MASK}"]'))
    assert [problem.path for problem in config.masked(settings)] == ["hume.tokens[1]"]
    assert config.masked(config.Settings()) == []


# Printed, and read again


def test_what_is_printed_is_accepted_again(toml, tmp_path):
    settings = config.load(
        toml(
            """
            [server]
            listen = ["[::1]:0", "unix:/run/elizad/\\"quoted\\".sock"]
            [eliza]
            script = "mine/ödipus.script"
            [hume]
            tokens = ["hunter2hunter2"]
            [speech]
            pace_s = 0.30000000000000004
            """
        )
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = elsewhere / "printed.toml"
    path.write_text(config.to_toml(settings), encoding="utf-8")
    again = config.load(path)
    masked = msgspec.structs.replace(settings, hume=config.Hume(tokens=(Secret(MASK),)))
    assert again == masked
    assert again.eliza.script == str(tmp_path / "mine" / "ödipus.script")


def test_a_script_path_is_relative_to_the_file_that_names_it(toml, tmp_path):
    assert config.load(toml('[eliza]\nscript = "mine.script"')).eliza.script == str(tmp_path / "mine.script")
    assert config.load(toml('[eliza]\nscript = "../a/b"')).eliza.script == str(tmp_path.parent / "a" / "b")
    assert config.load(toml('[eliza]\nscript = "/a/b"')).eliza.script == "/a/b"
    assert config.load(toml('[eliza]\nscript = "doctor"')).eliza.script == "doctor"
    assert script_path("~/a", tmp_path) == Path.home() / "a"


def test_a_file_with_tokens_is_relative_to_the_file_that_names_it_and_a_credential_is_not(toml, tmp_path):
    assert config.load(toml('[hume]\ntokens_file = "a/b"')).hume.tokens_file == str(tmp_path / "a" / "b")
    assert config.load(toml('[retell]\ntokens_file = "/a/b"')).retell.tokens_file == "/a/b"
    credential = "$CREDENTIALS_DIRECTORY/retell"
    settings = config.load(toml(f'[retell]\ntokens_file = "{credential}"'))
    assert settings.retell.tokens_file == credential
    assert config.load(toml(config.to_toml(settings))).retell.tokens_file == credential


NUMBERS = st.one_of(st.integers(-(10**6), 10**9), st.floats())
TEXTS = st.text(max_size=20)
SCALARS = st.one_of(st.booleans(), NUMBERS, TEXTS)
KEYS = st.one_of(st.sampled_from([part for row in config.reference() for part in row.path.split(".")]), TEXTS)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, DOCUMENTS, max_size=5))
def test_any_document_gives_settings_or_problems_on_one_line_each(document):
    settings, found = schema.read(config.Settings, document)
    assert bool(found) or tomllib.loads(config.to_toml(settings)) is not None
    assert all(str(problem).isprintable() for problem in found)
    for row in config.reference():  # whatever came in, what came out is within its bounds
        table, _, key = row.path.rpartition(".")
        several = {"steer[]": settings.steer, "evi.configs.NAME": settings.evi.configs.values()}
        entries = several[table] if table in several else [getattr(settings, table)]
        for value in (getattr(entry, key) for entry in entries):
            assert not isinstance(value, float) or math.isfinite(value)


@given(st.text(string.printable, max_size=40))
def test_any_text_gives_settings_or_problems_on_one_line_each(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text, encoding="utf-8")
    _, found = config.examine(path)
    assert all(str(problem).isprintable() for problem in found)
