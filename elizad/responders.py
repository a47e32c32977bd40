"""From what the configuration calls a responder to the function that is one, and to a mind for calls."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import cast

from elizad.agent import Respond
from elizad.errors import ConfigError, Problem
from elizad.ops.config import Settings
from elizad.service.responder import Borrowed, Patience


def borrowed_mind(settings: Settings) -> Borrowed | None:
    """Return the mind that the settings put in ELIZA's place; None for ELIZA.

    Raises:
        ConfigError: as `load_responder`.
    """
    wanted = settings.agent
    if not wanted.respond:
        return None
    return Borrowed(load_responder(wanted.respond), Patience(wanted.first_text_s, wanted.turn_s, wanted.holding))


def load_responder(spec: str) -> Respond:
    """Import `module:function`, or `/path/to/file.py:function`.

    A file's folder is put where Python looks for modules, so that it can import its neighbours.

    Raises:
        ConfigError: it cannot be imported, or it is no async generator function of one argument; the problem is that
            of `agent.respond`, and says on which line of the user's own file it happened.
    """
    place, _, name = spec.rpartition(":")
    if not place or not name.isidentifier():
        raise _wrong(f'"{spec}" is not of the form "module:function" or "./file.py:function"')
    module = _load_file(Path(place)) if place.endswith(".py") else _load_module(place)
    try:
        found = getattr(module, name)
    except AttributeError:
        known = ", ".join(key for key, value in vars(module).items() if inspect.isasyncgenfunction(value))
        raise _wrong(f'{place} has no "{name}"' + (f" (it has {known})" if known else "")) from None
    if not inspect.isasyncgenfunction(found):
        kind = "a coroutine" if inspect.iscoroutinefunction(found) else f"a {type(found).__name__}"
        raise _wrong(f'"{name}" in {place} is {kind}: it has to be an async generator, "async def" with "yield" in it')
    try:
        inspect.signature(found).bind("a turn")
    except TypeError as error:
        raise _wrong(f'"{name}" in {place} cannot be called with a turn alone: {error}') from None
    return cast("Respond", found)


def _load_module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise _failed(name, error) from error


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise _wrong(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"elizad_responder_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise _failed(str(path), error) from error
    sys.modules[spec.name] = module
    return module


def _failed(what: str, error: Exception | SystemExit) -> ConfigError:
    """Say what happened and where, which is the last place in the user's own code."""
    if isinstance(error, SyntaxError):
        return _wrong(f"{what} cannot be imported: line {error.lineno}: {error.msg}")
    trace, where = error.__traceback__, ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith("<frozen") and file != __file__ and Path(file).name != "__init__.py":
            where = f" ({Path(file).name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return _wrong(f"{what} cannot be imported: {type(error).__name__}: {error}{where}")


def _wrong(message: str) -> ConfigError:
    return ConfigError([Problem("agent.respond", message)])
