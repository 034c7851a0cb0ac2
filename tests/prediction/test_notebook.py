"""The notebook in the examples: its cells run, one after the other, on the generated corpus."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from emocli.data.manifest import Manifest

NOTEBOOK = Path(__file__).parents[2] / "examples" / "predict.ipynb"


def sources(kind: str) -> list[str]:
    """Return the sources of the cells of a kind."""
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == kind]


def test_its_cells_run(
    trained: Path,
    corpus: Manifest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("EMOCLI_RUN", str(trained))
    monkeypatch.setenv("EMOCLI_RECORDING", str(corpus.split("test")[0].media["video"]))
    monkeypatch.setenv("EMOCLI_STORE", str(trained.parent / "store"))
    names: dict[str, Any] = {}
    for source in sources("code"):
        exec(source, names)
    report, everything, alone = names["report"], names["everything"], names["alone"]
    assert len(names["table"]) == len(report.segments) == 1
    assert report.segments[0].label in names["table"][0]
    assert "text" in names["table"][0].split()  # it has no subtitles
    assert len(names["axes"].lines) == len(report.classes)
    assert names["figure"].number in plt.get_fignums()  # else a notebook shows no picture of it
    plt.close(names["figure"])
    assert np.isclose(everything.values.sum(), 1)
    assert not np.allclose(everything.values, alone.values)
    assert "1 segments by 2 networks" in capsys.readouterr().out


def test_it_is_stored_without_outputs() -> None:
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    assert notebook["nbformat"] == 4
    assert not any(cell.get("outputs") for cell in notebook["cells"])
    for source in sources("code"):
        ast.parse(source)
