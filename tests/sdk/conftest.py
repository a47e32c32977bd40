"""The programs and the daemons that they talk to: each started once for all tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.sdk import environments
from tests.sdk.driver import PROGRAMS, SDKS, Program, Sdk
from tests.support.certificates import Files, authority, files
from tests.support.daemon import Daemon

KEY = "desk-key-1"
SECRET = "desk-secret-1"
CONFIG = f"""
[eliza]
script = "{Path(__file__).parent / "ferry.eliza"}"

[evi]
keys = ["{KEY}:{SECRET}"]
sound = "silence"
hearing = false

[evi.configs.greeting]
greeting = "Ahoy there. Anybody on board?"

[evi.configs.hurried]
inactivity_s = 1.0
"""


class Evi(NamedTuple):
    """A daemon in EVI's place; `transport` is ws or wss."""

    transport: str
    url: str
    daemon: Daemon


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs for Node.js, in a folder where they find the SDKs."""
    installed = environments.node_modules()
    folder = tmp_path_factory.mktemp("node")
    shutil.copytree(PROGRAMS, folder / "programs")
    (folder / "node_modules").symlink_to(installed)
    return folder / "programs"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for this machine and its key, and `authority.pem`, which says it is good."""
    folder = tmp_path_factory.mktemp("tls")
    files(folder)
    authority().cert_pem.write_to_path(folder / "authority.pem")
    return folder


@pytest.fixture(scope="session", params=["ws", "wss"])
def evi(request: pytest.FixtureRequest, certificates: Path) -> Iterator[Evi]:
    """A daemon that wants a key."""
    pair = Files(certificates / "certificate.pem", certificates / "key.pem")
    tls = pair.config if request.param == "wss" else ""
    with Daemon(config=CONFIG + tls) as daemon:
        yield Evi(request.param, "http" + daemon.url.removeprefix("ws"), daemon)


@pytest.fixture(scope="session")
def trusting(certificates: Path) -> dict[str, str]:
    """What makes a program trust the certificate, as a user would with one of their own making."""
    file = str(certificates / "authority.pem")
    return {"SSL_CERT_FILE": file, "NODE_EXTRA_CA_CERTS": file}


@pytest.fixture(scope="session")
def programs(trusting: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Callable[[Sdk], Program]]:
    """Returns the program on an SDK, which is started when it is first wanted, and again after a test that failed."""
    running: dict[Sdk, Program] = {}

    def start(sdk: Sdk) -> Program:
        if sdk in running and not running[sdk].is_free:
            running.pop(sdk).kill()
        if sdk not in running:
            running[sdk] = Program(sdk, sdk.command(lambda: request.getfixturevalue("modules")), **trusting)
        return running[sdk]

    yield start
    with ExitStack() as ends:
        for program in running.values():
            ends.callback(program.end)


@pytest.fixture(params=SDKS, ids=str)
def program(request: pytest.FixtureRequest, programs: Callable[[Sdk], Program]) -> Program:
    """A program on one of the SDKs."""
    return programs(request.param)
