"""Provenance of the numbers: commands, versions, fingerprints, settings, licences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from emocli.data.json_io import as_json
from emocli.errors import EmocliError
from emocli.models.commands import RecordedCommand
from emocli.pages.records import ExperimentRecords, RunRecords
from emocli.pages.section import Contents, Section, by_run
from emocli.report.document import Grid, Heading, Paragraph, Part
from emocli.report.parts import Code, Facts, Folded, Note
from emocli.version import version

SHOWN = 16
"""Digits of a fingerprint."""


def parts(contents: Contents) -> Iterator[Part]:
    """Yield what made each run and experiment."""
    yield Paragraph(
        f"This page was written by emocli {version()}. Fingerprints are the first {SHOWN} digits "
        "of digests (SHA-256) of contents."
    )
    yield from by_run(contents, _of_run)
    for each in contents.experiments:
        yield Heading(f"{each.report.experiment} on {each.report.dataset}", 3)
        yield from _of_experiment(each)


def _of_run(run: RunRecords) -> Iterator[Part]:
    yield from _commands(run)
    config = run.config
    yield Facts(
        {
            "Trained with": ", ".join(f"{name} {v}" for name, v in config.versions.items()),
            "Corpus": config.dataset,
            "Citation": config.citation,
            "Licence of the corpus": config.licence,
            "Splits": f"{len(run.folds)} folds" if run.folds else "those of the manifest",
            "Manifest": f"`{config.manifest.fingerprint[:SHOWN]}`",
            "Modality check": f"`{config.check[:SHOWN]}`" if config.check else "",
        }
    )
    features = [
        (modality, view.feature, str(view.dim), view.fingerprint[:SHOWN])
        for modality, view in config.features.items()
    ]
    yield Grid(("modality", "feature", "width", "fingerprint"), features, left=(0, 1, 3))
    models = [(key, digest[:SHOWN]) for key, digest in run.models.items()]
    yield Folded(f"Networks ({len(models)})", (Grid(("network", "digest"), models, left=(0, 1)),))
    yield Folded("Settings", (Code(tuple(_settings(run))),))
    yield Folded(f"Reports ({len(run.evaluations) + len(run.analyses)})", (_reports(run),))
    for problem in run.unreadable:
        yield Note(f"A report could not be read and is left out. {problem}", warning=True)


def _commands(subject: RunRecords | ExperimentRecords) -> Iterator[Part]:
    """Yield the recorded command lines, or say that there are none."""
    try:
        recorded = subject.commands
    except EmocliError as error:
        yield Note(f"The commands could not be read. {error}", warning=True)
        return
    if not recorded:
        yield Paragraph("No command line is recorded: made from Python, or by an earlier version.")
        return
    yield Paragraph("Commands, as they were typed:")
    yield Code(tuple(each.line for each in recorded))
    yield Folded("When, and by which version", (_when(recorded),))


def _when(recorded: tuple[RecordedCommand, ...]) -> Grid:
    rows = [(each.time, each.emocli, each.line) for each in recorded]
    return Grid(("time (UTC)", "emocli", "command"), rows, left=(0, 1, 2))


def _settings(run: RunRecords) -> Iterator[str]:
    config = run.config
    sections: Mapping[str, Mapping[str, object]] = {
        "network": config.network,
        "train": config.train.model_dump(mode="json"),
        "robust": config.robust,
    }
    yield f"preset = {json.dumps(config.preset)}"
    for name, values in sections.items():
        yield from (f"{name}.{key} = {json.dumps(value)}" for key, value in values.items())


def _reports(run: RunRecords) -> Grid:
    rows = [
        (
            file.path.name,
            f"evaluation of {file.report.n} clips of {file.report.dataset} ({file.report.split})",
            file.report.emocli,
            "of earlier networks" if run.is_stale(file.report) else "",
        )
        for file in run.evaluations
    ]
    rows += [(file.path.name, f"analysis: {file.name}", "", "") for file in run.analyses]
    return Grid(("file", "what", "emocli", "remark"), rows, left=(0, 1, 2, 3))


def _of_experiment(each: ExperimentRecords) -> Iterator[Part]:
    yield from _commands(each)
    report = each.report
    yield Facts({"Written by": f"emocli {report.emocli}", "Corpus": report.dataset})
    for title, value in (("Settings", report.settings), ("Inputs", report.inputs)):
        yield Folded(title, (Code(tuple(as_json(value).splitlines())),))


SECTION = Section(90, "Provenance", parts)
