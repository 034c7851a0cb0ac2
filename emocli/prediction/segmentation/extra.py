"""Libraries of the extra ``speech``."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

from emocli.errors import ConfigError, reason


def library(name: str) -> Any:
    """Import a library of the extra.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        what = f"speech is recognised with {name}, which cannot be loaded ({reason(error)})"
        raise ConfigError(what, hint="pip install 'emocli[speech]'") from None


def asset(package: str, pattern: str) -> Path:
    """Return a file that a package of the extra carries; the package is not imported.

    Raises
    ------
    ConfigError
        If it is not installed, or has no such file.
    """
    spec = importlib.util.find_spec(package)
    folders = [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]
    files = sorted(path for folder in folders for path in folder.glob(pattern))
    if not files:
        what = f"speech is found with a file of {package}, which is not installed"
        raise ConfigError(
            what if not folders else f"{package} has no {pattern}",
            hint="pip install 'emocli[speech]'",
        )
    return files[-1]
