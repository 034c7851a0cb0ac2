"""The kinds of encoders: one file for each, of its name."""

from __future__ import annotations

import runpy

import pytest

from emocli import plugins
from emocli.errors import ConfigError
from emocli.plugin import encoder
from emocli.plugin.encoder import PACKAGE, PICTURE_KINDS
from emocli.training.encoders.picture_source import picture_source
from tests.conftest import Refused


def test_every_file_is_a_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    files = plugins.files(PACKAGE)
    assert set(PICTURE_KINDS) == set(files)
    assert [picture_source(kind).kind for kind in PICTURE_KINDS] == [*PICTURE_KINDS]
    monkeypatch.setattr(plugins, "files", lambda package: files | {"hand": f"{package}.hand"})
    assert "hand" in runpy.run_path(encoder.__file__)["PICTURE_KINDS"]


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no encoder is of kind 'fac'; did you mean 'face'"):
        picture_source("fac")


def test_the_command_lists_the_kinds(refused: Refused) -> None:
    said = refused("fit-encoder", "fac", "toy.csv", "--run", "x")
    assert all(f"'{kind}'" in said for kind in PICTURE_KINDS)
