"""A responder by its name: what is found, and what is said when it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from elizad.errors import ConfigError
from elizad.responders import load_responder

GOOD = """
from helper_of_this_test import WORDS
async def respond(turn):
    yield WORDS
async def coroutine(turn):
    return ""
def plain(turn):
    return ""
async def nothing():
    yield ""
async def two(turn, session):
    yield ""
async def one_and_more(turn, session=None, *others):
    yield ""
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path])
    (tmp_path / "helper_of_this_test.py").write_text("WORDS = 'hello'\n", encoding="utf-8")
    (tmp_path / "good.py").write_text(GOOD, encoding="utf-8")
    (tmp_path / "broken.py").write_text("async def respond(turn):\n    yield (\n", encoding="utf-8")
    (tmp_path / "leaves.py").write_text("import sys\nsys.exit(3)\n", encoding="utf-8")
    (tmp_path / "raises.py").write_text("x = 1\ny = x / 0\n", encoding="utf-8")
    return tmp_path


def test_a_file_that_imports_its_neighbour(folder: Path) -> None:
    responder = load_responder(f"{folder}/good.py:respond")
    assert responder.__name__ == "respond"  # type: ignore[attr-defined]


def test_a_responder_may_have_arguments_that_need_not_be_given(folder: Path) -> None:
    assert load_responder(f"{folder}/good.py:one_and_more")


def test_a_module(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(folder))
    assert load_responder("good:respond").__name__ == "respond"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("respond", "is not of the form"),
        ("good.py:", "is not of the form"),
        ("{folder}/good.py:re-spond", "is not of the form"),
        ("{folder}/missing.py:respond", "there is no file"),
        ("{folder}/good.py:reply", 'has no "reply" (it has respond, nothing, two, one_and_more)'),
        ("{folder}/good.py:nothing", "cannot be called with a turn alone: too many positional arguments"),
        ("{folder}/good.py:two", "cannot be called with a turn alone: missing a required argument: 'session'"),
        ("{folder}/good.py:coroutine", "is a coroutine"),
        ("{folder}/good.py:plain", "is a function"),
        ("{folder}/good.py:WORDS", "is a str"),
        ("{folder}/broken.py:respond", "cannot be imported: line 2"),
        ("{folder}/leaves.py:respond", "SystemExit: 3 (leaves.py, line 2)"),
        ("{folder}/raises.py:respond", "ZeroDivisionError: division by zero (raises.py, line 2)"),
        ("no_such_module_anywhere:respond", "ModuleNotFoundError"),
    ],
)
def test_what_is_wrong_is_said(spec: str, says: str, folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_responder(spec.format(folder=folder))
    [problem] = caught.value.problems
    assert problem.path == "agent.respond"
    assert says in problem.message
