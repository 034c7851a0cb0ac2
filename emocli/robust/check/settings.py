"""Settings of the modality check, and its presets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from emocli.config import Plain, Settings, Tree, build, merge
from emocli.data.normalisation import LEAST_CLIPS, SHRINKAGE, LeastClips, Normalisation, Shrinkage
from emocli.data.standardise import OUTLIERS
from emocli.errors import ConfigError
from emocli.quantities import Between, Depth, Factor, Size, Steps


class CheckConfig(Settings):
    """Settings of the modality check (Mittal 2020, section 3.3).

    Attributes
    ----------
    representation : {'flatten', 'mean', 'utterance', 'step'}
        The vector that stands for a sequence; or that each step stands for itself, and a clip's
        scores are the means over its steps.
    steps : int
        Steps a sequence is brought to, where it is flattened or its steps are compared.
    alignment : {'auto', 'pad', 'resample'}
        How a sequence is brought to ``steps``: cut or filled up with zeros at its end (pad), or
        stretched (resample); auto: pad where all modalities of a clip step together, else resample.
    components : int
        Dimensions both modalities of a pair are reduced to.
    cca_reg : float
        Regularisation of the canonical correlation analysis.
    score : {'pearson', 'cosine', 'weighted', 'llr'}
        How the agreement of two modalities is measured.
    rule : {'all', 'any'}
        Whether a modality is not trusted when its scores with all others are below tau, or when
        any is.
    min_partners : int
        Under ``all``: the others it must agree with to be effective.
    tau : {'quantile', 'fixed', 'youden'}
        Threshold of each pair: a quantile of its scores on held-out clips; one stated number; or
        the one that best separates held-out clips from their noisy copies (SNR 0.01).
    quantile : float
        Share of the held-out clips whose scores are below tau, for ``tau = quantile``.
    threshold : float
        The number that tau is, for ``tau = fixed``.
    outliers : {'none', 'quantile', 'youden'}
        Whether a modality is not trusted, too, whose anomaly score is above a threshold: the share
        ``quantile`` of the scores of held-out clips; or what best separates them from their noisy
        copies.
    clip_outliers : float
        Robust standard deviations beyond which a feature's numbers are clipped before; 0 clips
        none. As ``train.outliers`` of the network it is to serve.
    normalise : {'none', 'speaker'}
        Whether features are normalised by speaker before, as ``train.normalise`` of the network it
        is to serve; such a check has a file of its own.
    shrinkage : float
        How much of a speaker's statistics is the population's, as ``train.shrinkage``.
    least_clips : int
        Clips below which a speaker's statistics are the population's, as ``train.least_clips``.
    all_flagged : {'keep_best', 'keep_all', 'zero_all'}
        What is effective when no modality is: the one of the lowest anomaly score, all, or none.
    fit_on : {'clean', 'as_given'}
        Whether it is fitted on clips as they are in the store, which are held to be clean, or on
        clips as given: corrupted as those the network is trained with, or in the store already.
    contamination : {'ignore', 'screen'}
        What is done about corrupted clips among those as given, whose share nobody knows: nothing;
        or they are screened out first (`emocli.robust.check.contamination`), and once more by the
        check that is fitted on the others. Nothing is done to a fit on clean clips.
    """

    representation: Literal["flatten", "mean", "utterance", "step"] = "flatten"
    steps: Steps = 20
    alignment: Literal["auto", "pad", "resample"] = "auto"
    components: Size = 100
    cca_reg: Factor = 0.1
    score: Literal["pearson", "cosine", "weighted", "llr"] = "pearson"
    rule: Literal["all", "any"] = "all"
    min_partners: Depth = 1
    tau: Literal["quantile", "fixed", "youden"] = "quantile"
    quantile: Between = 0.05
    threshold: Annotated[float, Field(ge=-1e4, le=1e4)] = 0.2
    outliers: Literal["none", "quantile", "youden"] = "none"
    clip_outliers: Factor = OUTLIERS
    normalise: Normalisation = "none"
    shrinkage: Shrinkage = SHRINKAGE
    least_clips: LeastClips = LEAST_CLIPS
    all_flagged: Literal["keep_best", "keep_all", "zero_all"] = "keep_best"
    fit_on: Literal["clean", "as_given"] = "clean"
    contamination: Literal["ignore", "screen"] = "ignore"

    @property
    def screens(self) -> bool:
        """Whether clips are screened before it is fitted on them."""
        return self.fit_on == "as_given" and self.contamination == "screen"

    @model_validator(mode="after")
    def _threshold_fits(self) -> CheckConfig:
        if self.score != "llr" and abs(self.threshold) > 1:
            raise ValueError(f"threshold = {self.threshold:g}: score = {self.score} is -1 to 1")
        return self


PRESETS: Mapping[str, Tree] = {
    "literal": {"rule": "any", "tau": "fixed", "all_flagged": "zero_all", "fit_on": "as_given"},
    "paper": {},
    "plus": {"score": "llr", "tau": "youden", "outliers": "youden", "contamination": "screen"},
}
"""The printed text; the reading that is consistent with it and works; improved."""


class _Tree(Settings):
    check: CheckConfig


def configure(preset: str, settings: Mapping[str, Plain]) -> CheckConfig:
    """Make the settings from a preset and ``{"check": {...}}``, what deviates from it.

    Raises
    ------
    ConfigError
        For an unknown preset or key, or an impossible value.
    """
    if preset not in PRESETS:
        raise ConfigError(f"there is no preset '{preset}'", hint=f"there are: {', '.join(PRESETS)}")
    return build(_Tree, merge({"check": PRESETS[preset]}, settings), "").check
