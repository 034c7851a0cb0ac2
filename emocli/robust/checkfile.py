"""What of a check goes into its file, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.config import Tree
from emocli.data.standardise import Standardiser
from emocli.robust.cca import CCA
from emocli.robust.check import ModalityCheck
from emocli.robust.container import Arrays
from emocli.robust.origin import Origin
from emocli.robust.pair import PairCheck
from emocli.robust.pca import PCA
from emocli.robust.representation import Representation
from emocli.robust.settings import CheckConfig

CCA_ARRAYS = tuple(field.name for field in fields(CCA))
MOST_STEPS = 1_000_000
"""Of a sequence; a longer one is a slip, or malice."""

PCA_ARRAYS = ("mean", "components", "variances")


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
        arrays[f"modality/{k}/usual"] = check.usual[name]
    for k, pair in enumerate(check.pairs.values()):
        arrays |= {f"pair/{k}/{field}": getattr(pair.cca, field) for field in CCA_ARRAYS}
    if check.origin is not None:
        origin = check.origin
        header |= {
            "features": dict(origin.features),
            "fingerprints": dict(origin.fingerprints),
            "manifest": origin.manifest,
        }
        arrays["ids"] = np.char.encode(np.array(origin.ids), "utf-8")
        arrays |= origin.standardiser.tensors()
    return header, arrays


def unpack(header: Mapping[str, Any], arrays: Arrays) -> ModalityCheck:
    """Put a check together again.

    Raises
    ------
    ValueError
        If its parts do not fit each other; KeyError, TypeError where one is absent or odd.
    """
    _require_whole(header, arrays)
    config = CheckConfig.model_validate(header["config"])
    modalities = {m["name"]: m for m in header["modalities"]}
    places = {name: f"modality/{k}/" for k, name in enumerate(modalities)}
    steps = {name: m["steps"] for name, m in modalities.items()}
    pairs = [_pair(f"pair/{k}/", values, arrays) for k, values in enumerate(header["pairs"])]
    return ModalityCheck(
        config,
        Representation(config.representation, steps, header["padded"]),
        {
            m: PCA(**_of(PCA_ARRAYS, p, arrays), total=modalities[m]["total"])
            for m, p in places.items()
        },
        {pair.modalities: pair for pair in pairs},
        {name: arrays[f"{place}usual"] for name, place in places.items()},
        {name: m["limit"] for name, m in modalities.items()},
        _origin(header, arrays, config) if "manifest" in header else None,
    )


def _require_whole(header: Mapping[str, Any], arrays: Arrays) -> None:
    """Make sure that modalities, pairs and arrays are those of one check."""
    names = [str(modality["name"]) for modality in header["modalities"]]
    known = ", ".join(names)
    if len(names) < 2 or names != sorted(set(names)):
        raise ValueError(f"its modalities are {known or 'none'}")
    pairs = [tuple(pair["modalities"]) for pair in header["pairs"]]
    for pair in pairs:
        if pair not in combinations(names, 2):
            raise ValueError(f"a pair is of {' and '.join(map(str, pair))}, but it knows {known}")
    if len(pairs) != len(list(combinations(names, 2))) or len(pairs) != len(set(pairs)):
        raise ValueError(f"it does not have one pair of every two of {known}")
    if "manifest" in header:
        for key in ("features", "fingerprints"):
            if sorted(header[key]) != names:
                raise ValueError(f"its {key} are of {', '.join(sorted(header[key]))}, not {known}")
    for modality in header["modalities"]:
        if not 1 <= int(modality["steps"]) <= MOST_STEPS:
            raise ValueError(f"{modality['name']} has {modality['steps']} steps")
    reduced = {}
    for k, name in enumerate(names):
        mean, components, variances, usual = (
            _shape(arrays, f"modality/{k}/{field}") for field in (*PCA_ARRAYS, "usual")
        )
        reduced[name] = len(arrays[f"modality/{k}/variances"])
        if components != (*variances, *mean) or usual[1:] != (2,):
            raise ValueError(f"the arrays of {name} do not fit each other")
    for k, (i, j) in enumerate(pairs):
        shapes = tuple(_shape(arrays, f"pair/{k}/{field}") for field in CCA_ARRAYS)
        (count,) = shapes[-1]
        x, y = reduced[i], reduced[j]
        if shapes != ((x,), (y,), (x, count), (y, count), (count,)):
            raise ValueError(f"the arrays of the pair {i} and {j} do not fit each other")


def _shape(arrays: Arrays, name: str) -> tuple[int, ...]:
    array = arrays[name]
    if array.dtype.kind != "f" or not np.isfinite(array).all():
        raise ValueError(f"{name} holds what is no number")
    return array.shape


def _pair(place: str, values: Mapping[str, Any], arrays: Arrays) -> PairCheck:
    i, j = values["modalities"]
    cca = CCA(**_of(CCA_ARRAYS, place, arrays))
    return PairCheck((i, j), cca, values["tau"], values["n_train"], values["n_valid"])


def _origin(header: Mapping[str, Any], arrays: Arrays, config: CheckConfig) -> Origin:
    return Origin(
        header["features"],
        header["fingerprints"],
        header["manifest"],
        tuple(np.char.decode(arrays["ids"], "utf-8").tolist()),
        Standardiser.from_tensors(arrays),
        config.clip_outliers,
    )


def _of(names: Sequence[str], place: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    return {name: arrays[place + name] for name in names}
