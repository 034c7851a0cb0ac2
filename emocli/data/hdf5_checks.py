"""Checks of HDF5 datasets: external storage and types other than numbers and texts are refused."""

from __future__ import annotations

import math

import h5py
from h5py import h5d, h5p, h5t, h5z

FILTERS = {
    h5z.FILTER_DEFLATE: "gzip",
    h5z.FILTER_SHUFFLE: "shuffle",
    h5z.FILTER_FLETCHER32: "fletcher32",
    h5z.FILTER_SZIP: "szip",
    h5z.FILTER_NBIT: "nbit",
    h5z.FILTER_SCALEOFFSET: "scaleoffset",
    h5z.FILTER_LZF: "lzf",
}
"""What HDF5 and h5py can undo themselves; any other filter is code loaded from elsewhere."""


def require_own(plan: h5p.PropDCID) -> None:
    """Refuse a dataset that lies in other files, or needs code from elsewhere to be read.

    ``plan`` has the properties it was created with. Even the shape of a virtual dataset may be
    looked up in other files, so it is not asked for.
    """
    if plan.get_layout() == h5d.VIRTUAL:
        raise ValueError("it is virtual: its numbers lie in other files, which are not read")
    if plan.get_external_count():
        raise ValueError("its numbers lie in other files, which are not read")
    filters = [plan.get_filter(k)[0] for k in range(plan.get_nfilters())]
    unknown = [code for code in filters if code not in FILTERS]
    if unknown:
        raise ValueError(f"it is packed with filter {unknown[0]}, which HDF5 does not bring along")
    if len(set(filters)) != len(filters):  # every further time, 1000 bytes may come of one
        raise ValueError("it is packed more than once")


def require_plain(kind: h5t.TypeID) -> None:
    """Refuse a type that is neither one of numbers or booleans nor one of texts."""
    if not is_plain(kind):
        raise ValueError("it holds neither numbers nor texts")


def is_plain(kind: h5t.TypeID) -> bool:
    """Whether a type is one of numbers, booleans or texts."""
    if isinstance(kind, h5t.TypeEnumID):
        return bool(kind.dtype.kind == "b")
    return isinstance(kind, h5t.TypeIntegerID | h5t.TypeFloatID | h5t.TypeStringID)


def kind_of(dataset: h5py.Dataset) -> str:
    """Name what a dataset holds."""
    return "texts" if dataset.dtype.kind in "SO" else str(dataset.dtype)


def product(shape: tuple[int, ...]) -> int:
    """Return how many elements a shape has; an empty axis does not make the others plausible."""
    return math.prod(max(1, size) for size in shape)
