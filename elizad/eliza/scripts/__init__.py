"""The packaged scripts, as data: `NAME.eliza` beside this file."""

from __future__ import annotations

from importlib import resources


def names() -> list[str]:
    """Return the names of the packaged scripts, sorted."""
    return sorted(
        entry.name.removesuffix(".eliza")
        for entry in resources.files(__name__).iterdir()
        if entry.name.endswith(".eliza")
    )


def read(name: str) -> str:
    """Return the text of a packaged script.

    Raises:
        KeyError: there is no packaged script of that name.
    """
    if name not in names():
        raise KeyError(name)
    return (resources.files(__name__) / f"{name}.eliza").read_text(encoding="utf-8")
