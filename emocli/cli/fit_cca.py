"""`emocli fit-cca`: learn which modalities belong together."""

from __future__ import annotations

from pathlib import Path

from emocli.cli import options, show

SHOWN = 5


def command(
    manifest: options.ManifestFile,
    store: options.Store = Path("store"),
    feature: options.Features = None,
    preset: options.Preset = "paper",
    settings: options.Settings = None,
    config: options.Config = None,
    root: options.Root = None,
    json: options.Json = False,
) -> None:
    """Fit the modality check.

    Fits on the train split and chooses the thresholds on the valid split; writes STORE/check.h5 and
    prints canonical correlations and threshold of each pair.
    """
    from emocli import config as configuration
    from emocli.data.manifest import Manifest
    from emocli.stages import fit_cca as stage

    corpus = Manifest.read(manifest, root)
    tree = configuration.layered(config, settings)
    with show.progress("reading features") as progress:
        summary = stage.fit_cca(corpus, store, feature, preset, tree, progress)
    if json:
        show.as_json(summary)
        return
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
    columns = ("pair", f"first {SHOWN} canonical correlations", "of", "tau", "train", "valid")
    show.table(columns, rows)
    show.line(f"written to {summary.path}")
    for warning in summary.warnings:
        show.warn(warning)
