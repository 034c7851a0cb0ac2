"""A table of one's own in the place of an experiment's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest

from emocli import plugins
from emocli.experiments import cache as cached_evaluations
from emocli.experiments import encoder_rows, feature_rows
from emocli.experiments.cache import code_digest
from emocli.plugin.experiment import Row, Table
from tests.experiments.small import ROWS, Config


@pytest.fixture(autouse=True, scope="module")
def _read_code() -> Iterator[None]:
    """Read the source that evaluations depend on once: it stays as it is, and is a lot."""
    kept = cache(code_digest)

    def digest(plugins: Iterable[type] = ()) -> str:
        return kept(frozenset(plugins))

    with pytest.MonkeyPatch.context() as patch:
        for module in (cached_evaluations, encoder_rows, feature_rows):
            patch.setattr(module, "code_digest", digest)
        yield


@pytest.fixture
def experiment(monkeypatch: pytest.MonkeyPatch, undrawn: None) -> Any:
    """Lay a table of one's own in the place of every experiment's."""

    def lay(rows: Sequence[Row] = ROWS, **more: Any) -> None:
        table = Table("A table", tuple(rows), **({"comparisons": ()} | more))
        module = SimpleNamespace(__name__="toy", Config=Config, table=lambda config: table)
        load = plugins.load

        def loaded(kind: plugins.PluginKind, name: str) -> Any:
            return module if kind == "experiments" else load(kind, name)

        monkeypatch.setattr(plugins, "load", loaded)

    return lay
