"""`elizad script check` and `elizad script show`, as a pipe sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from elizad.cli import main

SCRIPT = """(Hello, this is a test.)
(NONE ((0) (I see.) (Go on.)))
(MEMORY MY (0 YOUR 1 = Your 3.) (0 YOUR 1 = My 3.) (0 YOUR 1 = A 3.) (0 YOUR 1 = The 3.))
(MY = YOUR 2 DLIST (/POSSESSIVE) ((0 YOUR (/FAMILY) 0) (Your 3?) (PRE (tell 3) (=TELL))) ((0) (Yours?) (NEWKEY)))
(DAD DLIST (/FAMILY) (=TELL))
(TELL ((0) (Tell me.)))
"""


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "test.eliza"
    path.write_text(SCRIPT, encoding="utf-8")
    return str(path)


def test_check_of_a_clean_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["script", "check", "doctor"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("doctor: ")
    assert out.endswith(" rules for expressions, no findings\n")


def test_check_names_line_and_keyword(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["script", "check", script]) == 1
    finding, summary = capsys.readouterr().out.splitlines()
    assert finding == f"{script}:4: MY: no decomposition asks for the tag /POSSESSIVE"
    assert summary == f"{script}: 3 keywords that can answer, 9 replies, 1 finding"


def test_a_script_that_does_not_load(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(script).write_text(SCRIPT.replace("(Your 3?)", "(Your 7?)"), encoding="utf-8")
    assert main(["script", "check", script]) == 78
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"elizad: {script}: Script error on line 4: reassembly index '7' out of range [1..4]\n"
    assert main(["script", "check", "doctr"]) == 78
    assert 'did you mean "doctor"?' in capsys.readouterr().err


def test_show_of_one_keyword(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["script", "show", script, "my"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "MY  = YOUR  rank 2  /POSSESSIVE  line 4",
        "  (0 YOUR (/FAMILY) 0)",
        "    (Your 3 ?)",
        "    (PRE (tell 3) (=TELL))",
        "  (0)",
        "    (Yours?)",
        "    (NEWKEY)",
        "  what comes here is remembered (MEMORY)",
    ]
    assert main(["script", "show", script, "tell"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "  linked from MY, DAD"


def test_show_of_none_memory_and_what_is_not_there(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["script", "show", script, "none"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "NONE  rank 0  line 2"
    assert main(["script", "show", script, "MEMORY"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[:3] == ["MEMORY  MY", "  (0 YOUR 1)", "    (Your 3 .)"]
    assert main(["script", "show", script, "tel"]) == 2
    assert "did you mean TELL?" in capsys.readouterr().err


def test_show_of_all_is_a_table_of_tabs_with_the_winners_first(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["script", "show", script]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert {len(row) for row in rows} == {7}
    assert [row[0] for row in rows] == ["keyword", "MY", "DAD", "TELL", "NONE"]
    assert rows[1] == ["MY", "2", "YOUR", "/POSSESSIVE", "2", "2", "TELL"]


def test_control_characters_of_a_script_do_not_reach_the_terminal(
    script: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(script).write_text(SCRIPT.replace("Tell me.", "Tell\u009b31m me."), encoding="utf-8")
    assert main(["script", "show", script, "tell"]) == 0
    assert "\u009b" not in capsys.readouterr().out
