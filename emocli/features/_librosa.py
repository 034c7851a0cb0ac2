"""The import of librosa, with a writable folder for the code that numba compiles.

Without one librosa does not start.
"""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from emocli.errors import ConfigError

CACHE = "NUMBA_CACHE_DIR"
"""The variable that names the folder."""


def load() -> Any:
    """Import librosa.

    Where neither its own folder nor the user's cache can be written, as in a container without a
    home, the compiled code goes into a temporary folder that ends with the process. It is a new
    one: code from a folder that others may write would be executed.

    Raises
    ------
    ConfigError
        If there is no place for a temporary folder either, or the variable names a folder that
        cannot be written.
    """
    if "librosa" not in sys.modules:
        _find_folder()
    return importlib.import_module("librosa")


def _find_folder() -> None:
    named = os.environ.get(CACHE)
    if named and not _is_writable(Path(named)):
        what = f"{CACHE} names a folder that cannot be written: {named}"
        raise ConfigError(what, where="librosa", hint="name another, or unset it")
    if not named and not any(map(_is_writable, _places())):
        _use_temporary()


def _places() -> list[Path]:
    """Return where numba looks by itself."""
    spec = importlib.util.find_spec("librosa")
    own = list(spec.submodule_search_locations or ()) if spec else []
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - no home
    return [*map(Path, own), Path(caches) / "numba"]


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def _use_temporary() -> None:
    try:
        folder = tempfile.mkdtemp(prefix="emocli-numba-")
    except OSError:
        what = "there is no folder for compiled code: neither the home nor a temporary folder"
        hint = f"set {CACHE} to one"
        raise ConfigError(f"{what} can be written", where="librosa", hint=hint) from None
    os.environ[CACHE] = folder  # worker processes take it over
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = folder
    atexit.register(_remove, folder, os.getpid())


def _remove(folder: str, owner: int) -> None:
    """Remove the folder at the end of the process that made it, not of a worker."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
