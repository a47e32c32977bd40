"""What a path in the configuration means: it is relative to the folder of the file that it stands in."""

from __future__ import annotations

import os.path
from pathlib import Path

from elizad.ops.tokens import CREDENTIALS


def file_path(text: str, folder: Path) -> str:
    """Return the absolute path that `text` means from `folder`; "" and a credential of the unit stay as they are."""
    if not text or text.startswith(CREDENTIALS):
        return text
    return os.path.abspath(folder / os.path.expanduser(text))


def script_path(script: str, folder: Path) -> Path | None:
    """Return the absolute path that `script` means from `folder`, or None when it is the name of a packaged script."""
    if "/" not in script and "." not in script:
        return None
    return Path(file_path(script, folder))
