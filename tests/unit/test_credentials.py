"""Files that systemd passes to the service, and the copies that a reload makes of them."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from elizad.ops.config import Settings, load
from elizad.ops.credentials import are_given, config_path, named_files, publish, replaced


def make(tmp_path: Path) -> tuple[Path, Settings]:
    for name in ("cert.pem", "key.pem", "tokens", "my.eliza"):
        (tmp_path / name).write_text(f"this is {name}", encoding="utf-8")
    config = tmp_path / "config.toml"
    config.write_text(
        '[tls]\ncertificate = "cert.pem"\nkey = "key.pem"\n[eliza]\nscript = "./my.eliza"\n'
        '[hume]\ntokens_file = "tokens"\n[retell]\ntokens_file = "$CREDENTIALS_DIRECTORY/retell"\n',
        encoding="utf-8",
    )
    return config, load(config)


def test_what_is_named(tmp_path: Path) -> None:
    _, settings = make(tmp_path)
    assert named_files(settings) == {
        "tls.certificate": tmp_path / "cert.pem",
        "tls.key": tmp_path / "key.pem",
        "hume.tokens_file": tmp_path / "tokens",
        "eliza.script": tmp_path / "my.eliza",
    }
    assert named_files(Settings()) == {}


def test_a_credential_takes_the_place_of_the_file_that_is_named(tmp_path: Path) -> None:
    config, settings = make(tmp_path)
    given = tmp_path / "given"
    given.mkdir()
    environ = {"CREDENTIALS_DIRECTORY": str(given)}
    assert replaced(settings, environ) == settings
    assert config_path(config, environ) == config
    (given / "tls.key").write_text("the key", encoding="utf-8")
    (given / "retell.tokens_file").write_text("not asked for", encoding="utf-8")
    found = replaced(settings, environ)
    assert found.tls.key == str(given / "tls.key")
    assert found.tls.certificate == str(tmp_path / "cert.pem")
    assert found.retell == settings.retell
    (given / "config.toml").write_text("", encoding="utf-8")
    assert config_path(config, environ) == given / "config.toml"
    assert replaced(Settings(), environ) == Settings()
    assert replaced(settings, {}) == settings
    assert are_given(environ)
    assert not are_given({})


def test_fresh_copies_count_more_than_those_from_the_start(tmp_path: Path) -> None:
    config, settings = make(tmp_path)
    given, runtime = tmp_path / "given", tmp_path / "runtime"
    given.mkdir()
    runtime.mkdir()
    (given / "tls.key").write_text("the old key", encoding="utf-8")
    environ = {"CREDENTIALS_DIRECTORY": str(given), "RUNTIME_DIRECTORY": str(runtime)}
    assert replaced(settings, environ).tls.key == str(given / "tls.key")
    for words in ("first", "second"):
        (tmp_path / "key.pem").write_text(words, encoding="utf-8")
        publish(config, settings, runtime)
        key = Path(replaced(settings, environ).tls.key)
        assert key == runtime / "credentials/tls.key"
        assert key.read_text(encoding="utf-8") == words
        assert key.stat().st_mode & 0o777 == 0o400
        assert config_path(config, environ).read_text(encoding="utf-8") == config.read_text(encoding="utf-8")
        assert os.listdir(runtime) == ["credentials"]
    # Not a service of systemd's: whatever lies in a folder of that name is nobody's business.
    assert replaced(settings, {"RUNTIME_DIRECTORY": str(runtime)}) == settings


@pytest.mark.parametrize("name", ["credentials.new", "credentials.old"])
@pytest.mark.parametrize("kind", ["link", "file", "folder"])
def test_what_somebody_has_laid_in_the_way_is_not_followed(name: str, kind: str, tmp_path: Path) -> None:
    config, settings = make(tmp_path)
    runtime, elsewhere = tmp_path / "runtime", tmp_path / "elsewhere"
    runtime.mkdir()
    elsewhere.mkdir()
    (elsewhere / "config.toml").write_text("precious", encoding="utf-8")
    match kind:
        case "link":
            (runtime / name).symlink_to(elsewhere)
        case "file":
            (runtime / name).write_text("", encoding="utf-8")
        case _:
            (runtime / name).mkdir()
            (runtime / name / "config.toml").symlink_to(elsewhere / "config.toml")
    publish(config, settings, runtime)
    assert os.listdir(elsewhere) == ["config.toml"]
    assert (elsewhere / "config.toml").read_text(encoding="utf-8") == "precious"
    assert sorted(os.listdir(runtime / "credentials")) == [
        "config.toml",
        "eliza.script",
        "hume.tokens_file",
        "tls.certificate",
        "tls.key",
    ]


def test_a_file_that_is_missing_leaves_the_old_copies(tmp_path: Path) -> None:
    config, settings = make(tmp_path)
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    publish(config, settings, runtime)
    (tmp_path / "key.pem").unlink()
    with pytest.raises(FileNotFoundError):
        publish(config, msgspec.structs.replace(settings), runtime)
    assert (runtime / "credentials/tls.key").read_text(encoding="utf-8") == "this is key.pem"
