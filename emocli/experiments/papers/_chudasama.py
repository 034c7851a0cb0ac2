"""Modalities, corpora and printed metrics that the tables of M2FNet's paper share.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet", sec. 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal

from pydantic import model_validator

from emocli.config import Tree
from emocli.plugin.experiment import CLEAN, Names, Row, SyntheticCorpus, Table
from emocli.quantities import Depth

NETWORK = "m2fnet"

METRICS = ("weighted_f1", "accuracy")

CorpusName = Literal["meld", "iemocap"]

OTHER: Final = "other"
"""Any corpus that the paper has no values of."""

Printed = Mapping[CorpusName, tuple[float, float]]
"""Corpus to accuracy and weighted F1, in percent, as the paper prints them."""

EXTRACTED = ("roberta", "mel_embedding", "visual_embedding")
"""What the paper's extractors make of text, sound and pictures (sec. 3.1)."""

SYNTHETIC = SyntheticCorpus(corpus="meld")

LAYERS: Mapping[CorpusName, int] = MappingProxyType({"meld": 1, "iemocap": 5})
"""Encoders of each modality, N, of the systems that the paper prints values of (sec. 4.2)."""


class Modalities(Names):
    """Settings: the modalities of an utterance, and the corpus whose printed values are shown.

    Attributes
    ----------
    corpus : {'meld', 'iemocap', 'other'}
        Corpus whose values of the paper are printed for comparison, by default the one the clips
        are of; of another one the paper has none.
    text : str
        The text's modality, as the store calls it; fusion attention mixes it (eq. 6).
    audio : str
        The voice's modality, as the store calls it.
    visual : str
        The face's or the picture's modality, as the store calls it.
    layers : int, or a mapping of modalities to int, optional
        Encoders of each modality, where the table does not vary them; by default those of the
        network whose values are printed: 1 for MELD, 5 for IEMOCAP; else 1.
    """

    corpus: Literal["meld", "iemocap", "other"] = OTHER
    text: str = "text"
    audio: str = "audio"
    visual: str = "visual"
    layers: Depth | dict[str, Depth] | None = None

    @model_validator(mode="after")
    def _layers_are_of_modalities(self) -> Modalities:
        for name in self.layers if isinstance(self.layers, dict) else ():
            if name not in self.all:
                raise ValueError(f"there is no modality '{name}'; there are: {', '.join(self.all)}")
        return self

    @property
    def all(self) -> tuple[str, str, str]:
        """The three of them."""
        return self.text, self.audio, self.visual

    def query(self, modalities: Sequence[str]) -> str:
        """Return the one of some modalities that is mixed: the text if it is there."""
        return next(name for name in self.all if name in modalities)

    @property
    def note(self) -> str:
        """What the printed values are of."""
        if self.corpus == OTHER:
            return "printed: nothing, the paper's values are of MELD and of IEMOCAP"
        return (
            f"printed: {self.corpus.upper()}'s test split, N = {LAYERS[self.corpus]} encoders of "
            "each modality unless the row says another number, the paper's own extractors"
        )


def row(
    name: str,
    config: Modalities,
    claims: Printed,
    modalities: Sequence[str] = (),
    features: Mapping[str, str] | None = None,
    network: Tree | None = None,
) -> Row:
    """Return a row with a network and what the paper prints for it.

    Parameters
    ----------
    name : str
        As the table shows it.
    config : Modalities
        What the network is given, and whose values are shown.
    claims : mapping
        What the paper prints.
    modalities : sequence of str
        Some of the modalities; all if none is named.
    features : mapping, optional
        As of `Row`.
    network : mapping, optional
        Settings in which it differs from the rows of the other tables.
    """
    used = tuple(modalities) or config.all
    # The network's own default is a modality called 'text'; the store may call it otherwise.
    own: Tree = {"query": config.query(used), **_layers(config, used), **(network or {})}
    return Row(
        name,
        fusion=NETWORK,
        modalities=used,
        features=features or {},
        settings={"network": own},
        printed=printed(claims, config.corpus),
    )


def _layers(config: Modalities, modalities: Sequence[str]) -> Tree:
    """Set the number of encoders where it is not the network's own, which general settings may."""
    if isinstance(config.layers, dict):
        own = {name: depth for name, depth in config.layers.items() if name in modalities}
        return {"layers": own} if own else {}
    usual = LAYERS["meld"] if config.corpus == OTHER else LAYERS[config.corpus]
    layers = config.layers or usual
    return {"layers": layers} if config.layers or layers != LAYERS["meld"] else {}


def printed(
    claims: Printed, corpus: Literal["meld", "iemocap", "other"]
) -> dict[str, dict[str, float]]:
    """Tell a row what the paper prints for it."""
    if corpus == OTHER:
        return {}
    accuracy, weighted_f1 = claims[corpus]
    return {CLEAN.name: {"accuracy": share(accuracy), "weighted_f1": share(weighted_f1)}}


def share(percent: float) -> float:
    """Return what is printed in percent, with two digits, as a share."""
    return round(percent / 100, 4)


def depths(
    title: str, symbol: str, setting: str, tables: Mapping[int, Printed], config: Modalities
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
    tables : mapping
        Number to what the paper prints.
    config : Modalities
        What the networks are given.
    """
    rows = tuple(
        row(f"{symbol} = {number}", config, claims, network={setting: number})
        for number, claims in tables.items()
    )
    return Table(
        title=title,
        rows=rows,
        metrics=METRICS,
        alternatives=tuple(each.name for each in rows),
        task="single",
        synthetic=SYNTHETIC,
        features=EXTRACTED,
        notes=(
            "the paper shows test values; choose by those of the validation clips",
            config.note,
        ),
    )
