"""Saved calibration of a trained network: its temperature, or half-widths of intervals."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from emocli.config import Settings
from emocli.data.durable import write_text
from emocli.data.json_io import as_json
from emocli.display import number_of

FILE = "calibration.json"

COVERAGE = 0.9
"""Share of the validation clips whose intensity is inside its interval."""

LEAST, MOST = 1e-2, 1e2
"""Bounds of a temperature."""

FEWEST = 9
"""Validation clips that a calibration should rest on: COVERAGE / (1 - COVERAGE), below which no
quantile of their residuals covers that share of new clips."""

Error = Annotated[float, Field(ge=0, le=1)]


class Calibration(Settings):
    """The calibration of a network's outputs, learnt from the validation clips.

    Attributes
    ----------
    format : int
        Version of the file.
    clips : int
        Validation clips it rests on.
    temperature : float, optional
        The logits are divided by it, see `emocli.models.losses.probabilities`; None for
        intensities.
    error_before, error_after : float, optional
        Expected calibration error of these clips without it and with it.
    fitted_before_refit : bool
        Whether all this is of the network before it was trained once more, on the validation clips
        too (``train.refit``): the last one has no clips left to be calibrated on.
    half_width : mapping
        Class to half the width of the interval in which an intensity is; empty for probabilities.
    """

    format: Literal[1] = 1
    clips: Annotated[int, Field(ge=1, le=10**9)]
    temperature: Annotated[float, Field(ge=LEAST, le=MOST)] | None = None
    error_before: Error | None = None
    error_after: Error | None = None
    fitted_before_refit: bool = False
    half_width: dict[str, Annotated[float, Field(ge=0, le=1e9)]] = Field(default_factory=dict)


def calibration_remarks(calibrations: Iterable[Calibration | None]) -> tuple[str, ...]:
    """Say what temperatures and intervals rest on that is less than it seems."""
    known = [each for each in calibrations if each is not None]
    remarks = []
    if any(each.fitted_before_refit for each in known):
        remarks.append(
            "temperatures and intervals are of the first fit, before the networks were trained "
            "once more, on the validation clips too (train.refit)"
        )
    fewest = min((each.clips for each in known), default=FEWEST)
    if fewest < FEWEST:
        remarks.append(
            f"temperatures and intervals rest on {number_of(fewest, 'clips of the valid split')}, "
            f"fewer than {FEWEST}: take no confidence at its word"
        )
    return tuple(remarks)


def write_calibration(run: Path, calibration: Calibration) -> None:
    """Write it into the run of one seed."""
    write_text(run / FILE, as_json(calibration.model_dump(mode="json")))
