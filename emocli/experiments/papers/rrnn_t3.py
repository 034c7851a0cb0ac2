"""RRNN on CMU-MOSEI: intensities of six emotions from text, audio and vision, clean and noisy.

Table 3: 'T', 'A' and 'V' are its lines of one view, 'early' and 'late' those of T+A+V, 'GCA' and
'GCA + gating' the last four, with Corruption "Nil" as condition clean and "Vision" as noise. The
naive rows 'mean', 'median' and 'test-label mean' are of section 4, "Test conditions and baselines",
which prints no values of them.

Source: Beard et al. 2018, Table 3 and section 5.
"""

from __future__ import annotations

from typing import Literal

from emocli.experiments.papers._beard import FUSIONS, NAIVE, ComparedViews, constants, sizes
from emocli.plugin.experiment import CLEAN, Condition, Row, SyntheticCorpus, Table, read

METRICS = ("mse_sum", "mae_sum", "uar")
"""Errors summed over the emotions, and the weighted accuracy: the mean of the true positive and the
true negative rate, present being an intensity above 0.1."""

PRINTED = {
    "T": ((0.6326, 0.9830, 0.5485),),
    "A": ((0.6049, 1.0562, 0.5249),),
    "V": ((0.5026, 0.9909, 0.5476),),
    "early": ((0.5319, 0.7694, 0.5188),),
    "late": ((0.5047, 0.9825, 0.5889),),
    "GCA": ((0.4696, 0.9412, 0.6163), (0.5034, 0.9920, 0.6068)),
    "GCA + gating": ((0.4691, 0.8705, 0.5765), (0.4742, 0.8857, 0.5688)),
}
"""Row to its values, clean and with noise."""


class Config(ComparedViews):
    """Settings: the modalities that are compared, the corpus and the noise.

    Attributes
    ----------
    text : str
        The text's modality, as the store calls it.
    corpus : {'mosei', 'other'}
        Whose the clips are, by default as their manifest says. For CMU-MOSEI the paper's networks
        have 512 units (section 4), four times as many as for its other corpora; its values are of
        that corpus.
    noise : str
        Signal-to-noise ratio of the noise on the visual features of the test clips, which the
        paper does not state.
    """

    text: str = "text"
    corpus: Literal["mosei", "other"] = "other"
    noise: str = "0dB"


def table(config: Config) -> Table:
    """Return the table: the paper's nine lines are seven systems, two of them also with noise."""
    claim = {name: _printed(name) if config.corpus == "mosei" else {} for name in PRINTED}
    views = {"T": config.text, "A": config.audio, "V": config.visual}
    every = tuple(views.values())
    noise = Condition("noise", read([f"{config.visual}:gaussian@{config.noise}"]))
    single = [
        Row(name, fusion="unimodal", modalities=(view,), printed=claim[name])
        for name, view in views.items()
    ]
    fused = [
        Row(
            name,
            fusion=fusion,
            modalities=every,
            conditions=(CLEAN, noise),
            printed=claim[name],
        )
        for name, fusion in FUSIONS.items()
    ]
    others = ("mean", "median", "T", "A", "V", "early", "late", "GCA")
    return Table(
        title="RRNN on CMU-MOSEI: intensities of six emotions",
        rows=(
            *constants(every, mean="prior", median="median"),
            *single,
            *fused,
            *constants(every, mean="test_prior"),
        ),
        metrics=METRICS,
        comparisons=tuple(("GCA + gating", other) for other in others),
        task="intensity",
        synthetic=SyntheticCorpus(
            corpus="mosei",
            quick={"network": {"hidden": 128}},
            expected=(("GCA + gating", "GCA"), ("GCA + gating", "A")),
        ),
        sizes=sizes(config.corpus),
        notes=(
            f"noise: white, {config.noise}, on the visual features of the test clips only; how "
            "strong the paper's noise is, it does not say",
            NAIVE,
            "mean, median: of the training labels, what one parameter per emotion learns under "
            "squared and under absolute error",
        ),
    )


def _printed(name: str) -> dict[str, dict[str, float]]:
    pairs = zip((CLEAN.name, "noise"), PRINTED[name], strict=False)
    return {condition: dict(zip(METRICS, values, strict=True)) for condition, values in pairs}
