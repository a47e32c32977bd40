"""What the queries of EVI's HTTP calls have in common, and the pages that lists are cut into. Pure."""

from __future__ import annotations

import urllib.parse
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeVar

T = TypeVar("T")

_MOST_PAGE_SIZE: Final = 100
_USUAL_PAGE_SIZE: Final = 10
_MOST_DIGITS: Final = 9  # of a number: no list is so long


class BadRequest(ValueError):
    """The request cannot be answered as it is; the message goes to the program."""


class Page(NamedTuple):
    """Which part of a list is wanted."""

    number: int = 0
    size: int = _USUAL_PAGE_SIZE
    ascending: bool = True

    def cut(self, items: Sequence[T]) -> Sequence[T]:
        """Return the part of `items` that is on the page; nothing past the end."""
        return items[self.number * self.size : (self.number + 1) * self.size]

    def around(self, name: str, entries: Sequence[Any], count: int, *, directed: bool = True) -> dict[str, Any]:
        """Return the page object: `entries` under `name`, and of how many in all they are."""
        direction = {"pagination_direction": "ASC" if self.ascending else "DESC"} if directed else {}
        total = -(-count // self.size)
        about = {"page_number": self.number, "page_size": self.size, "total_pages": total}
        return {**about, **direction, name: list(entries)}


class Query:
    """A query string; a parameter that is empty counts as none, and of several the first counts."""

    def __init__(self, text: str) -> None:
        self._values: dict[str, str] = {}
        for name, value in urllib.parse.parse_qsl(text, errors="replace"):
            self._values.setdefault(name, value)

    def text(self, name: str) -> str | None:
        """Return a parameter as it is; None for none."""
        return self._values.get(name)

    def truth(self, name: str, *, usual: bool) -> bool:
        """Return a parameter that is true or false. Raises: BadRequest."""
        value = self._values.get(name, "true" if usual else "false").lower()
        if value not in ("true", "false"):
            raise BadRequest(f"{name} must be true or false")
        return value == "true"

    def page(self) -> Page:
        """Return the page that is asked for. Raises: BadRequest."""
        number = self._number("page_number", 0)
        size = self._number("page_size", _USUAL_PAGE_SIZE)
        if not 1 <= size <= _MOST_PAGE_SIZE:
            raise BadRequest(f"page_size must be between 1 and {_MOST_PAGE_SIZE}")
        return Page(number, size, self.truth("ascending_order", usual=True))

    def _number(self, name: str, usual: int) -> int:
        value = self._values.get(name, str(usual))
        number = whole_number(value)
        if number is None:
            raise BadRequest(f"{name} must be a whole number, not less than 0")
        return number


def whole_number(text: str) -> int | None:
    """Return a number of digits alone; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def segments_of(path: str) -> list[str] | None:
    """Return the decoded segments of a path, as sent; None if one is empty, though the path may end in a slash."""
    parts = path.removeprefix("/").removesuffix("/").split("/")
    decoded = [urllib.parse.unquote(part, errors="replace") for part in parts]
    return decoded if all(decoded) else None
