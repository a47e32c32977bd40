"""Scripts that configs of EVI name: compiled with everything else, and told when they cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from elizad.current import prepare
from elizad.errors import ConfigError
from elizad.ops.config import Settings, load


def settings(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "config.toml"
    path.write_text('[sessions]\nstore = "memory"\n' + text)
    return load(path)


def test_each_script_is_compiled_once(tmp_path: Path) -> None:
    text = "".join(f'[evi.configs.{name}]\nscript = "frontdesk"\n' for name in "ab") + '[evi.configs.c]\nvoice = "de"\n'
    scripts = prepare(settings(tmp_path, text)).voice.scripts
    assert set(scripts) == {"frontdesk"}


@pytest.mark.parametrize("script", ["nobody", "./missing.eliza", "./broken.eliza"])
def test_a_script_that_cannot_be_used_is_a_problem_of_its_config(tmp_path: Path, script: str) -> None:
    (tmp_path / "broken.eliza").write_text("(Hello")
    with pytest.raises(ConfigError) as caught:
        prepare(settings(tmp_path, f'[evi.configs.a]\nscript = "{script}"\n'))
    assert [problem.path for problem in caught.value.problems] == ["evi.configs.a.script"]


def test_without_evi_its_scripts_are_not_looked_at(tmp_path: Path) -> None:
    text = '[evi]\nenabled = false\n[evi.configs.a]\nscript = "nobody"\n'
    assert not prepare(settings(tmp_path, text)).voice.scripts
