"""Finds the published conformance data of the 1966 program, which belongs to others and is not part of the project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2].parent / "shared" / "conformance"

needs_conformance = pytest.mark.skipif(
    not ROOT.is_dir(), reason="the published ELIZA conversations are not on this machine; they are not ours to ship"
)


def load(name: str) -> Any:
    """Return a file of the data; an empty list where there is none, so that collecting tests does not fail."""
    path = ROOT / name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


def script(name: str) -> str:
    """Return a published script with its line ends as they are."""
    return (ROOT / "scripts" / name).read_bytes().decode("utf-8")


def conversations() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return (name, script text, [(prompt, reply)]) of each published conversation."""
    found = []
    for entry in load("index.json"):
        data = load(entry["file"])
        found.append((data["name"], script(entry["script"]), [(t["user"], t["eliza"]) for t in data["turns"]]))
    return found


def subtle_points() -> list[dict[str, Any]]:
    """Return the minimal tests: script, turns, and what the opening or the load error must be."""
    points: list[dict[str, Any]] = load("subtle-points.json")
    return points
