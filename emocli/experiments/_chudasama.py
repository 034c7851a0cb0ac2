"""What the tables of M2FNet's paper share: the modalities, the corpora, and how figures are told.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet", sec. 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from emocli.config import Settings
from emocli.experiments._table import CLEAN, Row, Table

NETWORK = "m2fnet"

FIGURES = ("weighted_f1", "accuracy")

Corpus = Literal["meld", "iemocap"]

Printed = Mapping[Corpus, tuple[float, float]]
"""Corpus to accuracy and weighted F1, in percent, as the paper prints them."""


class Modalities(Settings):
    """What an utterance is seen through, and whose figures are shown beside.

    Attributes
    ----------
    corpus : {'meld', 'iemocap'}
        Of the corpora in the paper, the one whose figures are printed beside one's own.
    text, audio, visual : str
        The three modalities, as the store calls them.
    """

    corpus: Corpus = "meld"
    text: str = "text"
    audio: str = "audio"
    visual: str = "visual"

    @property
    def all(self) -> tuple[str, str, str]:
        """The three of them."""
        return self.text, self.audio, self.visual


def printed(figures: Printed, corpus: Corpus) -> dict[str, dict[str, float]]:
    """Tell a row what the paper prints for it."""
    accuracy, weighted_f1 = figures[corpus]
    return {CLEAN.name: {"accuracy": accuracy / 100, "weighted_f1": weighted_f1 / 100}}


def depths(
    title: str, symbol: str, setting: str, figures: Mapping[int, Printed], config: Modalities
) -> Table:
    """Return a table of networks that differ in the number of some layers.

    Parameters
    ----------
    title : str
        Which layers.
    symbol : str
        What the paper calls their number.
    setting : str
        What the network calls it.
    figures : mapping
        Number to what the paper prints.
    config : Modalities
        What the networks are given.
    """
    rows = tuple(
        Row(
            f"{symbol} = {number}",
            fusion=NETWORK,
            modalities=config.all,
            settings={"network": {setting: number}},
            printed=printed(found, config.corpus),
        )
        for number, found in figures.items()
    )
    return Table(
        title=title,
        rows=rows,
        figures=FIGURES,
        alternatives=tuple(row.name for row in rows),
        task="single",
        notes=("the paper shows test figures; choose by those of the validation clips",),
    )
