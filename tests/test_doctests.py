"""The examples in docstrings run, and say what they print."""

from __future__ import annotations

import doctest
import importlib

import pytest

from tests.test_layers import modules

PLUGIN = "plugin."
"""The interface of plug-ins, each module of which shows how it is used."""

EXAMPLES = {
    name: count
    for name, path in modules().items()
    if (count := path.read_text("utf-8").count(">>> ")) or name.startswith(PLUGIN)
}
"""Modules to how many lines of examples they have."""


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_runs(name: str) -> None:
    results = doctest.testmod(importlib.import_module(f"emocli.{name}"))
    assert results.attempted == EXAMPLES[name] > 0
    assert not results.failed
