"""The demonstration: the whole pipeline on the generated corpus.

It proves that the pipeline works, not that a network is good.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from emocli import plugins
from emocli.config import Tree, build, merge
from emocli.data.durable import used_folder, write_text
from emocli.data.json_io import as_json
from emocli.data.manifest import Manifest
from emocli.data.pool import Say, open_pool
from emocli.evaluation.evaluate import evaluate
from emocli.extraction.extract import extract
from emocli.metrics.summary import Summary
from emocli.pipeline.demo_report import Accuracy, DemoReport, DemoSystem
from emocli.pipeline.demo_talk import predicted_talk
from emocli.pipeline.manifest import make_manifest
from emocli.training.fit_cca import fit_cca
from emocli.training.settings import resolve
from emocli.training.train import train
from emocli.version import version

VIEWS: Mapping[str, str] = MappingProxyType(
    {"text": "glove", "audio": "covarep", "visual": "face_hog"}
)
"""Modality to the feature it is seen through."""

PRESET = "paper"

FUSIONS = ("early", "late", "gca", "rrnn")

TALKED = "rrnn"
"""The network that predicts the new recording."""

CORRUPTION = "gaussian@0.01"

CLOSE: Tree = {"min_share": 0.2}
"""Settings of the face detector: every face of the corpus fills half of the picture."""

SMALL: Mapping[str, Tree] = MappingProxyType(
    {
        "network": {"hidden": 24},
        "train": {"epochs": 30, "patience": 8, "lr": 5e-3, "batch_size": 8},
    }
)
"""Settings of every run: the corpus is small."""

DemoNetwork = tuple[str, tuple[str, ...]]
"""A network, and the modalities it is given."""


def demo(
    folder: Path,
    *,
    settings: Tree | None = None,
    workers: int = 2,
    seeds: int = 3,
    say: Say = lambda step: None,
) -> DemoReport:
    """Generate, extract, check, train, evaluate and predict; repeated, it resumes.

    Parameters
    ----------
    folder : Path
        Where all goes: ``corpus/``, ``manifest.csv``, ``store/``, ``runs/``, ``talk/``,
        ``report.json``.
    settings : mapping, optional
        ``{"demo": {...}, "network": {...}, "train": {...}}``, laid over `SMALL`: settings of the
        corpus, of every network and of every training.
    workers : int
        Processes that extract features and train.
    seeds : int
        Trainings of each network.
    say : callable
        Told what is done next.

    Raises
    ------
    EmocliError
        If a setting is none or the folder cannot be made; then nothing has been done.
    """
    path, store, corpus = folder / "manifest.csv", folder / "store", folder / "corpus"
    tree = merge(SMALL, settings or {})
    drawn = {"demo": tree.pop("demo", {})}
    dataset = plugins.load("datasets", "demo")
    for fusion, _ in _systems():
        resolve(fusion, PRESET, tree, "single", dataset.EMOTIONS)
    shape = build(dataset.Config, drawn["demo"], "demo")
    with used_folder(corpus):
        pass  # all refused before anything is done
    say("generating a corpus: drawn faces, synthetic voices, template sentences")
    make_manifest("demo", corpus, path, drawn)
    manifest = Manifest.read(path)
    features = ["faces", *VIEWS.values()]
    say(f"extracting {', '.join(features)} of {len(manifest.clips)} clips")
    extraction: Tree = {"glove": {"vectors": str(corpus / "vectors.txt")}, "faces": CLOSE}
    extract(manifest, features, store, settings=extraction, workers=workers)
    say("fitting the modality check")
    fit_cca(manifest, store, list(VIEWS.values()))
    plan = list(_systems())
    say(f"training and evaluating {len(plan)} networks, {seeds} seeds each")
    trial = DemoRuns(manifest, store, folder / "runs", tree, seeds)
    systems: dict[DemoNetwork, DemoSystem] = {}
    with open_pool(workers) as pool:
        for system in pool.results(trial, plan):
            systems[system.fusion, system.modalities] = system
            say(f"{system.run.name}: accuracy {system.clean.accuracy:.3f}")
    talk = predicted_talk(folder / "runs" / TALKED, folder / "talk", shape, workers, say)
    report = folder / "report.json"
    result = DemoReport(
        format=DemoReport.FORMAT,
        emocli=version(),
        folder=folder,
        manifest=path,
        store=store,
        report=report,
        clips=len(manifest.clips),
        seeds=seeds,
        corruption=CORRUPTION,
        systems=tuple(systems[key] for key in plan),
        talk=talk,
    )
    write_text(report, as_json(result))
    return result


def _systems() -> Iterator[DemoNetwork]:
    yield from (("unimodal", (modality,)) for modality in VIEWS)
    yield from ((fusion, tuple(VIEWS)) for fusion in FUSIONS)


@dataclass(frozen=True)
class DemoRuns:
    """The training and evaluation of one network after another on the same features."""

    manifest: Manifest
    store: Path
    runs: Path
    settings: Tree
    seeds: int

    def __call__(self, views: DemoNetwork) -> DemoSystem:
        """Train one network, and corrupt each of its modalities."""
        fusion, modalities = views
        run = self.runs / (fusion if len(modalities) > 1 else f"{fusion}-{modalities[0]}")
        features = [VIEWS[modality] for modality in modalities]
        train(
            self.manifest,
            self.store,
            fusion=fusion,
            run=run,
            features=features,
            preset=PRESET,
            settings=self.settings,
            seeds=self.seeds,
        )
        reports = {
            modality: evaluate(
                run, corrupt=[f"{modality}:{CORRUPTION}"], figures=len(modalities) > 1
            ).report
            for modality in modalities
        }
        corrupted = {
            modality: _accuracy(report.corrupted)
            for modality, report in reports.items()
            if report.corrupted
        }
        any_of = reports[modalities[0]]
        clean = _accuracy(any_of.clean)
        return DemoSystem(
            fusion=fusion,
            modalities=modalities,
            clean=clean,
            corrupted=corrupted,
            run=run,
            tested=any_of.n,
            interval=any_of.interval,
        )


def _accuracy(condition: Summary) -> Accuracy:
    metrics = condition.metrics
    return Accuracy(
        accuracy=metrics["accuracy"],
        std=metrics.get("accuracy_std", 0.0),
        ci=condition.accuracy_ci,
    )
