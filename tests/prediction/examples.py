"""A prediction as its writers are given it: two recordings, words, and everything that may be."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from emocli.data.manifest import Manifest
from emocli.plugin.writer import ModalityState, SegmentPrediction, SpokenWord
from emocli.prediction.timeline import CutRecording, Cutting, FailedInput, PredictionReport

NAN = float("nan")
FINE = ModalityState(missing=False, distrusted=False, regenerated=False, anomaly=0.2)
BAD = ModalityState(missing=False, distrusted=True, regenerated=True, anomaly=2.5)
GONE = ModalityState(missing=True, distrusted=False, regenerated=False, anomaly=NAN)


def segment(
    number: int, joy: float, states: Sequence[ModalityState], file: str = "a.mp4", text: str = ""
) -> SegmentPrediction:
    """Return a segment of four seconds, one every two; NaN stands for no prediction."""
    start = 2.0 * number
    words = tuple(
        SpokenWord(text=word, start=start + 0.5 * k, end=start + 0.5 * k + 0.4)
        for k, word in enumerate(text.split())
    )
    label = "" if joy != joy else "joy" if joy > 0.5 else "<anger> & co"
    return SegmentPrediction(
        file=file,
        clip=f"{file}-{number}",
        segment=number,
        start=start,
        end=start + 4,
        speaker="Ada",
        text=text,
        label=label,
        confidence=max(joy, 1 - joy),
        values={"joy": joy, "<anger> & co": 1 - joy},
        spread={"joy": 0.1, "<anger> & co": 0.1},
        modalities=dict(zip(("audio", "visual"), states, strict=True)),
        words=words,
    )


def report() -> PredictionReport:
    """Return a report with what is hard to write: markup, quotes, no prediction, failures."""
    return PredictionReport(
        format=PredictionReport.FORMAT,
        emocli="1.0",
        run="run",
        fusion="late",
        networks=2,
        task="single",
        classes=("joy", "<anger> & co"),
        features={"audio": "mel", "visual": "face_hog"},
        repair="check, discard",
        calibrated=False,
        cutting=Cutting(
            recordings=(
                CutRecording(file="a.mp4", way="subtitles", subtitles="a.srt", language=""),
                CutRecording(file="b.wav", way="windows", subtitles="", language="en"),
            ),
            settings={
                "subtitles": {"overlap": "refuse", "tiers": ["<Ada>"]},
                "windows": {"window": 4.0, "hop": 2.0},
            },
            speakers="",
            recogniser="whisper-tiny.en",
        ),
        versions={"torch": "2"},
        libraries={"torch": "3", "av": "1"},
        segments=(
            segment(0, 0.9, (FINE, FINE), text='so "it" is </script><b>'),
            segment(1, 0.3, (BAD, FINE), text="well, no"),
            segment(2, NAN, (GONE, GONE)),
            segment(0, 0.6, (FINE, GONE), file="b.wav", text="=1+1"),
        ),
        failures=(FailedInput(file="c.mp4", message="is no recording"),),
        remarks=("a remark",),
    )


def video(corpus: Manifest) -> Path:
    return corpus.split("test")[0].media["video"]


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "predictions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
