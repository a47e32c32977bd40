"""Which file `elizad sessions` looks into when the configuration names none."""

from __future__ import annotations

from pathlib import Path

import pytest

from elizad import session_tools
from elizad.ops.config import Settings
from elizad.ops.unit_files import CONFIG


@pytest.mark.parametrize(
    ("source", "own", "service", "place"),
    [
        (None, True, True, "own"),
        (None, False, True, "service"),
        (None, False, False, "own"),
        (CONFIG, True, True, "service"),
        (CONFIG, True, False, "own"),
        (Path("config.toml"), True, True, "own"),
    ],
)
def test_the_services_sessions_go_with_the_services_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Path | None, own: bool, service: bool, place: str
) -> None:
    files = {"own": tmp_path / "own/sessions.sqlite3", "service": tmp_path / "service/sessions.sqlite3"}
    for name, there in (("own", own), ("service", service)):
        files[name].parent.mkdir()
        if there:
            files[name].touch()
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "own"))
    monkeypatch.setattr(session_tools, "_SERVICE", files["service"])
    assert session_tools._found(Settings(), source).sessions.path == str(files[place])
