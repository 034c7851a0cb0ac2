"""Outputs of networks, turned into predictions of segments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emocli.extraction.failures import Failure
from emocli.metrics.metrics import PRESENT
from emocli.models.run_config import RunConfig
from emocli.plugin.writer import FaceBox, ModalityState, SegmentPrediction, SpokenWord
from emocli.prediction.arrays import ClipArrays
from emocli.prediction.clear_faces import ClearFaces
from emocli.prediction.clips import Piece
from emocli.prediction.networks import Outputs
from emocli.prediction.timeline import FailedInput

AND = "+"
"""Stands between the classes of a clip that shows several."""

NAN = float("nan")


@dataclass(frozen=True)
class SegmentOutputs:
    """The outputs that the predictions of some segments are made of."""

    config: RunConfig
    pieces: Sequence[Piece]
    stores: Mapping[str, ClipArrays]
    outputs: Outputs | None
    half_widths: Mapping[str, float] = field(default_factory=dict)
    faces: ClearFaces = field(default_factory=dict)

    def segments(self) -> tuple[SegmentPrediction, ...]:
        """Return a prediction for each segment."""
        return tuple(self._segment(row, piece) for row, piece in enumerate(self.pieces))

    def _segment(self, row: int, piece: Piece) -> SegmentPrediction:
        segment, classes = piece.segment, self.config.classes
        modalities = {name: self._state(row, name, piece.clip.id) for name in self.stores}
        empty = all(state.missing for state in modalities.values())
        nothing = np.full(len(classes), np.nan)
        mean, spread = nothing, nothing
        if self.outputs is not None and not empty:
            values = self.outputs.values[:, row]
            mean, spread = values.mean(axis=0), values.std(axis=0)
        return SegmentPrediction(
            file=str(segment.recording),
            clip=piece.clip.id,
            segment=segment.index,
            start=segment.start,
            end=segment.end,
            person=piece.person,
            person_score=piece.person_score,
            speaker=segment.speaker,
            text=segment.text,
            label="" if empty else label(self.config, mean),
            confidence=NAN if self.config.task == "intensity" else float(mean.max()),
            values=dict(zip(classes, mean.tolist(), strict=True)),
            spread=dict(zip(classes, spread.tolist(), strict=True)),
            interval=self._interval(mean),
            modalities=modalities,
            words=tuple(
                SpokenWord(text=word.text, start=word.start, end=word.end) for word in segment.words
            ),
            face=self._face(piece),
        )

    def _face(self, piece: Piece) -> FaceBox | None:
        if piece.clip.id not in self.faces:
            return None
        time, x, y, width, height = self.faces[piece.clip.id]
        return FaceBox(time=piece.segment.start + time, box=(x, y, width, height))

    def _interval(self, mean: NDArray[np.float64]) -> dict[str, tuple[float, float]] | None:
        if not self.half_widths:
            return None
        pairs = zip(self.config.classes, mean.tolist(), strict=True)
        return {n: (v - self.half_widths[n], v + self.half_widths[n]) for n, v in pairs}

    def _state(self, row: int, modality: str, clip_id: str) -> ModalityState:
        missing = not self.stores[modality].length(clip_id)
        outputs = self.outputs
        if outputs is None:
            return ModalityState(missing=missing, distrusted=False, regenerated=False, anomaly=NAN)
        return ModalityState(
            missing=missing,
            distrusted=bool(outputs.distrusted[modality][row] > 0.5),
            regenerated=bool(outputs.regenerated[modality][row] > 0.5),
            anomaly=float(outputs.anomaly[modality][row]),
        )


def label(config: RunConfig, values: NDArray[np.float64]) -> str:
    """Return the class of the greatest value; of a multi-label task all that are present."""
    if config.task == "multi":
        present = [name for name, v in zip(config.classes, values, strict=True) if v >= PRESENT]
        return AND.join(present)
    return config.classes[int(values.argmax())]


def failed(pieces: Iterable[Piece], failures: Iterable[Failure]) -> tuple[FailedInput, ...]:
    """Say of which recordings features could not be computed."""
    files = {piece.clip.id: str(piece.segment.recording) for piece in pieces}
    return tuple(
        FailedInput(file=files.get(f.id, f.id), clip=f.id, feature=f.feature, message=f.message)
        for f in failures
    )
