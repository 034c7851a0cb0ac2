"""The published weights of the cascade, from the files of the installed mtcnn package."""

from __future__ import annotations

import hashlib
import importlib.util
import io
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from emocli.errors import ConfigError

DIGESTS = {
    "pnet": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}
"""SHA-256 of the files of mtcnn 1.0.0."""

MEND = "install mtcnn==1.0.0"


def read_weights(name: str) -> list[NDArray[Any]]:
    """Return the arrays of ``pnet``, ``rnet`` or ``onet`` in the order of the layers.

    The package is not imported, which would need TensorFlow. Its files are pickles, and reading a
    pickle can run any code: one is read only if it is the file that mtcnn 1.0.0 was published
    with, to the byte.

    Raises
    ------
    ConfigError
        If the package is not installed, or has another file.
    """
    import joblib

    arrays: list[NDArray[Any]] = joblib.load(io.BytesIO(checked(name)))
    return arrays


def checked(name: str) -> bytes:
    """Return the bytes of a weight file after comparing their digest; errors as `read_weights`."""
    path = folder() / f"{name}.lz4"
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != DIGESTS[name]:
        raise ConfigError("is not the weight file of mtcnn 1.0.0", where=path, hint=MEND)
    return content


def folder() -> Path:
    """Return the folder of the weights; `ConfigError` if the package is not installed."""
    spec = importlib.util.find_spec("mtcnn")
    if spec is None or spec.origin is None:
        raise ConfigError("the weights of the face detector are not installed", hint=MEND)
    return Path(spec.origin).parent / "assets" / "weights"
