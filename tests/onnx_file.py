"""Small ONNX files, written byte by byte: a matrix product, of pictures or of sound.

Only what the format's protocol buffers need here; the numbers are those of fields in onnx.proto.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FLOAT, INT = 1, 7
Shape = Sequence[int | str]


def _number(value: int) -> bytes:
    """A whole number, seven bits a byte, the lowest first."""
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def _int(field: int, value: int) -> bytes:
    return _number(field << 3) + _number(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return _number(field << 3 | 2) + _number(len(raw)) + raw


def _tensor(name: str, array: NDArray[np.float32] | NDArray[np.int64]) -> bytes:
    kind = FLOAT if array.dtype == np.float32 else INT
    dims = b"".join(_int(1, size) for size in array.shape)
    return dims + _int(2, kind) + _bytes(8, name) + _bytes(9, array.tobytes())


def _beside(name: str, array: NDArray[np.float32], file: Path) -> bytes:
    """A tensor whose numbers are in a file of their own."""
    file.write_bytes(array.tobytes())
    dims = b"".join(_int(1, size) for size in array.shape)
    location = _bytes(13, _bytes(1, "location") + _bytes(2, file.name))
    return dims + _int(2, FLOAT) + _bytes(8, name) + location + _int(14, 1)


def _node(operator: str, inputs: Sequence[str], output: str) -> bytes:
    return b"".join(_bytes(1, name) for name in inputs) + _bytes(2, output) + _bytes(4, operator)


def _value(name: str, shape: Shape) -> bytes:
    dims = b"".join(
        _bytes(1, _int(1, size) if isinstance(size, int) else _bytes(2, size)) for size in shape
    )
    tensor = _int(1, FLOAT) + _bytes(2, dims)
    return _bytes(1, name) + _bytes(2, _bytes(1, tensor))


def product(
    path: Path,
    shape: Shape,
    rows: Sequence[int],
    weights: NDArray[np.float32],
    beside: str = "",
) -> Path:
    """Write ``reshape(x, rows) @ weights``, called ``scores``, and ``-scores``, called ``less``.

    The weights are in the file, or in another one beside it.
    """
    tensor = _beside("w", weights, path.parent / beside) if beside else _tensor("w", weights)
    nodes = [
        _node("Reshape", ("x", "rows"), "flat"),
        _node("MatMul", ("flat", "w"), "scores"),
        _node("Neg", ("scores",), "less"),
    ]
    outputs: Shape = (*("n" for _ in rows[:-1]), weights.shape[1])
    graph = b"".join(
        [
            *(_bytes(1, node) for node in nodes),
            _bytes(2, "product"),
            _bytes(5, tensor),
            _bytes(5, _tensor("rows", np.array(rows, np.int64))),
            _bytes(11, _value("x", shape)),
            _bytes(12, _value("scores", outputs)),
            _bytes(12, _value("less", outputs)),
        ]
    )
    path.write_bytes(_int(1, 9) + _bytes(7, graph) + _bytes(8, _bytes(1, "") + _int(2, 17)))
    return path


def pictures(path: Path, side: int | str = 4, count: int | str = "n") -> tuple[Path, NDArray]:
    """Pictures (n, 3, side, side) of 4 x 4 to 5 numbers; with the matrix."""
    weights = np.random.default_rng(0).normal(size=(48, 5)).astype(np.float32)
    return product(path, (count, 3, side, side), (-1, 48), weights), weights


def sound(path: Path, samples: int | str = "samples") -> tuple[Path, NDArray]:
    """Sound (n, samples) to 3 numbers for every 100 samples; with the matrix."""
    weights = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    return product(path, ("n", samples), (1, -1, 100), weights), weights
