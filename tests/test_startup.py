"""The command line starts fast: no heavy library is loaded before it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from emocli.cli.commands import discovered
from emocli.data.json_io import as_json
from emocli.training.tuning.study_summary import SearchReport
from tests.evaluation.example import report as evaluation
from tests.experiments.example import experiment_report
from tests.prediction.examples import report as predictions
from tests.training.tuning.searches import SEARCH

HEAVY = (
    "torch",
    "numpy",
    "librosa",
    "sklearn",
    "scipy",
    "matplotlib",
    "h5py",
    "cv2",
    "av",
    "skimage",
    "transformers",
    "lightning_fabric",
    "mtcnn",
)
COMMANDS = ((), *((command.name,) for command in discovered().usable))


def loaded(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.split(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command) or "root")
def test_help_loads_no_heavy_library(command: tuple[str, ...]) -> None:
    arguments = [*command, "--help"]
    result = loaded(f"from emocli.cli.app import run\nassert run({arguments!r}) == 0")
    assert "typer" in result
    assert not result.intersection(HEAVY)


def test_info_lists_without_importing() -> None:
    result = loaded("from emocli.cli.app import run\nassert run(['info']) == 0")
    assert not result.intersection(HEAVY)


def test_a_report_is_looked_into_without_torch(tmp_path: Path) -> None:
    folders = {
        "study": as_json(SearchReport.of(SEARCH)),
        "report": as_json(experiment_report()),
        "test": as_json(evaluation()),
        "predictions": as_json(predictions()),
    }
    for name, text in folders.items():
        (tmp_path / f"{name}.json").write_text(text)
    files = [str(tmp_path), *(str(tmp_path / f"{name}.json") for name in folders)]
    result = loaded(
        "from emocli import plugins\nfrom emocli.cli.app import run\nplugins.load_all('analyses')\n"
        f"assert not any(run(['inspect', path]) for path in {files})"
    )
    assert not result.intersection({"torch", "sklearn", "scipy", "matplotlib"})


def test_the_help_lists_analyses_without_importing() -> None:
    listed = "from emocli.cli.app import run\nassert run(['analyze', '--help']) == 0"
    loaded(f"{listed}\nassert not [m for m in sys.modules if m.startswith('emocli.analysis.')]")
