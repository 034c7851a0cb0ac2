"""Saving and loading of a modality check."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from emocli.config import Settings, Tree, build
from emocli.data.standardise import Standardiser
from emocli.errors import ConfigError, StoreError, reason
from emocli.plugin.robustness import texts
from emocli.quantities import Number, Seed
from emocli.robust.cca import CCA
from emocli.robust.check.file import AGAIN, Arrays, content_digest, read, write
from emocli.robust.check.model import ModalityCheck
from emocli.robust.check.pair import PairCheck
from emocli.robust.check.provenance import FitProvenance
from emocli.robust.check.settings import CheckConfig
from emocli.robust.corrupt import Corruptions
from emocli.robust.pca import PCA
from emocli.robust.representation import Representation

CCA_ARRAYS = tuple(field.name for field in fields(CCA))
MOST_STEPS = 1_000_000
"""Of a sequence; a longer one is a slip, or malice."""
Count = Annotated[int, Field(ge=0, lt=2**63)]
PCA_ARRAYS = ("mean", "components", "variances")


def save_check(check: ModalityCheck, path: Path) -> None:
    """Write a check to one HDF5 file, by write-and-rename.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    write(path, *pack(check))


def load_check(path: Path) -> ModalityCheck:
    """Read a check.

    Raises
    ------
    StoreError
        If there is none, or the file is damaged, something else, or of another version.
    """
    header, arrays = read(path)
    try:
        return unpack(header, arrays)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        what = f"is not a check this version understands ({reason(error)})"
        raise StoreError(what, where=path, hint=AGAIN) from None


def check_digest(check: ModalityCheck) -> str:
    """Return the SHA-256 of a check, that of its file's content."""
    header, arrays = pack(check)
    return content_digest(json.dumps(header, allow_nan=False), arrays)


def pack(check: ModalityCheck) -> tuple[Tree, Arrays]:
    """Take a check apart into plain values and arrays."""
    header: Tree = {
        "config": check.config.model_dump(),
        "padded": check.representation.padded,
        "modalities": [
            {
                "name": name,
                "steps": check.representation.steps[name],
                "total": pca.total,
                "limit": check.limits[name],
                "left_out": check.left_out.get(name, 0),
            }
            for name, pca in check.reductions.items()
        ],
        "pairs": [
            {"modalities": names, "tau": p.tau, "n_train": p.n_train, "n_valid": p.n_valid}
            for names, p in check.pairs.items()
        ],
    }
    arrays: dict[str, NDArray[Any]] = {}
    for k, (name, pca) in enumerate(check.reductions.items()):
        arrays |= {f"modality/{k}/{field}": getattr(pca, field) for field in PCA_ARRAYS}
        arrays[f"modality/{k}/usual"] = check.reference[name]
    for k, pair in enumerate(check.pairs.values()):
        arrays |= {f"pair/{k}/{field}": getattr(pair.cca, field) for field in CCA_ARRAYS}
    if check.provenance is not None:
        provenance = check.provenance
        header |= {
            "features": dict(provenance.features),
            "fingerprints": dict(provenance.fingerprints),
            "manifest": provenance.manifest,
            "corrupt": texts(provenance.corrupt),
            "corruption_seed": provenance.corruption_seed,
        }
        arrays["ids"] = np.char.encode(np.array(provenance.ids), "utf-8")
        arrays |= provenance.standardiser.tensors()
    return header, arrays


class _Modality(Settings):
    """A modality in the header."""

    name: str
    steps: Annotated[int, Field(ge=1, le=MOST_STEPS)]
    total: Annotated[float, Field(ge=0, le=1e100)]
    limit: Number
    left_out: Count = 0


class _Pair(Settings):
    """A pair of modalities in the header."""

    modalities: tuple[str, str]
    tau: Number
    n_train: Count
    n_valid: Count


class _Header(Settings):
    """The header of a file, beside its arrays."""

    config: CheckConfig
    padded: bool
    modalities: Annotated[tuple[_Modality, ...], Field(min_length=2)]
    pairs: tuple[_Pair, ...]
    features: dict[str, str] = Field(default_factory=dict)
    fingerprints: dict[str, str] = Field(default_factory=dict)
    manifest: str | None = None
    corrupt: Corruptions = ()
    corruption_seed: Seed = 0


def unpack(header: Tree, arrays: Arrays) -> ModalityCheck:
    """Put a check together again.

    Raises
    ------
    ValueError, KeyError
        If something is missing, of another type, or does not fit the rest.
    """
    try:
        parsed = build(_Header, header, "")
    except ConfigError as error:
        raise ValueError(error.what) from None
    names = [m.name for m in parsed.modalities]
    if names != sorted(set(names)):
        raise ValueError(f"its modalities are {', '.join(names)}")
    steps = {m.name: m.steps for m in parsed.modalities}
    reductions = {
        m.name: _pca(f"modality/{k}/", arrays, m.total) for k, m in enumerate(parsed.modalities)
    }
    pairs = [_pair(f"pair/{k}/", pair, arrays, reductions) for k, pair in enumerate(parsed.pairs)]
    if [pair.modalities for pair in pairs] != list(combinations(names, 2)):
        raise ValueError("its pairs are not those of its modalities")
    reference = {m: _table(f"modality/{k}/usual", arrays, (None, 2)) for k, m in enumerate(names)}
    return ModalityCheck(
        parsed.config,
        Representation(parsed.config.representation, steps, parsed.padded),
        reductions,
        {pair.modalities: pair for pair in pairs},
        reference,
        {m.name: m.limit for m in parsed.modalities},
        None
        if parsed.manifest is None
        else _provenance(parsed, parsed.manifest, arrays, reductions),
        {m.name: m.left_out for m in parsed.modalities if m.left_out},
    )


def _pca(place: str, arrays: Arrays, total: float) -> PCA:
    components = _table(f"{place}components", arrays, (None, None))
    kept, width = components.shape
    mean = _table(f"{place}mean", arrays, (width,))
    variances = _table(f"{place}variances", arrays, (kept,))
    if not (variances > 0).all():
        raise ValueError(f"'{place}variances' are not above 0")
    return PCA(mean, components, variances, total)


def _pair(place: str, parsed: _Pair, arrays: Arrays, reductions: Mapping[str, PCA]) -> PairCheck:
    x, y = parsed.modalities
    for name in (x, y):
        if name not in reductions:
            raise ValueError(f"it pairs '{name}', which is none of its modalities")
    kept = len(_table(f"{place}correlations", arrays, (None,)))
    widths = {axis: len(reductions[m].variances) for axis, m in (("x", x), ("y", y))}
    shapes: dict[str, tuple[int, ...]] = {
        **{f"mean_{axis}": (width,) for axis, width in widths.items()},
        **{f"projection_{axis}": (width, kept) for axis, width in widths.items()},
        "correlations": (kept,),
    }
    cca = CCA(**{name: _table(place + name, arrays, shapes[name]) for name in CCA_ARRAYS})
    return PairCheck((x, y), cca, parsed.tau, parsed.n_train, parsed.n_valid)


def _provenance(
    parsed: _Header, manifest: str, arrays: Arrays, reductions: Mapping[str, PCA]
) -> FitProvenance:
    standardiser = Standardiser.from_tensors(arrays)
    for name, pca in reductions.items():
        if name not in parsed.features or name not in parsed.fingerprints:
            raise ValueError(f"it does not say which feature '{name}' was")
        steps = {m.name: m.steps for m in parsed.modalities}[name]
        repeated = steps if parsed.config.representation == "flatten" else 1
        width, rest = divmod(len(pca.mean), repeated)
        if rest:
            raise ValueError(f"'{name}' has {len(pca.mean)} numbers in {repeated} steps")
        standardiser.require(name, width)
    ids = arrays["ids"]
    if ids.ndim != 1 or ids.dtype.kind != "S":
        raise ValueError("its ids are no list of texts")
    return FitProvenance(
        parsed.features,
        parsed.fingerprints,
        manifest,
        tuple(np.char.decode(ids, "utf-8").tolist()),
        standardiser,
        parsed.config.clip_outliers,
        parsed.corrupt,
        parsed.corruption_seed,
    )


def _table(name: str, arrays: Arrays, shape: tuple[int | None, ...]) -> NDArray[np.float64]:
    """Return an array of finite numbers; None in ``shape`` stands for any number above 0."""
    array = arrays[name]
    fits = len(array.shape) == len(shape) and all(
        got > 0 if wanted is None else got == wanted
        for got, wanted in zip(array.shape, shape, strict=False)
    )
    if array.dtype != np.float64 or not fits:
        raise ValueError(f"'{name}' is {array.dtype} of shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"'{name}' is not finite")
    return array
