"""Settings of ``--quick``: all rows of a table in seconds, none of them well trained."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from emocli.config import Tree
from emocli.plugin.encoder import PICTURE_KINDS

SYNTHETIC: Tree = {
    "dialogues": {"train": 12, "valid": 6, "test": 10},
    "turns": 4,
    "seconds": [1.0, 2.0],
    "rates": {"audio": 20.0, "visual": 10.0, "other": 10.0},
    "widths": {"text": 24, "audio": 16, "visual": 12, "other": 12},
}
CLIPS: Tree = {
    "dialogues": {"train": 4, "valid": 2, "test": 8},
    "turns": 4,
    "speakers": {"train": 4, "valid": 2, "test": 4},
    "seconds": [0.5, 0.8],
    "size": 128,
    "fps": 5,
}
ENCODER: Tree = {"side": 32, "depths": [1], "hidden_sizes": [8], "embedding_size": 8, "dim": 8}
FIT: Tree = {"encoder": ENCODER, "train": {"epochs": 2, "per_class": 2, "threads": 1, "lr": 1e-3}}
TEXT: Tree = {
    "text": {
        **{"backbone": "scratch", "layers": 1, "width": 16, "heads": 2, "vocabulary": 300},
        **{"context": "none", "tokens": 32},
    },
    "train": {"epochs": 2, "threads": 1, "lr": 1e-3},
}

QUICK: Mapping[str, Tree] = MappingProxyType(
    {
        "synthetic": SYNTHETIC,
        "demo": CLIPS,
        "reproduce": {"seeds": 1},
        "train": {"epochs": 4, "threads": 1, "accelerator": "cpu"},
        "encoder": ENCODER,
        "extractors": {
            **dict.fromkeys(PICTURE_KINDS, FIT),
            "text": TEXT,
            "features": {"faces": {"rate": 4}},
        },
    }
)
"""Section to settings; a table takes those that it has."""

TRAIN: Mapping[str, Tree] = MappingProxyType(
    {"fusion": {"batch_size": 12}, "encoder": {"epochs": 2, "per_class": 2}}
)
"""Kind of row to more settings ``train``, where all rows of a table that learn are of that kind."""
