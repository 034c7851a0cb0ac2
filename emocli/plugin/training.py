"""The training that the preset ``plus`` has for every network.

Chosen by cross-validation inside training folds of RAVDESS and MELD (docs/results.md); what depends
on the number of clips follows rules (`emocli.rules`).

>>> PLUS["functionals"]
'all'
"""

from __future__ import annotations

from emocli.config import Tree

PLUS: Tree = {
    "loss": "auto",
    "optimizer": "adamw",
    "lr": 1e-3,
    "weight_decay": 1e-2,
    "clip": 1.0,
    "scheduler": "cosine",
    "warmup": 0.1,
    "label_smoothing": 0.1,
    "functionals": "all",
    "functionals_limit": 3.0,
    "patience": 0,
    "refit": True,
}
