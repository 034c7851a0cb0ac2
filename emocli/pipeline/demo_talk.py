"""The last step of the demonstration: a new recording, in which things go wrong, is predicted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from emocli import plugins
from emocli.config import Settings
from emocli.errors import ReportError
from emocli.pipeline.demo_report import PredictedTalk
from emocli.plugin.robustness import RepairOptions
from emocli.prediction.people import EACH
from emocli.prediction.predict import PredictOptions, predict
from emocli.prediction.timeline import PredictionReport
from emocli.prediction.writers import JSON, PAGE

NAME = "talk"

REPAIR = RepairOptions(check=True, proxy="paper")
"""The networks of the demonstration are trained without: it is asked for."""


def predicted_talk(
    run: Path, folder: Path, config: Settings, workers: int, say: Callable[[str], None]
) -> PredictedTalk:
    """Generate a talk of two people and predict it; what is there is kept.

    Parameters
    ----------
    run : Path
        The run that predicts it.
    folder : Path
        Where it goes: ``talk.mp4``, and the files of `emocli predict`.
    config : Settings
        That of the corpus.
    """
    dataset = plugins.load("datasets", "demo")
    recording = folder / f"{NAME}.mp4"
    say("generating a talk: one of two people leaves the picture, the sound fails")
    talk = dataset.Talk.plan(config, NAME)
    talk.write(recording)
    report = _known(folder, run)
    if report is None:
        say(f"predicting it with {run.name}")
        options = PredictOptions(repair=REPAIR, workers=workers, face=EACH)
        report = predict(run, [recording], folder, options=options)
    rows = report.segments
    return PredictedTalk(
        recording=recording,
        page=folder / PAGE,
        utterances=len({segment.segment for segment in rows}),
        people=len({segment.person for segment in rows if segment.person}),
        rows=len(rows),
        missing=_count(report, "missing"),
        distrusted=_count(report, "distrusted"),
        regenerated=_count(report, "regenerated"),
    )


def _known(folder: Path, run: Path) -> PredictionReport | None:
    try:
        report = PredictionReport.read(folder / JSON)
    except ReportError:  # not predicted yet, or by another version
        return None
    return report if report.run == run.resolve().name else None


def _count(report: PredictionReport, state: str) -> dict[str, int]:
    counts = {
        name: sum(getattr(segment.modalities[name], state) for segment in report.segments)
        for name in report.features
    }
    return {name: count for name, count in counts.items() if count}
