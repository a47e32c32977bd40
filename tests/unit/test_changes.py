"""What a reload may change."""

from __future__ import annotations

import msgspec

from elizad.ops.changes import LIVE, changed_keys, refuse_fixed
from elizad.ops.config import Settings, examine, reference


def settings(**overrides: object) -> Settings:
    found, problems = examine(None, {key.replace("__", "."): value for key, value in overrides.items()})
    assert not problems
    return found


def test_every_name_on_the_list_is_a_table_or_a_key() -> None:
    paths = {row.path.replace("[]", "") for row in reference()}
    tables = {path.rpartition(".")[0] for path in paths}
    assert set(LIVE) <= paths | tables


def test_live_keys_are_taken_and_named() -> None:
    old = settings()
    new = settings(eliza__script="frontdesk", log__level="debug", limits__head_bytes=2048, server__drain_s=3)
    assert refuse_fixed(old, new) == []
    assert changed_keys(old, new) == ["server.drain_s", "eliza.script", "limits.head_bytes", "log.level"]
    assert changed_keys(old, old) == []


def test_fixed_keys_are_refused_with_both_values() -> None:
    problems = refuse_fixed(settings(), settings(limits__max_connections=7, server__listen=[":1"], log__level="error"))
    assert [problem.path for problem in problems] == ["server.listen", "limits.max_connections"]
    assert problems[0].message == ('cannot change from ["127.0.0.1:8765"] to [":1"] while the daemon runs: restart it')
    assert "from 900 to 7" in problems[1].message


def test_tls_cannot_be_turned_on_or_off_but_its_files_can_change() -> None:
    off = settings()
    on = msgspec.structs.replace(off, tls=msgspec.structs.replace(off.tls, certificate="/a", key="/b"))
    other = msgspec.structs.replace(off, tls=msgspec.structs.replace(off.tls, certificate="/c", key="/d"))
    for was, is_ in ((off, on), (on, off)):
        assert [problem.path for problem in refuse_fixed(was, is_)] == ["tls.certificate"]
    assert refuse_fixed(on, other) == []


def test_secrets_are_never_shown() -> None:
    old, new = settings(hume__tokens=["correct-horse"]), settings(hume__tokens=["battery-staple"])
    assert changed_keys(old, new) == ["hume.tokens"]
    assert refuse_fixed(old, new) == []
