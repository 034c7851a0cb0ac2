"""The inspection of a modality check: its settings, its pairs, what it was fitted on."""

from __future__ import annotations

from pathlib import Path

from emocli.data.store import check_path, features_in
from emocli.pipeline.inspect.sections import Inspection, InspectionTable, table_of


def check_in(path: Path) -> Path | None:
    """Return the file of a modality check, where that is all there is."""
    from emocli.robust.check import file

    if path.is_dir():
        path = check_path(path) if not features_in(path) else path
    return path if path.is_file() and path.suffix == ".h5" and file.is_check(path) else None


def inspect_check(path: Path) -> Inspection:
    """Look into a modality check."""
    from emocli.plugin.robustness import texts
    from emocli.robust.check.file import versions_in
    from emocli.robust.check.io import load_check

    check = load_check(path)
    pairs = tuple(
        (" - ".join(pair.modalities), pair.tau, pair.n_train, pair.n_valid)
        for pair in check.pairs.values()
    )
    facts = check.config.model_dump(mode="json")
    if check.provenance is not None:
        facts |= {
            "features": dict(check.provenance.features),
            "fingerprints": dict(check.provenance.fingerprints),
            "manifest": check.provenance.manifest,
            "clips": len(check.provenance.ids),
            "corrupt": texts(check.provenance.corrupt),
            "corruption_seed": check.provenance.corruption_seed,
            "left_out": dict(check.left_out),
        }
    facts |= {"versions": versions_in(path)}
    columns = ("pair", "tau", "train", "valid")
    sections = (table_of("check", facts), InspectionTable("pairs", columns, pairs))
    facts |= {"pairs": [dict(zip(columns, row, strict=True)) for row in pairs]}
    return Inspection("modality check", path, facts, sections, check.fit_warnings())
