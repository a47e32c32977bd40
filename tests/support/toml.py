"""What the settings say of a configuration file that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from elizad.errors import ConfigError
from elizad.ops import config


def problems(path: Path, overrides: dict[str, object] | None = None) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        config.load(path, overrides)
    assert caught.value.source == str(path)
    return dict(caught.value.problems)
