"""The examples in the docstrings of the plug-in interface run, and say what they print."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from emocli import plugin

MODULES = [module.name for module in pkgutil.iter_modules(plugin.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    results = doctest.testmod(importlib.import_module(f"emocli.plugin.{name}"))
    assert results.attempted
    assert not results.failed
