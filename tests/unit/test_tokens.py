"""Files with tokens: what may stand in one, and that nothing said about it quotes a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from elizad.ops.tokens import read_tokens


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tokens"


def test_one_token_a_line_with_comments(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf# Hume, since May\r\nfirst-token\r\n\n  second#token \n#third-token\n")
    file.chmod(0o600)
    assert read_tokens(str(file)) == (("first-token", "second#token"), "")
    assert "first-token" not in repr(read_tokens(str(file)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"hunter2-hunter2\nhunter2\n", "line 2: expected a token, which has 8 to 256 printable ASCII characters"),
        (b"hunter2 hunter2\n", "line 1: expected a token"),
        (b"# so\n\nhunter2h\xc3\xbcnter2\n", "line 3: expected a token"),
        (b"hunter2\xff\xfe\xfdhunter2\n", "line 1: expected a token"),
        (b"hunter2\x00hunter2\n", "line 1: expected a token"),
        (b"hunter2" * 60, "line 1: expected a token"),
        (b"********\n", "line 1: this is the mask that --print-config writes, not a token"),
        (b"# hunter2-hunter2\n\n", "holds no token"),
        (b"", "holds no token"),
        (b"hunter2-hunter2\n" * 5000, "more than 65536 bytes"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line_and_without_the_secret(file: Path, data: bytes, message: str) -> None:
    file.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        read_tokens(str(file))
    assert str(caught.value).startswith(str(file))
    assert "hunter2" not in str(caught.value)


def test_a_file_that_cannot_be_read(file: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read: no such file or directory"):
        read_tokens(str(file))
    with pytest.raises(ValueError, match="cannot be read: is a directory"):
        read_tokens(str(file.parent))


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_a_file_that_everybody_can_read_is_warned_about(file: Path, mode: int, warned: bool) -> None:
    file.write_text("first-token")
    file.chmod(mode)
    assert read_tokens(str(file)).warning == (f"{file} can be read by everybody on this machine" if warned else "")


def test_a_credential_of_the_unit(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("first-token")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(file.parent))
    assert read_tokens("$CREDENTIALS_DIRECTORY/tokens").tokens == ("first-token",)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(ValueError, match="CREDENTIALS_DIRECTORY is not set"):
        read_tokens("$CREDENTIALS_DIRECTORY/tokens")
