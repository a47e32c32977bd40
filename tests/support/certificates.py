"""Certificates for tests, made on the spot: an authority, and what it signs, as files."""

from __future__ import annotations

import datetime
import ssl
from functools import cache
from pathlib import Path
from typing import NamedTuple

import trustme

NAMES = ("localhost", "127.0.0.1")


class Files(NamedTuple):
    """PEM files: the certificate with those that lead to its issuer, and the key."""

    certificate: Path
    key: Path

    @property
    def config(self) -> str:
        return f'[tls]\ncertificate = "{self.certificate}"\nkey = "{self.key}"\n'

    def write(self, issued: trustme.LeafCert) -> None:
        self.certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        self.key.write_bytes(issued.private_key_pem.bytes())


@cache
def authority() -> trustme.CA:
    """The root that test clients trust; it signs through another, as those on the internet do."""
    return trustme.CA()


@cache
def intermediate() -> trustme.CA:
    return authority().create_child_ca()


def issue(*names: str, starts_in_days: float = -1, ends_in_days: float = 90) -> trustme.LeafCert:
    now = datetime.datetime.now(datetime.UTC)
    return intermediate().issue_cert(
        *(names or NAMES),
        not_before=now + datetime.timedelta(days=starts_in_days),
        not_after=now + datetime.timedelta(days=ends_in_days),
    )


def files(folder: Path, issued: trustme.LeafCert | None = None) -> Files:
    """Write a certificate and its key into `folder`."""
    made = Files(folder / "certificate.pem", folder / "key.pem")
    made.write(issued or issue())
    return made


def client_context(*, check_hostname: bool = True) -> ssl.SSLContext:
    """What a client of ours trusts: the authority, and nobody else."""
    context = ssl.create_default_context()
    context.check_hostname = check_hostname
    authority().configure_trust(context)
    return context
