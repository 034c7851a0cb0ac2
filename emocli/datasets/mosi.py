"""CMU-MOSI: 93 video reviews in 2,199 segments, with their sentiment.

Source: Zadeh et al. 2016, IEEE Intelligent Systems 31(6).

Files are found by name below the folder: labels in a ``.csd`` of the CMU Multimodal SDK
(``CMU_MOSI_Opinion_Labels.csd``), else an MMSA pickle, else ``labels.csv`` (``id``, ``sentiment``,
optionally ``split``, ``text``, ``start``, ``end``). The clips of a video count from 1,
``video[1]``, as in the corpus's own transcripts and in MMSA. Texts are from the SDK's file of words
or ``labels.csv``. Splits are the standard folds, from the SDK's ``cmu_mosi_std_folds.py``, the
pickle or ``labels.csv``; videos in no fold are left out, and without any of these files videos are
drawn.

Sentiment goes from -3 to 3. As two classes it is its sign; what is exactly 0 counts as positive
(``zeros``), as in the corpus's first paper's negative / non-negative.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from emocli.data.manifest import Manifest
from emocli.datasets import _sdk

CITATION = (
    "Zadeh A, Zellers R, Pincus E, Morency LP (2016) Multimodal Sentiment Intensity Analysis in "
    "Videos: Facial Gestures and Verbal Messages. IEEE Intelligent Systems 31(6), 82-88. "
    "https://doi.org/10.1109/MIS.2016.94"
)
MOSI = _sdk.SdkCorpus("mosi", "CMU-MOSI", 1, CITATION, "videos of third parties: research only")


class Config(_sdk.SdkConfig):
    """Settings: the files, and what is predicted.

    Attributes
    ----------
    task : {'sentiment', 'sentiment_intensity'}
        The sign of the sentiment, two classes; or the sentiment itself.
    """

    task: Literal["sentiment", "sentiment_intensity"] = "sentiment"


def build(root: Path, config: Config) -> Manifest:
    """Make the manifest of the CMU-MOSI files below ``root``.

    Raises
    ------
    ManifestError
        If there are no labels.
    """
    return _sdk.build(root, config, MOSI, config.task, (_sdk.SENTIMENT,))
