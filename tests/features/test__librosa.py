"""librosa works without a home, and without a folder of its own that can be written."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from emocli.errors import ConfigError
from emocli.features import _librosa

NEW = """
import os, sys
from pathlib import Path
from emocli.features import _librosa
_librosa._places = lambda: [Path("/proc/nowhere")]
librosa = _librosa.load()
librosa.feature.melspectrogram
print(librosa.__name__)
folder = Path(os.environ["NUMBA_CACHE_DIR"])
told = sys.modules["numba"].config.CACHE_DIR == str(folder)
written = any(folder.rglob("*.nbc"))
print(folder, oct(folder.stat().st_mode & 0o777), told and written)
"""

SMALL = """
import numba

class feature:
    @numba.vectorize(["f8(f8)"], cache=True)
    def melspectrogram(x):
        return x
"""
"""A librosa that compiles one function as it is imported; the real one compiles for long."""


@pytest.mark.parametrize("small", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_compiled_code_goes_into_a_new_folder_that_ends_with_the_process(
    small: bool, tmp_path: Path
) -> None:
    known = {key: value for key, value in os.environ.items() if key != _librosa.CACHE}
    if small:
        (tmp_path / "librosa.py").write_text(SMALL)
        paths = (str(tmp_path), *filter(None, [known.get("PYTHONPATH")]))
        known["PYTHONPATH"] = os.pathsep.join(paths)
    (tmp_path / "tmp").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", NEW],
        env={**known, "TMPDIR": str(tmp_path / "tmp")},
        capture_output=True,
        text=True,
        check=True,
    )
    name, place = done.stdout.splitlines()
    folder, mode, told = place.split()
    assert (name, mode, told) == ("librosa", "0o700", "True")
    assert Path(folder).parent == tmp_path / "tmp"
    assert not list((tmp_path / "tmp").iterdir())


def test_no_place_at_all_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(_librosa.CACHE, raising=False)
    monkeypatch.delitem(sys.modules, "librosa", raising=False)
    monkeypatch.setattr(_librosa, "_places", lambda: [Path("/proc/nowhere")])
    monkeypatch.setattr(tempfile, "mkdtemp", _refuse)
    with pytest.raises(ConfigError, match="set NUMBA_CACHE_DIR to one"):
        _librosa.load()


def test_a_folder_of_the_variable_that_cannot_be_written_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(_librosa.CACHE, "/proc/nowhere")
    monkeypatch.delitem(sys.modules, "librosa", raising=False)
    with pytest.raises(ConfigError, match="cannot be written: /proc/nowhere; name another, or"):
        _librosa.load()


def _refuse(prefix: str) -> str:
    raise FileNotFoundError(2, "No usable temporary directory found")
