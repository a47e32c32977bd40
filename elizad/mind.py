"""From what the configuration or the command line calls a script to an ELIZA that speaks it."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Final

from elizad.eliza import FAITHFUL, Diction, Eliza, scripts
from elizad.errors import ConfigError, Problem, ScriptError
from elizad.ops.config import ScriptMode
from elizad.ops.places import script_path

# All calls share one loop: a script that follows this many links for one reply is broken, and finding out takes a few
# milliseconds. Scripts that compute something, as a Turing machine does, have 1966 mode.
SPOKEN_STEPS: Final = 1000


def read_script(name: str, folder: Path | None = None) -> str:
    """Return the text of a packaged script, or of the file at a path (relative to `folder`, by default the current).

    Raises:
        ConfigError: there is no such script, or it is not UTF-8 text.
    """
    path = script_path(name, folder or Path())
    if path is None:
        try:
            return scripts.read(name)
        except KeyError:
            pass
        close = difflib.get_close_matches(name, scripts.names(), n=1)
        hint = f'; did you mean "{close[0]}"?' if close else ""
        known = ", ".join(f'"{known}"' for known in scripts.names())
        raise _wrong(
            f'there is no packaged script "{name}"{hint} (there are {known}; a file needs a "/" or "." in its name)'
        )
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise _wrong(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _wrong(f"{path} is not UTF-8 text: byte 0x{error.object[error.start]:02x} on line {line}") from None


def make_eliza(script: str, mode: ScriptMode, *, spell_numbers: bool = True, folder: Path | None = None) -> Eliza:
    """Compile a script, given by name or path. `spell_numbers` says whether spoken mode writes numbers as words.

    Raises:
        ConfigError: there is no such script, or it does not load; the problem is that of `eliza.script`.
    """
    source = read_script(script, folder)
    try:
        if mode == "1966":
            return Eliza(source, FAITHFUL)
        from elizad.speech.spoken import Spoken  # much to load, and nothing that 1966 mode needs

        spoken: Diction = Spoken(spell_numbers=spell_numbers)
        return Eliza(source, spoken, max_steps=SPOKEN_STEPS)
    except ScriptError as error:
        raise _wrong(f"{script}: {error}") from None


def _wrong(message: str) -> ConfigError:
    return ConfigError([Problem("eliza.script", message)])
