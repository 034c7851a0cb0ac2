"""What the default, and each part of it, is worth on a corpus: nested over folds.

    python benchmarks/defaults.py MANIFEST STORE FUSION OUT [-f FEATURE ...] [--folds 5] [--seeds 1]
                                  [--variant NAME=KEY=VALUE,KEY=VALUE ...]

Every variant is the default with some settings changed, trained on every rotation of the folds;
beside them stand the linear model and the SVM, whose C is chosen on the valid split and whose last
fit is on train and valid split, as the default's is. The last row is nested: each fold is tested
with the variant that is best on its own valid split, so that no clip is predicted by settings that
it had a part in choosing. Only the valid column is for choosing. Differences from the first variant
have 95 % intervals, bootstrap over speakers or dialogues. Repeating the command resumes.

Without --variant: the default, ``paper``, and the default without functionals, without the last
fit, with early stopping, without mixtures, with modality dropout and with masks of features.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from options import make_parser

from emocli.config import merge, parse_sets
from emocli.data.manifest import Manifest
from emocli.evaluation.compare import compare
from emocli.evaluation.evaluate import evaluate
from emocli.training.train import TrainRequest

DEFAULT, PAPER = "default", "paper"
VARIANTS = (
    f"{DEFAULT}=",
    f"{PAPER}=",
    "no functionals=train.functionals=none",
    "linear path alone=train.functionals=linear",
    "hidden path alone=train.functionals=mlp",
    "no last fit=train.refit=false",
    "early stopping=train.patience=30",
    "no mixup=train.mixup=0",
    "modality dropout=train.modality_dropout=0.25",
    "feature masks=train.feature_mask=0.2",
)


@dataclass(frozen=True)
class Outcome:
    """What a variant reached on each fold, ``valid`` and ``test``, and the baselines' test."""

    run: Path
    valid: tuple[float, ...]
    test: tuple[float, ...]
    baselines: Mapping[str, float]


def main() -> None:
    parser = make_parser(__doc__, folds=5, seeds=1)
    for name, kind in (("manifest", Path), ("store", Path), ("fusion", str), ("out", Path)):
        parser.add_argument(name, type=kind)
    parser.add_argument("-f", "--feature", action="append")
    parser.add_argument("--metric", default="accuracy")
    parser.add_argument("--variant", action="append")
    options = parser.parse_args()
    outcomes = {}
    for text in options.variant or VARIANTS:
        name, _, settings = text.partition("=")
        outcomes[name] = outcome(options, name, [each for each in settings.split(",") if each])
        show(name, outcomes[name])
    pairs = [[o.valid[k] for o in outcomes.values()] for k in range(options.folds)]
    chosen = [list(outcomes.values())[int(np.argmax(each))] for each in pairs]
    nested = [each.test[k] for k, each in enumerate(chosen)]
    print(f"{'nested choice':24} {'':5}  {np.mean(nested):.3f}")
    if len(outcomes) > 1:
        report = compare([each.run for each in outcomes.values()], metric=options.metric)
        for pair in report.pairs:
            if pair.runs[0] == report.runs[0].run:
                ends = " to ".join(f"{end:+.3f}" for end in pair.ci)
                print(f"{options.metric}, {' - '.join(pair.runs)}: {pair.difference:+.3f} ({ends})")


def outcome(options: argparse.Namespace, name: str, settings: list[str]) -> Outcome:
    """Train a variant on all folds, and test it."""
    run = options.out / name.replace(" ", "-")
    request = TrainRequest(
        manifest=Manifest.read(options.manifest),
        store=options.store,
        fusion=options.fusion,
        run=run,
        features=options.feature,
        preset=PAPER if name == PAPER else "plus",
        settings=merge({"train": {"threads": 1}}, parse_sets(settings)),
        seeds=options.seeds,
        baselines=name == DEFAULT,
    )
    summary = request.cross_validate(options.folds)
    metric = options.metric
    tests = [evaluate(each.run, figures=False).report.clean.metrics for each in summary.folds]
    beside = evaluate(run, figures=False).report.clean.classical or {}
    return Outcome(
        run,
        tuple(fold.valid[metric] for fold in summary.folds),
        tuple(test[metric] for test in tests),
        {name: baseline.metrics[metric] for name, baseline in beside.items()},
    )


def show(name: str, each: Outcome) -> None:
    """Print a row: mean over the folds of the valid split, of the test, and the baselines."""
    beside = " ".join(f"{key} {value:.3f}" for key, value in each.baselines.items())
    print(f"{name:24} {np.mean(each.valid):.3f}  {np.mean(each.test):.3f}  {beside}", flush=True)


if __name__ == "__main__":
    main()
