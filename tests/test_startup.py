"""The command line starts fast: no heavy library is loaded before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from emocli.cli.commands import discovered

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
    found = loaded(f"from emocli.cli.app import run\nassert run({arguments!r}) == 0")
    assert "typer" in found
    assert not found.intersection(HEAVY)


def test_info_lists_without_importing() -> None:
    found = loaded("from emocli.cli.app import run\nassert run(['info']) == 0")
    assert not found.intersection(HEAVY)


def test_the_help_lists_analyses_without_importing() -> None:
    listed = "from emocli.cli.app import run\nassert run(['analyze', '--help']) == 0"
    loaded(f"{listed}\nassert not [m for m in sys.modules if m.startswith('emocli.analysis.')]")
