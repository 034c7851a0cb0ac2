"""RRNN on RAVDESS: single views and their fusions, clean and with noise on the face.

Table 2: its three lines are 'audio' and 'vision' (Attention "Nil") and 'GCA'. Early and late fusion
(section 4, "standard 'early' and 'late' fusion strategies") and gates (section 3.3) have printed
values in Table 3 alone; so has noise, "added to the visual modality" (section 4). The naive rows
are of section 4, which prints no values of them; the SVM is ours.

Source: Beard et al. 2018, Table 2 and section 5.
"""

from __future__ import annotations

from typing import Literal

from emocli.experiments.papers._beard import (
    FUSIONS,
    GATED,
    NAIVE,
    ComparedViews,
    constants,
    printed,
)
from emocli.plugin.experiment import CLEAN, Condition, Row, SyntheticCorpus, Table, read


class Config(ComparedViews):
    """Settings: the modalities that are compared, the corpus and the noise.

    Attributes
    ----------
    corpus : {'ravdess', 'other'}
        Whose the clips are, by default as their manifest says: the paper's values are of RAVDESS.
    noise : tuple of str
        Signal-to-noise ratios of the noise on the visual features of the test clips.
    """

    corpus: Literal["ravdess", "other"] = "other"
    noise: tuple[str, ...] = ("0dB", "-10dB", "-20dB")


PRINTED = {"audio": 0.4125, "vision": 0.5208, "GCA": 0.5833}
"""Row to its accuracy."""


def table(config: Config) -> Table:
    """Return the table: the paper's three systems, and what they are to be compared with."""
    both = (config.audio, config.visual)
    noisy = tuple(
        Condition(f"noise {level}", read([f"{config.visual}:gaussian@{level}"]))
        for level in config.noise
    )
    tested = (CLEAN, *noisy)
    known = config.corpus == "ravdess"
    claim = {name: printed(accuracy if known else None) for name, accuracy in PRINTED.items()}
    rows = (
        *constants(both, prior="prior"),
        Row("audio", fusion="unimodal", modalities=both[:1], printed=claim["audio"]),
        Row(
            "vision",
            fusion="unimodal",
            modalities=both[1:],
            conditions=tested,
            printed=claim["vision"],
        ),
        Row("SVM on functionals", baseline="svm", modalities=both, conditions=tested),
        *(
            Row(
                name,
                fusion=fusion,
                modalities=both,
                conditions=tested,
                printed=claim.get(name, {}),
            )
            for name, fusion in FUSIONS.items()
        ),
        *constants(both, prior="test_prior"),
    )
    others = ("audio", "vision", "SVM on functionals", "early", "late", "GCA")
    return Table(
        title="RRNN on acted speech: single views, their fusions, and noise on the face",
        rows=rows,
        comparisons=tuple(("GCA + gating", other) for other in others),
        task="single",
        synthetic=SyntheticCorpus(
            corpus="ravdess",
            expected=tuple(("GCA + gating", other) for other in ("audio", "vision", "GCA")),
        ),
        notes=(
            "printed: of RAVDESS alone, one test set of 240 clips, features COVAREP and OpenFace, "
            "noise not tested; here every clip is tested once, with the store's features",
            NAIVE,
            GATED.format("Table 2's .583"),
            "noise: white, on the standardised visual features of the test clips only",
        ),
    )
