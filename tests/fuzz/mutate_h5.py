"""Damage to HDF5 files: attributes, datasets and links, some of which lead out of the case."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.mutate_texts import CELLS, changed_json


def h5_file(path: Path, rng: Random) -> str:
    """Attributes, datasets and links of an HDF5 file."""
    import h5py

    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visititems(
            lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None
        )
        if file.attrs and rng.random() < 0.3:
            return _attribute(file, rng)
        name = rng.choice(sorted(names))
        return f"{rng.choice(H5)(file, name, path, rng)} of {name}"


def _attribute(file: Any, rng: Random) -> str:
    import numpy as np

    key = rng.choice(sorted(file.attrs))
    old = file.attrs[key]
    del file.attrs[key]
    if rng.random() < 0.2:
        return f"h5 attribute {key} lost"
    own = [changed_json(old, rng)] * 4 if isinstance(old, str) and old[:1] in "[{" else []
    other = (
        0,
        -1,
        np.nan,
        "",
        "x",
        "\x1b[31m",
        "{}",
        "[" * 5000,
        b"\xff\xfe",
        [1, 2],
        np.zeros((3, 3)),
    )
    file.attrs[key] = rng.choice([*own, *other])
    return f"h5 attribute {key}"


def _external_link(file: Any, name: str, path: Path, rng: Random) -> str:
    import h5py

    del file[name]
    file[name] = h5py.ExternalLink(str(secret(path, ".h5")), "values")
    return "h5 external link"


def _external_storage(file: Any, name: str, path: Path, rng: Random) -> str:
    old = file[name]
    shape, kind = old.shape, old.dtype
    if kind.hasobject:
        raise ValueError("strings are not stored elsewhere")
    del file[name]
    size = max(1, kind.itemsize * _count(shape))
    file.create_dataset(name, shape, kind, external=[(str(secret(path, ".bin")), 0, size)])
    return "h5 external storage"


def _virtual(file: Any, name: str, path: Path, rng: Random) -> str:
    import h5py

    shape, kind = file[name].shape, file[name].dtype
    layout = h5py.VirtualLayout(shape, kind)
    layout[...] = h5py.VirtualSource(str(secret(path, ".h5")), "values", shape)
    del file[name]
    file.create_virtual_dataset(name, layout)
    return "h5 virtual dataset"


def _count(shape: tuple[int, ...]) -> int:
    total = 1
    for side in shape:
        total *= side
    return total


def secret(path: Path, ending: str) -> Path:
    """A file that does not belong to the case: whoever reads it has been led out."""
    root = next(p for p in path.parents if p.name == "case").parent
    return root / f"secret{ending}"


def _lost(file: Any, name: str, path: Path, rng: Random) -> str:
    del file[name]
    return "h5 lost"


def _group(file: Any, name: str, path: Path, rng: Random) -> str:
    del file[name]
    file.create_group(name)
    return "h5 group"


def _loop(file: Any, name: str, path: Path, rng: Random) -> str:
    import h5py

    del file[name]
    file[name] = h5py.SoftLink(rng.choice(("/" + name, "/nowhere")))
    return "h5 soft link"


def _huge(file: Any, name: str, path: Path, rng: Random) -> str:
    old = file[name]
    shape, kind = list(old.shape) or [1], old.dtype
    shape[rng.randrange(len(shape))] = rng.choice((10**7, 10**10, 2**40))
    del file[name]
    chunks = tuple(min(side, 1024) for side in shape) if len(shape) < 3 else None
    file.create_dataset(name, shape, kind, chunks=chunks or True)
    return "h5 huge"


def _kind(file: Any, name: str, path: Path, rng: Random) -> str:
    import h5py
    import numpy as np

    shape = file[name].shape
    del file[name]
    kind = rng.choice(("i1", "f2", "f8", "c8", "S3", "?", "u8", "vlen", "text", "record"))
    special = {
        "vlen": h5py.vlen_dtype(np.int32),
        "text": h5py.string_dtype(),
        "record": [("a", "f4")],
    }
    file.create_dataset(name, shape, np.dtype(special.get(kind, kind)) if kind in special else kind)
    return f"h5 type {kind}"


def _shape(file: Any, name: str, path: Path, rng: Random) -> str:
    import numpy as np

    data = file[name][()]
    del file[name]
    ways = (
        data[:0],
        data[:-1],
        np.concatenate([data, data]),
        data[..., None],
        np.ravel(data)[:1],
        data[0],
    )
    file[name] = ways[rng.randrange(len(ways))]
    return "h5 shape"


def _values(file: Any, name: str, path: Path, rng: Random) -> str:
    import numpy as np

    old = file[name]
    if old.dtype.hasobject:
        old[rng.randrange(len(old))] = rng.choice(CELLS).replace("\x00", "")
        return "h5 string"
    data = old[()]
    extreme = (np.nan, np.inf, 1e38, -1, 0, 2**31 - 1, -(2**31))
    with np.errstate(all="ignore"):
        flat = data.reshape(-1)
        for _ in range(rng.choice((1, 3, flat.size))):
            flat[rng.randrange(flat.size)] = np.float64(rng.choice(extreme)).astype(data.dtype)
    old[...] = data
    return "h5 values"


H5 = (
    _external_link, _external_storage, _virtual, _lost, _group, _loop, _huge, _kind, _shape,
    _values,
    _values, _shape,
)  # fmt: skip
