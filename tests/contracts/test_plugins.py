"""What every plug-in of every kind promises."""

from __future__ import annotations

import pytest

from emocli import plugins
from emocli.config import Settings
from emocli.errors import ConfigError
from emocli.offers import OFFERS

ALL = [(kind, name) for kind in plugins.KINDS for name in plugins.names(kind)]
SET = [(kind, name) for kind, name in ALL if "Config" in OFFERS[kind]]
OWN_IDEAS = ("commands", "ways")
"""Kinds of which a plug-in need not be from elsewhere."""


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_it_says_what_it_is_and_where_it_comes_from(kind: plugins.PluginKind, name: str) -> None:
    description = plugins.describe(kind, name)
    assert 10 < len(description.summary) < 100
    assert description.source or kind in OWN_IDEAS


@pytest.mark.parametrize(("kind", "name"), SET)
def test_its_settings_are_strict_and_documented(kind: plugins.PluginKind, name: str) -> None:
    config = plugins.load(kind, name).Config
    assert issubclass(config, Settings)
    assert config.__doc__
    told = " ".join(base.__doc__ or "" for base in config.__mro__ if issubclass(base, Settings))
    for field in config.model_fields:
        assert field in told, f"setting {name}.{field} is not explained"
    if not any(field.is_required() for field in config.model_fields.values()):
        with pytest.raises(ValueError, match="frozen"):
            setattr(config(), next(iter(config.model_fields), "none"), 0)


@pytest.mark.parametrize("kind", plugins.KINDS)
def test_an_unknown_name_is_refused_in_one_line(kind: plugins.PluginKind) -> None:
    with pytest.raises(ConfigError, match=r"no .* is called 'nothing-like-it'"):
        plugins.load(kind, "nothing-like-it")
