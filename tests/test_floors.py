"""The floors of the house: imports go down only, and some doors stay shut (see "How it is built" in the README)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "elizad"
MODULES = sorted(PACKAGE.rglob("*.py"))

FLOORS = {
    "errors": 0,
    "types": 0,
    "agent": 0,
    "eliza": 1,
    "speech": 1,
    "conversation": 1,
    "protocols": 2,
    "net": 3,
    "store": 3,
    "service": 4,
    "evi": 4,
    "ops": 5,
    "call": 6,
    "bench": 6,
}
ENTRY = 6

PURE = {
    "trio",
    "trio_websocket",
    "socket",
    "ssl",
    "time",
    "random",
    "secrets",
    "logging",
    "sqlite3",
    "subprocess",
    "os",
}
# Third-party modules and what else of the standard library a floor must not see.
SHUT = {
    0: PURE | {"msgspec", "h11", "rich"},
    1: PURE | {"h11", "rich"},
    2: PURE | {"h11", "rich"},
    3: {"rich", "argparse", "random"},
    4: {"trio_websocket", "socket", "ssl", "sqlite3", "h11", "rich", "argparse"},
    5: {"trio_websocket", "h11", "sqlite3"},
}
# Rooms that do not know each other although the floors would let them.
STRANGERS = {
    "eliza": {"speech", "conversation"},
    "speech": {"eliza", "conversation"},
    "net": {"protocols", "conversation", "eliza", "speech", "store"},
    "store": {"protocols", "conversation", "eliza", "speech", "net"},
}
ONLY_IN = {
    "trio_websocket": {"net/judge.py"},
    "wsproto": {"net/line.py"},
    "websockets": {"net/mask.py"},
    "sqlite3": {"store/sqlite.py"},
    "coredis": {"store/redis.py"},
}


def room_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_seen(module: Path) -> set[str]:
    names = {name.split(".")[1] for name in imports(module) if name.startswith("elizad.")}
    return {name for name in names if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()}


def test_the_rooms_are_all_known() -> None:
    folders = {room_of(module) for module in MODULES if module.parent != PACKAGE}
    assert folders <= set(FLOORS)
    assert len(MODULES) > 20


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_imports_go_down(module: Path) -> None:
    room = room_of(module)
    floor = FLOORS.get(room, ENTRY)
    seen = rooms_seen(module) - {room}
    upwards = {name for name in seen if FLOORS.get(name, ENTRY) > floor}
    assert not upwards, "imports from a floor above"
    assert not seen & STRANGERS.get(room, set()), "imports a room that it must not know"
    outside = {name.split(".")[0] for name in imports(module)}
    assert not outside & SHUT.get(floor, set()), "imports what this floor must not see"
    place = str(module.relative_to(PACKAGE))
    for name, places in ONLY_IN.items():
        assert name not in outside or place in places, f"only {places} may import {name}"


@pytest.mark.parametrize("path", [*MODULES, *sorted((PACKAGE.parent / "tests").rglob("*.py"))], ids=str)
def test_no_file_is_too_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
