"""The certificate and its key: what can be used, what is refused and why, what is only warned of."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from elizad.errors import ConfigError, Problem
from elizad.net.tls import BadCertificate, Certificate
from elizad.ops import config
from tests.support.certificates import Files, files, issue


def load(found: Files) -> Certificate:
    return Certificate(str(found.certificate), str(found.key))


def refused(found: Files) -> tuple[str, str]:
    with pytest.raises(BadCertificate) as caught:
        load(found)
    return caught.value.which, str(caught.value)


def self_signed(folder: Path, *, bits: int = 2048, purpose: x509.ObjectIdentifier, passphrase: bytes = b"") -> Files:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=90))
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    lock: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    )
    found = Files(folder / "certificate.pem", folder / "key.pem")
    found.certificate.write_bytes(certificate.public_bytes(pem))
    found.key.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, lock))
    return found


def test_a_certificate_with_its_chain_and_key_is_taken_without_a_word(tmp_path: Path) -> None:
    assert load(files(tmp_path)).warning == ""


def test_one_file_may_hold_both(tmp_path: Path) -> None:
    found = files(tmp_path)
    found.certificate.write_bytes(found.key.read_bytes() + found.certificate.read_bytes())
    assert load(Files(found.certificate, found.certificate)).warning == ""


@pytest.mark.parametrize("which", ["certificate", "key"])
class TestAFileThatCannotBeUsed:
    def test_is_not_there(self, tmp_path: Path, which: str) -> None:
        found = files(tmp_path)
        path: Path = getattr(found, which)
        path.unlink()
        assert refused(found) == (which, f"{path} cannot be read: no such file or directory")

    def test_is_a_folder(self, tmp_path: Path, which: str) -> None:
        found = files(tmp_path)._replace(**{which: tmp_path})
        assert refused(found) == (which, f"{tmp_path} cannot be read: is a directory")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_may_not_be_read(self, tmp_path: Path, which: str) -> None:
        found = files(tmp_path)
        path: Path = getattr(found, which)
        path.chmod(0)
        assert refused(found) == (which, f"{path} cannot be read: permission denied")

    @pytest.mark.parametrize("data", [b"", b"\0\xff" * 100, b"-----BEGIN DH PARAMETERS-----\n"])
    def test_is_something_else(self, tmp_path: Path, which: str, data: bytes) -> None:
        found = files(tmp_path)
        path: Path = getattr(found, which)
        path.write_bytes(data)
        wanted = "certificate" if which == "certificate" else "private key"
        assert refused(found) == (which, f"{path} holds no {wanted} in PEM format")

    def test_is_damaged(self, tmp_path: Path, which: str) -> None:
        found = files(tmp_path)
        path: Path = getattr(found, which)
        lines = path.read_text().splitlines()
        lines[1] = "A" * len(lines[1])
        path.write_text("\n".join(lines) + "\n")
        blamed, message = refused(found)
        assert blamed == which
        assert message.startswith(f"{path} ")


def test_files_given_the_wrong_way_round(tmp_path: Path) -> None:
    certificate, key = files(tmp_path)
    assert refused(Files(key, certificate)) == ("certificate", f"{key} holds no certificate in PEM format")


def test_a_key_of_another_certificate(tmp_path: Path) -> None:
    found = files(tmp_path)
    found.key.write_bytes(issue().private_key_pem.bytes())
    assert refused(found) == ("key", f"{found.key} is not the key of the certificate {found.certificate}")


def test_a_key_under_a_passphrase_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    found = self_signed(tmp_path, purpose=ExtendedKeyUsageOID.SERVER_AUTH, passphrase=b"sesame")
    assert refused(found) == ("key", f"{found.key} is encrypted, and a daemon cannot ask for the passphrase")


def test_a_key_too_short_to_be_trusted(tmp_path: Path) -> None:
    found = self_signed(tmp_path, bits=1024, purpose=ExtendedKeyUsageOID.SERVER_AUTH)
    assert refused(found) == ("certificate", f"{found.certificate} is refused by OpenSSL: ee key too small")


@pytest.mark.parametrize(
    ("starts", "ends", "warning"),
    [
        (-90, -1, "the certificate has expired"),
        (1, 90, "the certificate is not valid yet"),
        (-80, 3.1, "the certificate expires in 3 days"),
        (-80, 7.1, ""),
    ],
)
def test_a_certificate_out_of_its_time_is_only_warned_of(
    tmp_path: Path, starts: float, ends: float, warning: str
) -> None:
    assert load(files(tmp_path, issue(starts_in_days=starts, ends_in_days=ends))).warning == warning


def test_a_certificate_for_something_else_is_only_warned_of(tmp_path: Path) -> None:
    found = self_signed(tmp_path, purpose=ExtendedKeyUsageOID.CLIENT_AUTH)
    assert load(found).warning.startswith("callers will not take the certificate: uns")
    assert load(self_signed(tmp_path, purpose=ExtendedKeyUsageOID.SERVER_AUTH)).warning == ""


def test_reload_takes_what_is_there_now_or_keeps_what_it_has(tmp_path: Path) -> None:
    found = files(tmp_path)
    certificate = load(found)
    before = certificate._context
    found.key.write_bytes(issue().private_key_pem.bytes())
    with pytest.raises(BadCertificate):
        certificate.reload()
    assert certificate._context is before
    found.write(issue(ends_in_days=-0.5))
    certificate.reload()
    assert certificate._context is not before
    assert certificate.warning == "the certificate has expired"


class TestTheSettings:
    def test_paths_start_at_the_folder_of_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "config.toml"
        path.write_text('[tls]\ncertificate = "a/b.pem"\nkey = "/etc/key.pem"\n')
        tls = config.load(path).tls
        assert (tls.certificate, tls.key) == (f"{tmp_path}/a/b.pem", "/etc/key.pem")

    @pytest.mark.parametrize(("there", "lacking"), [("certificate", "key"), ("key", "certificate")])
    def test_one_without_the_other(self, tmp_path: Path, there: str, lacking: str) -> None:
        path = tmp_path / "config.toml"
        path.write_text(f'[tls]\n{there} = "a.pem"\n')
        with pytest.raises(ConfigError) as caught:
            config.load(path)
        assert caught.value.problems == (
            Problem(f"tls.{lacking}", f"tls.{there} is set, and one is of no use without the other"),
        )

    def test_empty_is_off(self) -> None:
        assert config.load(None).tls == config.Tls(certificate="", key="")
