"""The normalisation of features by speaker: its settings, and what reports say of it."""

from __future__ import annotations

from typing import Annotated, Literal, Protocol

from pydantic import Field

Normalisation = Literal["none", "speaker"]

TestNormalisation = Literal["none", "speaker", "given"]
"""Of tested clips: without other clips of anybody; with those of each speaker as they are in the
store; with those as they are given, corrupted or not."""

BY_SPEAKER = ("normalise", "shrinkage", "least_clips")
"""Names of the `NormalisationSettings`."""

SHRINKAGE = 3.0
"""k, by default: the variance of a speaker's clip means over that between speakers. Over six
features of RAVDESS and CMU-MOSI its median over the columns was .8 to 5.5."""

LEAST_CLIPS = 3
"""Of fewer clips, what is usual for a speaker and what is shown now cannot be told apart."""

Shrinkage = Annotated[float, Field(ge=0, le=10_000)]
LeastClips = Annotated[int, Field(ge=1, le=100_000)]

USED = "normalised by speaker, with unlabelled clips of the tested speakers"
UNUSED = "normalised by the statistics of the training's clips, no clip of the tested speakers used"
GIVEN = (
    "normalised by speaker, with unlabelled clips of the tested speakers as given, corrupted too"
)
"""What every report says of features."""


class NormalisationSettings(Protocol):
    """Settings of a normalisation, which a training and a modality check both have."""

    @property
    def normalise(self) -> Normalisation:
        """Whether features are normalised by speaker."""

    @property
    def shrinkage(self) -> float:
        """K."""

    @property
    def least_clips(self) -> int:
        """Clips of a speaker below which the statistics are the population's."""


def normalisation_note(settings: NormalisationSettings) -> tuple[str, ...]:
    """Say that features are normalised by speaker, if they are."""
    return (f"features are {USED}",) if settings.normalise == "speaker" else ()
