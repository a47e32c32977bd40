"""Files that systemd hands to the service, in place of those that the configuration names.

A service that runs as nobody in particular cannot read a private key. systemd can, and passes a copy when the service
starts (systemd.exec(5), LoadCredential=). A credential with the name of a key, such as "tls.key", is read instead of
the file that the key names, so the configuration says where things really are, and is the same without systemd.

systemd passes nothing new on a reload. So the unit has root put fresh copies into the runtime directory first
(`publish`); where there are some, they count.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from elizad.ops.schema import Table

KEYS: Final = ("tls.certificate", "tls.key", "hume.tokens_file", "retell.tokens_file", "evi.keys_file", "eliza.script")
"""The keys that name a file to be read."""

_FRESH: Final = "credentials"

T = TypeVar("T", bound=Table)


def config_path(path: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Return what to read instead of the configuration at `path`: a credential of the same name, if there is one."""
    folder = _folder(environ)
    credential = Path(folder, path.name)
    return credential if folder and credential.exists() else path


def are_given(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether systemd has passed any."""
    return bool(environ.get("CREDENTIALS_DIRECTORY"))


def replaced(settings: T, environ: Mapping[str, str] = os.environ) -> T:
    """Return `settings` with the paths of the credentials that there are, where a path was set."""
    folder = _folder(environ)
    for key in named_files(settings) if folder else ():
        credential = os.path.join(folder, key)
        if os.path.exists(credential):
            table, _, name = key.partition(".")
            changed = msgspec.structs.replace(getattr(settings, table), **{name: credential})
            settings = msgspec.structs.replace(settings, **{table: changed})
    return settings


def named_files(settings: Table) -> dict[str, Path]:
    """The files that `settings` name, by key; packaged scripts and "$CREDENTIALS_DIRECTORY/..." are none."""
    found = {}
    for key in KEYS:
        table, _, name = key.partition(".")
        path = getattr(getattr(settings, table), name)
        if path.startswith("/"):
            found[key] = Path(path)
    return found


def publish(config: Path, settings: Table, runtime: Path) -> None:
    """Copy the configuration and the files that it names to where the service that owns `runtime` reads them.

    Done as root in a folder that belongs to somebody else: whatever lies there already is not followed or trusted.

    Raises: OSError.
    """
    files = {config.name: config, **named_files(settings)}
    with _opened(runtime) as parent:
        owner = os.fstat(parent)
        new, old = f"{_FRESH}.new", f"{_FRESH}.old"
        for name in (new, old):
            _clear(name, parent)
        os.mkdir(new, 0o700, dir_fd=parent)
        with _opened(new, parent) as folder:
            if os.fstat(folder).st_uid != os.geteuid():
                raise PermissionError(f"somebody else made {runtime}/{new}")
            for name, source in files.items():
                target = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400, dir_fd=folder)
                with open(target, "wb") as file:
                    file.write(source.read_bytes())
                    os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            os.fchown(folder, owner.st_uid, owner.st_gid)
        try:
            os.rename(_FRESH, old, src_dir_fd=parent, dst_dir_fd=parent)
        except FileNotFoundError:
            pass  # the first reload
        os.rename(new, _FRESH, src_dir_fd=parent, dst_dir_fd=parent)
        _clear(old, parent)


def _folder(environ: Mapping[str, str]) -> str:
    """Where the credentials are, "" if nowhere."""
    given = environ.get("CREDENTIALS_DIRECTORY", "")
    fresh = os.path.join(environ.get("RUNTIME_DIRECTORY", ""), _FRESH)
    return fresh if given and fresh.startswith("/") and os.path.isdir(fresh) else given


@contextmanager
def _opened(path: str | Path, parent: int | None = None) -> Iterator[int]:
    """A folder's descriptor. A link in its place is not followed, except for the runtime directory, where systemd's
    DynamicUser= makes one."""
    nofollow = os.O_NOFOLLOW if parent is not None else 0
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | nofollow, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _clear(name: str, parent: int) -> None:
    try:
        shutil.rmtree(name, dir_fd=parent)
    except FileNotFoundError:
        pass
    except OSError:
        os.unlink(name, dir_fd=parent)  # no folder: a file or a link, which is not followed
