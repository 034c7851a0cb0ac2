"""A table of one's own in the place of an experiment's."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from emocli import plugins
from emocli.plugin.experiment import Row, Table
from tests.experiments.small import ROWS, Config


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
