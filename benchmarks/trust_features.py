"""Detection rates of the modality check on features of another clip, and on parts of clips.

    python benchmarks/trust_features.py RUN MANIFEST STORE [--folds 0 1 2 3 4]

RUN is a cross-validation on the corpus, STORE a copy of its features. For each fold the check is
fitted twice into it, by flattened sequences and step by step (`check.representation`). The test
clips are then taken as they are, in halves (the middle half of each sequence, as a window that is
shorter than the clip), and with one modality from another clip of the split (``shuffle``). Printed
is a table (Markdown), pooled over the folds:

- true positive rate (TPR): clips whose corrupted modality is not trusted;
- false positive rate (FPR): clips of which any other modality is not trusted;
- accuracy without a check, with it, and with proxies.

Intervals are Wilson's, 95 %, over clips; those of a speaker depend on each other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from options import make_parser
from trust import share

from emocli.config import Tree
from emocli.data.manifest import Manifest
from emocli.evaluation.evaluator import RunEvaluator
from emocli.evaluation.predictions import Predictions
from emocli.models.rundir import read_config
from emocli.plugin.robustness import PROXY, RepairOptions, on, read
from emocli.training.fit_cca import fit_cca

REPRESENTATIONS = ("flatten", "step")
NO_CHECK = RepairOptions(check=False)
REPAIRS = (RepairOptions(check=True), RepairOptions(check=True, proxy=PROXY))

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Condition:
    """What is done to test clips: corruptions as text, or only the middle of sequences is kept."""

    name: str
    corrupt: tuple[str, ...] = ()
    halved: bool = False


@dataclass(frozen=True)
class Outcome:
    """Clips of a condition: true and false positives, and right predictions with each repair."""

    true_positive: Flags
    false_positive: Flags
    right: tuple[Flags, ...]


def middle(clip_id: str, modality: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the middle half of a sequence."""
    kept = max(1, len(values) // 2)
    start = (len(values) - kept) // 2
    return values[start : start + kept]


def fit_check(fold: Path, manifest: Path, store: Path, representation: str) -> None:
    """Fit the check of a fold on its training clips, in place of the one that is there."""
    config = read_config(fold)
    assert config.fold is not None, f"{fold} is no fold"
    corpus = Manifest.read(manifest).folded(config.fold.index, config.fold.count)
    features = [view.feature for view in config.features.values()]
    settings: Tree = {"check": {"representation": representation}}
    fit_cca(corpus, store, features, settings=settings)


def conditions(modalities: Sequence[str]) -> Iterator[Condition]:
    """Yield all that is done."""
    yield Condition("as they are")
    yield Condition("middle half", halved=True)
    for modality in modalities:
        yield Condition(f"{modality} of another clip", (f"{modality}:shuffle",))


def outcome(evaluator: RunEvaluator, condition: Condition) -> Outcome:
    """Predict the clips of one fold under one condition."""
    if condition.halved:
        evaluator = replace(evaluator, samples=evaluator.samples.then(middle))
    corruptions = on(read(condition.corrupt), evaluator.modalities)
    told = [evaluator.predict(corruptions, 0, how) for how in (NO_CHECK, *REPAIRS)]
    checked = told[1]
    true_positive, false_positive = (
        np.array([any(clip in checked.flagged.get(m, ()) for m in some) for clip in checked.ids])
        for some in _apart(checked)
    )
    return Outcome(true_positive, false_positive, tuple(_right(each) for each in told))


def _apart(checked: Predictions) -> tuple[set[str], set[str]]:
    """Return the modalities that are corrupted, and those that are not."""
    corrupted = {m for m, clips in checked.corrupted.items() if clips}
    return corrupted, set(checked.flagged) - corrupted


def _right(told: Predictions) -> Flags:
    return np.asarray(np.mean(told.values, axis=0).argmax(axis=1) == told.targets)


def row(condition: Condition, representation: str, parts: Sequence[Outcome]) -> str:
    """Return a row of the table, of all folds."""
    true_positive = np.concatenate([part.true_positive for part in parts])
    cells = [condition.name, representation, share(true_positive) if condition.corrupt else "-"]
    cells.append(share(np.concatenate([part.false_positive for part in parts])))
    rights = zip(*(part.right for part in parts), strict=True)
    cells += [share(np.concatenate(right)) for right in rights]
    return f"| {' | '.join(cells)} |\n"


def main() -> None:
    """Print the table."""
    parser = make_parser(__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("store", type=Path, help="a copy: checks are written to it")
    parser.add_argument("--folds", type=int, nargs="+", default=list(range(5)))
    given = parser.parse_args()
    sys.stdout.write(
        "| test clips | check | TPR | FPR | accuracy: no check | check "
        "| check and proxies |\n|---|---|---|---|---|---|---|\n"
    )
    for representation in REPRESENTATIONS:
        parts: dict[Condition, list[Outcome]] = {}
        for index in given.folds:
            fold = given.run / f"fold-{index}"
            fit_check(fold, given.manifest, given.store, representation)
            opened = RunEvaluator.open(fold, "test", given.manifest, given.store, REPAIRS[0])
            evaluator = replace(opened, baselines=None)
            for condition in conditions(evaluator.modalities):
                parts.setdefault(condition, []).append(outcome(evaluator, condition))
        for condition, outcomes in parts.items():
            sys.stdout.write(row(condition, representation, outcomes))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
