"""Saving and loading of a run's baselines: arrays and JSON in one safetensors file.

Reading it executes nothing, and needs no scikit-learn.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from emocli.data.json_io import as_json
from emocli.data.manifest import Task
from emocli.data.record import Number, Report
from emocli.errors import RunError, reason
from emocli.models.baselines import ChosenModel, ClassicalModels
from emocli.models.classical import KINDS, ClassicalModel, Margins
from emocli.models.functionals import Functionals, Matrix
from emocli.models.rundir import BASELINES
from emocli.models.tensors import RESTORE, read_parameters, write_tensors

KEY = "baselines"
"""Of the metadata."""


@dataclass(frozen=True, kw_only=True)
class _Model(Report):
    """The description of a model in the file, which has its arrays, too."""

    name: str
    C: float
    valid: Mapping[str, Number]
    task: Task
    classes: int
    parts: int
    known: tuple[int, ...]
    pairwise: bool
    vectors: tuple[str, ...]
    refitted: bool
    limit: float = 0.0  # not in files that are older than it


def save_models(run: Path, models: ClassicalModels) -> None:
    """Write them into a run, as a whole."""
    arrays: dict[str, Matrix] = {}
    about = []
    for each in models.models:
        prefix, model = each.name, each.model
        arrays |= {f"{prefix}.mean": each.functionals.mean, f"{prefix}.std": each.functionals.std}
        for index, part in enumerate(model.parts):
            arrays |= {f"{prefix}.{index}.{name}": a for name, a in part.arrays().items()}
        about.append(
            _Model(
                format=_Model.FORMAT,
                name=each.name,
                C=each.C,
                valid=each.valid,
                task=model.task,
                classes=model.classes,
                parts=len(model.parts),
                known=model.known,
                pairwise=model.pairwise,
                vectors=tuple(sorted(each.functionals.vectors)),
                refitted=models.refitted,
                limit=each.functionals.limit,
            )
        )
    tensors = {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in arrays.items()}
    write_tensors(run / BASELINES, tensors, {KEY: as_json(about)})


def read_models(run: Path) -> ClassicalModels | None:
    """Read those of a run; None if it has none.

    Raises
    ------
    RunError
        If the file is damaged.
    """
    path = run / BASELINES
    if not path.is_file():
        return None
    arrays = {n: t.double().numpy() for n, t in read_parameters(path).items()}
    try:
        with safe_open(path, "pt") as file:
            rows = json.loads((file.metadata() or {})[KEY])
        about = [_Model.from_data(row) for row in rows]
        models = tuple(_model(each, arrays) for each in about)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RecursionError) as error:
        what = f"does not hold classical models ({reason(error)})"
        raise RunError(what, where=path, hint=RESTORE) from None
    return ClassicalModels(models, any(each.refitted for each in about))


def _model(about: _Model, arrays: Mapping[str, Matrix]) -> ChosenModel:
    if about.name not in KINDS:
        raise ValueError(f"there is no model '{about.name}'")
    own = {n.partition(".")[2]: a for n, a in arrays.items() if n.startswith(f"{about.name}.")}
    mean, std = own["mean"], own["std"]
    if mean.ndim != 1 or std.shape != mean.shape or not (std > 0).all():
        raise ValueError("its scaling is none")
    parts = tuple(Margins.of(_below(own, f"{k}."), len(mean)) for k in range(about.parts))
    model = ClassicalModel(about.task, about.classes, parts, about.known, about.pairwise)
    model.require()
    functionals = Functionals(frozenset(about.vectors), mean, std, about.limit)
    return ChosenModel(about.name, about.C, dict(about.valid), functionals, model)


def _below(arrays: Mapping[str, Matrix], prefix: str) -> dict[str, Matrix]:
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
