"""What of a check goes into its file, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
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
    """Put a check together again."""
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
