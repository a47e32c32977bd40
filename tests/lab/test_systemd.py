"""The daemon as a service: the real units under a real systemd, in a machine that is booted for it and thrown away.

What is done in there stands in inside.py; here is what must come of it.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elizad import __version__
from elizad.ops.unit_files import NAMES
from tests.lab.machine import boot, missing, play, prepare, refused
from tests.lab.wheels import NEWER, build

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "nothing is missing")


@pytest.fixture(scope="module")
def work() -> Iterator[Path]:
    if reason := refused():
        pytest.skip(reason)
    # Not below /tmp: the machine has a /tmp of its own.
    folder = Path(tempfile.mkdtemp(prefix="elizad-lab-", dir="/var/tmp"))
    try:
        prepare(folder)
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def service(work: Path) -> dict[str, Any]:
    return play(work, "service")


@pytest.fixture(scope="module")
def reload(work: Path) -> dict[str, Any]:
    return play(work, "reload")


@pytest.fixture(scope="module")
def load(work: Path) -> dict[str, Any]:
    return play(work, "load")


@pytest.fixture(scope="module")
def disk(work: Path) -> dict[str, Any]:
    return play(work, "disk")


@pytest.fixture(scope="module")
def pipx(work: Path) -> dict[str, Any]:
    build(work)
    return play(work, "pipx")


def test_a_machine_that_hangs_is_ended_with_all_that_runs_in_it(work: Path) -> None:
    code, said = boot("/bin/sleep", "987", limit_s=6)
    assert code == 124, said
    running = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended
            running.append(process.read_bytes())
    assert b"/bin/sleep\x00987\x00" not in running


class TestInstalledAndStarted:
    def test_a_dry_run_shows_every_file_and_command_and_does_nothing(self, service: dict[str, Any]) -> None:
        for shown in (
            *NAMES,
            "/etc/elizad/config.toml",
            "ExecStart=",
            "# drain_s = 10.0",
            "run systemctl daemon-reload",
        ):
            assert shown in service["dry run"]
        assert service["after dry run"] == [False, False]

    def test_it_is_ready_when_systemd_says_so(self, service: dict[str, Any]) -> None:
        assert service["state"][:3] == ["active", "running", "notify"]
        assert service["state"][3] == "0 calls, 0.0 turns/s, script doctor"
        assert service["ready"] == "ready\n"

    def test_the_log_begins_with_what_is_running(self, service: dict[str, Any]) -> None:
        banner = service["banner"]
        for piece in (
            f"version={__version__}",
            "config=/etc/elizad/config.toml",
            "script=doctor",
            "connections=900",
            "store=sqlite",
            "path=/var/lib/elizad/sessions.sqlite3",
            '"listening on ws://127.0.0.1:8765" by=systemd',
            '"admin pages on http://127.0.0.1:8766"',
        ):
            assert piece in banner
        assert len(banner.splitlines()) <= 9

    def test_systemd_holds_the_sockets(self, service: dict[str, Any]) -> None:
        lines = [line.split() for line in service["sockets"].splitlines()]
        assert lines == [
            ["127.0.0.1:8765", "elizad.socket", "elizad.service"],
            ["127.0.0.1:8766", "elizad-admin.socket", "elizad.service"],
        ]

    def test_the_exposure_is_low_and_the_units_are_sound(self, service: dict[str, Any]) -> None:
        assert service["exposure"] <= 1.5
        assert service["verify"] == ""
        assert int(service["open files"]) > 964

    def test_status_is_told_to_systemd_and_to_whoever_asks(self, service: dict[str, Any]) -> None:
        assert service["status text"].startswith("5 calls, ")
        assert service["status text"].endswith(" turns/s, script doctor")
        for piece in ("5 now", "hume", "to the first words", "/etc/elizad/config.toml"):
            assert piece in service["status"]
        assert service["status json"]["calls_live"] == 5
        assert service["talked"]["connected"] == 5


class TestKept:
    def test_killed_it_is_back_within_a_second(self, service: dict[str, Any]) -> None:
        kills = service["killed"]
        print(*kills, sep="\n")
        # On a machine that does nothing else a start takes as long as it computes: half a second. This one may be busy,
        # which makes computing slower as well, but says nothing about the daemon. So what counts is systemd's part, by
        # its own clock, and the processor's time of ours.
        assert min(kill["started"] for kill in kills) < 0.5
        assert min(kill["cpu of the start"] for kill in kills) < 1
        # The second and third time in a minute no less.
        assert all(kill["noticed"] < kill["started"] < kill["ready"] for kill in kills)
        assert service["after kill -9"] == ["active", "3"]

    def test_who_dials_while_it_is_dead_is_answered_as_soon_as_it_is_back(self, service: dict[str, Any]) -> None:
        for kill in service["killed"]:
            assert kill["started"] < kill["answered"] < kill["ready"] + 5, kill

    def test_a_blocked_loop_is_killed_names_the_place_and_comes_back(self, service: dict[str, Any]) -> None:
        assert service["healthy under the watchdog"] == "0"
        assert service["back after a blocked loop"] < 6
        log = service["blocked loop"]
        assert "Watchdog timeout" in log
        assert "spoil.py" in log.split("Watchdog timeout")[1]

    def test_one_that_keeps_failing_is_tried_ever_more_slowly(self, service: dict[str, Any]) -> None:
        assert 2 <= service["restarts in five seconds"] <= 10

    def test_it_may_write_into_its_state_directory_and_nowhere_else(self, service: dict[str, Any]) -> None:
        assert service["writable"] == ["/var/lib/elizad"]

    def test_it_is_nobody_in_particular_and_cannot_read_the_configuration_where_it_lies(
        self, service: dict[str, Any]
    ) -> None:
        assert service["secrets"] == ["elizad"]


class TestJournal:
    def test_one_line_an_event_with_a_priority_and_no_second_time(self, service: dict[str, Any]) -> None:
        ours = [(int(priority), text) for priority, name, text in service["journal"] if name == "elizad"]
        events = [(priority, text) for priority, text in ours if text.startswith("level=")]
        assert len(events) > 30
        assert not [text for _, text in events if "time=" in text or "\n" in text or "\x1b" in text]
        levels = {"info": 6, "warning": 4, "error": 3}
        for priority, text in events:
            assert priority == levels[text.split()[0].removeprefix("level=")]
        # What else comes from the process is Python's own farewell when the watchdog has killed it.
        others = [text for _, text in ours if not text.startswith("level=")]
        assert others
        assert others[0] == "Fatal Python error: Aborted"

    def test_what_repeats_itself_is_summed_up(self, service: dict[str, Any]) -> None:
        refused = [text for _, _, text in service["journal"] if "event=refused" in text]
        assert len(refused) < 100
        written = [text for text in refused if "more_like_this" not in text]
        held_back = [int(text.split("more_like_this=")[1].split()[0]) for text in refused if "more_like_this" in text]
        killed = len(service["killed"])  # each time it came back, it was asked once
        assert len(written) + sum(held_back) == 500 + killed
        assert "nothing is served at this path" in refused[-1]

    def test_stopped_it_has_ended_well(self, service: dict[str, Any]) -> None:
        assert service["stopped"] == ["inactive", "success", "0"]


class TestReload:
    def test_script_tokens_and_certificate_are_taken_over(self, reload: dict[str, Any]) -> None:
        assert reload["reload"] == 0
        assert reload["first words"] == "This is script one."
        assert reload["new first words"] == "This is script two."
        assert "403" in reload["old token"]
        assert reload["serial"] != reload["new serial"]

    def test_a_call_that_is_open_keeps_what_it_began_with(self, reload: dict[str, Any]) -> None:
        assert reload["a running call keeps"] == "This is script one."

    def test_what_is_wrong_changes_nothing_and_is_said(self, reload: dict[str, Any]) -> None:
        assert reload["bad reload"] != 0
        assert reload["bad script"] != 0
        assert 'log.levle: unknown key; did you mean "level"?' in reload["log"]
        assert "Script error on line 3" in reload["log"]
        assert reload["still"] == "This is script two."
        assert reload["still running"] == ["active", "0"]

    def test_what_cannot_change_is_refused_by_name(self, reload: dict[str, Any]) -> None:
        assert "key=limits.max_connections" in reload["log"]
        assert "cannot change from 900 to 7" in reload["log"]
        assert "limits.head_bytes" not in reload["log"]
        assert "the last reload was refused" in reload["status"]


class TestUnderLoad:
    @pytest.mark.parametrize("what", ["restart under load", "upgrade under load", "one worker stopped under load"])
    def test_nobody_is_refused_and_no_turn_is_left_unfinished(self, load: dict[str, Any], what: str) -> None:
        seen = load[what]
        assert seen.get("refused", 0) == 0, seen
        assert seen.get("unfinished", 0) == 0, seen
        assert seen["connected"] > 20, "nobody had to connect again"
        assert seen["turns"] > 40
        assert seen["closed 1001"] > 0
        assert not [name for name in seen if name.startswith("closed") and name != "closed 1001"]

    def test_a_drain_finishes_the_turn_and_says_goodbye_as_each_platform_needs_it(self, load: dict[str, Any]) -> None:
        assert load["drain"]["codes"] == {"paced": 1001, "idle": 1001, "retell": 1006}
        assert "assistant_end" in load["drain"]["last"]
        assert 0.3 < load["drain"]["seconds"] < 10
        assert load["stop took"] == "success"

    def test_an_upgrade_keeps_the_configuration(self, load: dict[str, Any]) -> None:
        assert load["upgraded"] == ["9.9.9", True]
        assert "config.toml" not in load["upgrade"].split("elizad runs.")[0]

    def test_two_workers_share_the_calls(self, load: dict[str, Any]) -> None:
        assert all(turns > 5 for turns in load["shared"])
        assert load["one left"] == ["active", "inactive"]
        assert load["worker reload"] == 0
        assert "elizad.service" not in load["units"]

    def test_uninstall_leaves_configuration_and_state_and_nothing_else(self, load: dict[str, Any]) -> None:
        assert load["left"] == ["/etc/elizad/config.toml", "/var/lib/private/elizad"]
        assert load["units left"] == ""


class TestDisk:
    def test_a_full_disk_costs_no_call(self, disk: dict[str, Any]) -> None:
        assert disk["full"] == "No space left on device"
        assert "sessions.sqlite3" in disk["kept"]
        assert "database or disk is full" in disk["log"]
        for name in ("talked", "talked after a restart"):
            assert disk[name]["turns"] >= 6, json.dumps(disk[name])
            assert set(disk[name]) == {"connected", "turns"}
        assert disk["state"] == ["active", "0"]


class TestPipx:
    """From root's own home, where no service can look."""

    def test_what_is_in_the_way_is_said_before_anything_is_changed(self, pipx: dict[str, Any]) -> None:
        assert pipx["where"].startswith("/root/")
        code, text = pipx["refused"]
        assert code == 1
        assert "/opt/elizad exists and was not made by this command" in text
        assert pipx["after refusal"] == [False, True, 0]

    def test_it_is_copied_compiled_and_runs(self, pipx: dict[str, Any]) -> None:
        assert pipx["dry run"].startswith("copy the program to /opt/elizad, run by /usr/bin/python3")
        assert pipx["state"] == "active"
        assert pipx["compiled"] == 1

    def test_upgraded_while_people_talk(self, pipx: dict[str, Any]) -> None:
        assert pipx["before"] == __version__  # pipx's own is another one, until the next `systemd install`
        assert pipx["after"] == NEWER
        assert pipx["talked"].get("refused", 0) == pipx["talked"].get("unfinished", 0) == 0

    def test_the_service_does_not_lean_on_what_pipx_has(self, pipx: dict[str, Any]) -> None:
        assert pipx["without pipx"]["turns"] >= 6
        assert pipx["left"] == ["/etc/elizad/config.toml", "/var/lib/private/elizad"]
