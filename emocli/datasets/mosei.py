"""CMU-MOSEI: 3,228 videos in some 23,000 segments, with six emotions and sentiment.

Source: Zadeh et al. 2018, ACL, 2236-2246.

Files are found by name below the folder: labels in a ``.csd`` of the CMU Multimodal SDK
(``CMU_MOSEI_Labels.csd``: sentiment, then happy, sad, anger, surprise, disgust, fear), else an MMSA
pickle, else ``labels.csv`` with these columns. The clips of a video count from 0, ``video[0]``, as
in the SDK. Texts are from the SDK's file of words. Splits are the standard folds, from the SDK's
``cmu_mosei_std_folds.py`` (in the folder, or of an installed SDK) or the pickle; segments of videos
in no fold are left out. Without these files videos are drawn as Mittal et al. 2020 (section 4)
split the corpus: 70 % for training, 10 % for validation, 20 % for the test.

Intensities go from 0 to 3; a few higher ones are lowered to 3, and counted. An emotion is present
if its intensity is above 0, and a clip may show several emotions, or none.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from emocli.data.clip import Clip, Split
from emocli.data.folds import shuffle_key
from emocli.data.manifest import Manifest
from emocli.datasets import _sdk
from emocli.quantities import Seed

CITATION = (
    "Zadeh A, Liang PP, Poria S, Cambria E, Morency LP (2018) Multimodal Language Analysis in the "
    "Wild: CMU-MOSEI Dataset and Interpretable Dynamic Fusion Graph. ACL 2018, 2236-2246. "
    "https://doi.org/10.18653/v1/P18-1208"
)
VALID, TEST = 0.1, 0.2
"""Shares of the videos; the others train."""

MOSEI = _sdk.SdkCorpus("mosei", "CMU-MOSEI", 0, CITATION, "videos of third parties: research only")


class Config(_sdk.SdkConfig):
    """Settings: the files, and what is predicted.

    Attributes
    ----------
    task : {'intensity', 'multi', 'sentiment', 'sentiment_intensity'}
        The intensities of the six emotions; which of them are present; the sign of the sentiment,
        two classes; or the sentiment itself, -3 to 3.
    seed : int
        Seed of the split where no file of folds is there.
    """

    task: Literal["intensity", "multi", "sentiment", "sentiment_intensity"] = "intensity"
    seed: Seed = 0


def build(root: Path, config: Config) -> Manifest:
    """Make the manifest of the CMU-MOSEI files below ``root``.

    Raises
    ------
    ManifestError
        If there are no labels of that kind.
    """
    names = (_sdk.SENTIMENT,) if config.task.startswith(_sdk.SENTIMENT) else _sdk.EMOTIONS
    drawn = f"70/10/20 as Mittal et al. 2020, seed {config.seed}"
    draw = partial(_seventy_ten_twenty, seed=config.seed)
    return _sdk.build(root, config, MOSEI, config.task, names, draw, drawn)


def _seventy_ten_twenty(clips: tuple[Clip, ...], seed: int) -> tuple[Clip, ...]:
    """Draw a tenth of the videos for validation and a fifth for the test, at least one each."""
    videos = sorted(
        {clip.dialogue for clip in clips}, key=lambda video: shuffle_key(f"{seed} {video}")
    )
    test, valid = (max(1, round(share * len(videos))) for share in (TEST, VALID))
    splits: dict[str, Split] = dict.fromkeys(videos[:test], "test")
    splits |= dict.fromkeys(videos[test : test + valid], "valid")
    return tuple(replace(clip, split=splits.get(clip.dialogue, "train")) for clip in clips)
