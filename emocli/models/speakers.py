"""Statistics of speakers, kept in a run: arrays and JSON in one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from emocli.data.json_io import as_json
from emocli.data.record import Record
from emocli.data.speakers import SpeakerStatistics
from emocli.data.standardise import Standardiser, Statistics, Vector
from emocli.errors import RunError, reason
from emocli.models.rundir import SPEAKERS
from emocli.models.tensors import RESTORE, read_tensors, write_tensors

KEY = "speakers"
"""Of the metadata."""

VECTORS = ("mean", "std", "low", "high")


@dataclass(frozen=True, kw_only=True)
class _Group(Record):
    """A group of clips in the file: whose they are, and how many have each modality.

    ``name`` is empty for the population.
    """

    name: str
    clips: Mapping[str, int]


def save_speakers(run: Path, statistics: SpeakerStatistics) -> None:
    """Write them into a run, as a whole."""
    groups = {"": statistics.population, **statistics.speakers}
    arrays = {
        f"{index}.{modality}.{vector}": torch.from_numpy(getattr(each, vector))
        for index, group in enumerate(groups.values())
        for modality, each in group.items()
        for vector in VECTORS
    }
    about = [
        _Group(name=name, clips={m: each.clips for m, each in group.items()})
        for name, group in groups.items()
    ]
    write_tensors(run / SPEAKERS, arrays, {KEY: as_json(about)})


def read_speakers(run: Path, dims: Mapping[str, int]) -> SpeakerStatistics:
    """Read those of a run, whose features have these widths.

    Raises
    ------
    RunError
        If there are none, or the file is damaged.
    """
    path = run / SPEAKERS
    arrays = {name: t.float().numpy() for name, t in read_tensors(path).items()}
    try:
        with safe_open(path, "pt") as file:
            rows = json.loads((file.metadata() or {})[KEY])
        about = [_Group.from_data(row) for row in rows]
        groups = {
            each.name: {
                modality: _statistics(arrays, f"{index}.{modality}.", each.clips[modality], width)
                for modality, width in dims.items()
            }
            for index, each in enumerate(about)
        }
        return SpeakerStatistics(groups.pop(""), groups)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RecursionError) as error:
        what = f"does not hold statistics of speakers ({reason(error)})"
        raise RunError(what, where=path, hint=RESTORE) from None


def _statistics(arrays: Mapping[str, Vector], prefix: str, clips: int, width: int) -> Statistics:
    mean, std, low, high = (arrays[f"{prefix}{vector}"] for vector in VECTORS)
    ones = np.where(std > 0, std, np.float32(1))
    Standardiser({"": mean}, {"": ones}, {"": low}, {"": high}).require("", width)
    if (std < 0).any() or clips < 0:
        raise ValueError("a deviation or a count is below 0")
    return Statistics(clips, mean, std, low, high)
