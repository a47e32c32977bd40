"""The units as files, and the plan of an installation: nothing here touches the machine."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path

import pytest

from elizad.errors import StartError
from elizad.ops import install as installing
from elizad.ops import program
from elizad.ops.config import Settings, examine, load
from elizad.ops.install import plan_install, plan_uninstall
from elizad.ops.unit_files import NAMES, drop_ins, starter, units
from elizad.systemd_tools import _folder
from tests.support.daemon import ROOT

PREFIX = Path("/srv/talk")


def settings(**overrides: object) -> Settings:
    found, problems = examine(None, {key.replace("__", "."): value for key, value in overrides.items()})
    assert not problems
    return found


def test_the_files_to_read_are_the_files_that_are_installed() -> None:
    assert sorted(path.name for path in (ROOT / "systemd").iterdir()) == sorted(NAMES)
    for name, text in units(Path("/opt/elizad")).items():
        assert (ROOT / "systemd" / name).read_text(encoding="utf-8") == text


def lines(name: str) -> list[str]:
    text = (ROOT / "systemd" / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_a_worker_differs_from_the_single_service_only_where_it_must() -> None:
    single, worker = lines("elizad.service"), lines("elizad@.service")
    names = ("Description", "After", "ExecStart", "Sockets", "SyslogIdentifier", "RuntimeDirectory", "Also")
    for line in set(single) ^ set(worker):
        assert line.startswith(names) or line == "DefaultInstance=1", line


def test_every_group_of_lines_that_is_loosened_says_why() -> None:
    text = (ROOT / "systemd/elizad.service").read_text(encoding="utf-8")
    for name in ("PrivateNetwork", "IPAddressDeny", "AF_UNIX"):
        assert f"{name}" in text.split("# Loosened:")[1]


def test_the_prefix_is_in_every_place() -> None:
    for text in units(PREFIX).values():
        assert "/opt/elizad" not in text
    assert units(PREFIX)["elizad.service"].count("/srv/talk/bin/python") == 2


def test_the_first_configuration_is_all_defaults() -> None:
    tomllib.loads(starter())
    assert "# drain_s = 10.0" in starter()


def test_the_first_configuration_loads(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(starter(), encoding="utf-8")
    assert load(path) == load(None)


def test_addresses_go_to_the_sockets() -> None:
    files = drop_ins(settings(server__listen=["127.0.0.1:443", "[::1]:443", "unix:/run/x.sock"]), 1, 252)
    listen = files["elizad.socket.d/listen.conf"].splitlines()[1:]
    assert listen == [
        "[Socket]",
        "ListenStream=",
        "ListenStream=127.0.0.1:443",
        "ListenStream=[::1]:443",
        "ListenStream=/run/x.sock",
        "BindIPv6Only=ipv6-only",
    ]
    assert "ListenStream=127.0.0.1:8766" in files["elizad-admin.socket.d/listen.conf"]
    everywhere = drop_ins(settings(server__listen=[":443"]), 1, 252)["elizad.socket.d/listen.conf"]
    assert "ListenStream=0.0.0.0:443\n" in everywhere


@pytest.mark.parametrize("address", ["127.0.0.1:0", "no-such-host.invalid:80"])
def test_an_address_that_systemd_cannot_listen_at(address: str) -> None:
    with pytest.raises(StartError, match=address.replace(".", r"\.")):
        drop_ins(settings(server__listen=[address]), 1, 252)


def test_files_that_the_configuration_names_become_credentials(tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).touch()
    config = tmp_path / "config.toml"
    config.write_text('[tls]\ncertificate = "cert.pem"\nkey = "key.pem"\n', encoding="utf-8")
    text = drop_ins(load(config), 1, 252)["elizad.service.d/files.conf"]
    assert f"LoadCredential=tls.certificate:{tmp_path}/cert.pem\n" in text
    assert f"LoadCredential=tls.key:{tmp_path}/key.pem\n" in text
    assert "elizad.service.d/files.conf" not in drop_ins(settings(), 1, 252)


def test_restarts_slow_down_in_the_way_of_the_version() -> None:
    new = drop_ins(settings(), 1, 254)["elizad.service.d/restart.conf"]
    assert "RestartSteps=" in new
    assert '"$$EXIT_STATUS" = 78' in new, "systemd does not slow down what a caller starts"
    old = drop_ins(settings(), 1, 252)["elizad.service.d/restart.conf"]
    assert "\nRestartSteps=" not in old
    assert "ExecStopPost=" in old


def test_workers_have_drop_ins_of_their_own() -> None:
    files = drop_ins(settings(), 3, 252)
    assert "Service=elizad@1.service" in files["elizad.socket.d/listen.conf"]
    assert set(files) == {"elizad.socket.d/listen.conf", "elizad@.service.d/restart.conf"}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(installing, "UNITS", tmp_path / "units")
    monkeypatch.setattr(installing, "CONFIG", tmp_path / "etc/config.toml")
    monkeypatch.setattr(installing, "STATE", (tmp_path / "state",))
    monkeypatch.setattr(program, "python", lambda: Path("/usr/bin/python3"))
    return tmp_path


def done(steps: object) -> list[str]:
    """Do the steps that write and remove, and return what all of them say."""
    said = []
    for step in steps:  # type: ignore[attr-defined]
        said.append(step.shown.splitlines()[0])
        if not said[-1].startswith(("run", "copy")):
            step.act()
    return said


def test_the_plan_for_an_empty_machine_and_for_the_same_again(machine: Path) -> None:
    said = done(plan_install(settings(), PREFIX, 1))
    assert said[0].startswith("copy the program to /srv/talk")
    config = machine / "etc/config.toml"
    assert config.stat().st_mode & 0o777 == 0o600
    assert f"write {config} (mode 0600)" in said
    assert [line for line in said if line.startswith("run")] == [
        "run systemctl daemon-reload",
        "run systemctl enable --quiet elizad.socket elizad-admin.socket elizad.service",
        "run systemctl stop elizad.service",
        "run systemctl restart elizad.socket elizad-admin.socket",
        "run systemctl restart elizad.service",
    ]
    config.write_text("# mine\n", encoding="utf-8")
    again = done(plan_install(settings(), PREFIX, 1))
    assert config.read_text(encoding="utf-8") == "# mine\n"
    # The sockets are left alone: a caller notices nothing.
    assert again[1:] == [
        "run systemctl daemon-reload",
        "run systemctl enable --quiet elizad.socket elizad-admin.socket elizad.service",
        "run systemctl restart elizad.service",
    ]


def test_from_one_to_workers_and_away(machine: Path) -> None:
    done(plan_install(settings(), PREFIX, 1))
    wants = machine / "units/multi-user.target.wants"
    wants.mkdir()
    for name in ("elizad.service", "elizad-admin.socket", "elizad@3.service", "elizadx.service"):
        (wants / name).symlink_to("/dev/null")
    said = done(plan_install(settings(), PREFIX, 2))
    assert "run systemctl disable --now elizad@3.service elizad.service elizad-admin.socket" in said
    assert said[-2:] == ["run systemctl restart elizad@1.service", "run systemctl restart elizad@2.service"]
    own = machine / "units/elizad.service.d/own.conf"
    own.parent.mkdir(exist_ok=True)
    own.write_text("[Service]\nNice=5\n", encoding="utf-8")
    said = done(plan_uninstall(PREFIX, purge=False))
    left = [path for path in (machine / "units").rglob("elizad*") if path.parent != wants]
    assert left == [own.parent], "a drop-in of the operator's is not ours to take away"
    assert list(own.parent.iterdir()) == [own]
    assert (machine / "etc/config.toml").exists()
    done(plan_uninstall(PREFIX, purge=True))
    assert not (machine / "etc").exists()
    assert not own.parent.exists()


def test_a_program_that_somebody_else_put_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with pytest.raises(StartError, match="was not made by this command"):
        program.copy_to(tmp_path)
    assert (tmp_path / "precious").exists()


def test_what_redis_takes_goes_along_and_what_tests_take_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = {
        "elizad": ["trio>=0.30", 'coredis>=6 ; extra == "redis"', 'pytest>=8; extra == "test"'],
        "trio": ['outcome; python_version >= "3.8"', 'nothing-of-ours; extra == "redis"'],
        "coredis": [],
        "pytest": [],
        "outcome": [],
        "nothing-of-ours": [],
    }
    for name, wanted in needs.items():
        facts = tmp_path / f"{name.replace('-', '_')}-1.dist-info"
        facts.mkdir()
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n" + "".join(f"Requires-Dist: {it}\n" for it in wanted)
        (facts / "METADATA").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert {found.metadata["Name"] for found in program.closure("elizad")} == {"elizad", "trio", "coredis", "outcome"}


@pytest.mark.parametrize(
    ("text", "said"), [("/", "no folder for a program"), ("/home/me/x", "cannot look there"), ("/a b/c", "no folder")]
)
def test_a_prefix_where_a_service_cannot_look(text: str, said: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        _folder(text)
    assert _folder("/opt/elizad") == Path("/opt/elizad")
