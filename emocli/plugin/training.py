"""The training that the preset ``plus`` has for every network.

Chosen by nested validation over corpora of 60 to 10,000 clips (docs/results.md); what depends on
their number follows rules (`emocli.rules`).

>>> PLUS["functionals"]
'both'
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
    "functionals": "both",
    "refit": True,
}
