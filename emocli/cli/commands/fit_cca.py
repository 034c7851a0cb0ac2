"""`emocli fit-cca`: the modality check, fitted on features that belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emocli.cli import options, show
from emocli.plugin.command import Command

if TYPE_CHECKING:
    from emocli.training.fit_cca import CheckSummary

SHOWN = 5


@options.example("check.score=llr")
@options.grouped
def command(
    corpus: options.FeatureOptions,
    folds: options.Folds = None,
    corrupt: options.Corrupt = None,
    seed: options.CorruptionSeed = 0,
    json: options.Json = False,
) -> None:
    """Fit the modality check.

    Fits on the train split and chooses the thresholds on the valid split; writes STORE/check.h5 (of
    a fold, STORE/checks/) and prints canonical correlations and threshold of each pair. The default
    is the improved check: a likelihood ratio in place of the correlation across components, and an
    anomaly score of each modality by itself; --preset paper is the paper's.

    --set check.fit_on=as_given fits it on clips of which some may be corrupted, in the store or by
    --corrupt (--seed is the network's robust.corruption_seed), and writes STORE/check_as_given.h5:
    what is unlike most is left out of the fit. Networks ask it with --set robust.fit_on=as_given.
    Where the network has another train.outliers, give it with
    --set check.clip_outliers=N, too.
    """
    from emocli.plugin.robustness import read
    from emocli.training.fit_cca import fit_cca

    corruptions = read(corrupt or ())  # refused before anything is opened
    manifest, tree = corpus.read_manifest(), corpus.read_settings("fit-cca")
    parts = [manifest.folded(index, folds) for index in range(folds)] if folds else [manifest]
    with show.progress("reading features") as progress:
        summaries = [
            fit_cca(
                part,
                corpus.store,
                corpus.feature or None,
                corpus.preset,
                tree,
                corruptions,
                seed,
                progress=progress,
            )
            for part in parts
        ]
    if json:
        show.as_json(summaries if folds else summaries[0])
        return
    for summary in summaries:
        _print(summary)


def _print(summary: CheckSummary) -> None:
    rows = [
        (
            " - ".join(pair.modalities),
            "  ".join(f"{value:.3f}" for value in pair.correlations[:SHOWN]),
            len(pair.correlations),
            pair.tau,
            pair.n_train,
            pair.n_valid,
        )
        for pair in summary.pairs
    ]
    correlations = f"first {SHOWN} canonical correlations"
    columns = ("pair", correlations, "of", f"tau ({summary.score})", "train", "valid")
    show.table(columns, rows)
    if summary.limits:
        limits = ", ".join(f"{name} {limit:.3g}" for name, limit in summary.limits.items())
        show.line(f"limits of the anomaly scores: {limits}")
    if summary.left_out:
        counts = ", ".join(f"{name} {count}" for name, count in summary.left_out.items())
        show.line(f"training clips left out as corrupted: {counts}")
    show.line(f"written to {summary.path}")
    for warning in summary.warnings:
        show.warn(warning)


COMMAND = Command("fit-cca", 70, command, sections=lambda: ("check",))
