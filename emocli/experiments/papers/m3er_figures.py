"""M3ER's figures: right and wrong clips, confusion, proxies, weights and the check, of one network.

Row 'M3ER' is the paper's network, trained on clean clips; 'M3ER, check and proxy' is the same under
the noise of section 5.4 with modalities checked and regenerated (sections 3.3 and 3.4). The only
values in brackets are those of Tables 1 and 2 for the first row, on clean clips. What is shown of
the network:

Figure 3, CMU-MOSEI, and Figure 4, IEMOCAP: "data points correctly classified by M3ER from all the
... class labels": the most confident right clip of each class, of any corpus.
Figure 5: "For each emotion class ... the percentage of inputs belonging to that class that were
correctly classified ... and the percentage of inputs that were misclassified".
Figure 6: "a 'happy' data point from CMU-MOSEI dataset that our model, M3ER misclassifies as
'angry'": the most confident such error; also, on any corpus, that of every two classes.
Figure 7: "the original feature vector (blue), the ineffectual version of the modality because of
added white Gaussian noise (red) and the regenerated feature vector (green)", and the "mean L2 norm
distance", here of clips that were learnt and of others.
Section 5.3: "Averaged over all the data points in the test set, when we corrupted the face
modality, the average weight for the face modality dropped by 12%".
Section 3.3, equation 1: detection rates of the check; the paper has no figure of it.

Source: Mittal et al. 2020, Figures 3 to 7, sections 3.3 and 5.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from emocli.data.manifest import Task
from emocli.experiments.papers._mittal import (
    CLASSES,
    METRICS,
    PER_CLASS,
    Known,
    as_in_paper,
    by_class,
    corpus_of_paper,
    note,
    overall,
)
from emocli.plugin.experiment import (
    CLEAN,
    Condition,
    CorruptionSpec,
    Names,
    RepairOptions,
    Row,
    RowAnalysis,
    SyntheticCorpus,
    Table,
    read,
)

NETWORK, REPAIRED = "M3ER", "M3ER, check and proxy"

NOISY = Condition("noisy", read(["m3er75"]))

MISTAKEN: Mapping[str, str] = MappingProxyType(
    {"mosei": "happy:anger", "iemocap": "happy:angry", "other": ""}
)
"""Corpus to the classes of Figure 6, shown and predicted, as the corpus calls them."""


class Config(Names):
    """Settings: the corpus, and what is shown of it.

    Attributes
    ----------
    corpus : {'mosei', 'iemocap', 'other'}
        By default that the clips are of: its values stand in brackets, and its names of the two
        classes of Figure 6.
    task : {'single', 'multi', 'intensity'}, optional
        Task of the clips, by default as their manifest says.
    visual : str
        The modality whose weight is looked at while it is corrupted (section 5.3), as the store
        calls it.
    snr : str
        Signal-to-noise ratio of that corruption, linear.
    mistaken : str
        Classes of Figure 6, ``shown:predicted``; empty for those of the corpus, if it is in the
        paper.
    examples : int
        How many clips of each class that were predicted right are shown.
    """

    corpus: Known = "other"
    task: Task | None = None
    visual: str = "visual"
    snr: str = "0.01"
    mistaken: str = ""
    examples: Literal[1, 2, 3, 4, 5] = 1


def table(config: Config) -> Table:
    """Return the table: one network, clean, with the face corrupted, and noisy with repairs."""
    face = read([f"{config.visual}:gaussian@{config.snr}"])
    repair = RepairOptions(check=True, proxy="paper")
    return Table(
        title="M3ER: examples, confusion, proxies and weights of a trained network",
        rows=(
            _network(config, Condition("face corrupted", face)),
            Row(REPAIRED, like=NETWORK, conditions=(Condition("noisy", NOISY.corrupt, repair),)),
        ),
        metrics=METRICS,
        comparisons=((REPAIRED, NETWORK),),
        by_class=PER_CLASS,
        synthetic=SyntheticCorpus(
            task="single" if config.corpus == "iemocap" else "multi",
            corpus="mosei",
            classes=CLASSES["iemocap"],
            aligned=True,
            expected=((REPAIRED, NETWORK),),
        ),
        analyses=tuple(_analyses(config, face)),
        notes=(
            note(corpus_of_paper(config.corpus, config.task)),
            "examples are the most confident, right or wrong; frames are shown of clips whose "
            "video can be read",
            "the noisy values of Table 2 are of networks trained on noisy clips (m3er-t2), "
            "and this one has learnt from clean ones",
            "confusion: the paper reports 'more than 73% of the samples per class' right on both "
            "corpora",
            "regenerated features: the paper's distance is 'around 0.01% of the L2 norm', an error "
            "of .0001; clips that were learnt come near it by heart (kind memory), others do not",
            "weights: the paper's face 'dropped by 12%', points or per cent of the weight it does "
            "not say; both are shown",
        ),
    )


def _network(config: Config, corrupted: Condition) -> Row:
    tested = (CLEAN, corrupted, NOISY)
    corpus = corpus_of_paper(config.corpus, config.task)
    row = as_in_paper(Row(NETWORK, fusion="m3er", conditions=tested), corpus)
    if corpus is None:
        return row
    return replace(
        row,
        printed={CLEAN.name: overall(NETWORK, corpus)},
        printed_by_class=by_class(NETWORK, corpus),
    )


def _analyses(config: Config, face: tuple[CorruptionSpec, ...]) -> Iterator[RowAnalysis]:
    mistaken = config.mistaken or MISTAKEN[config.corpus]
    yield RowAnalysis(
        "The most confident right and wrong clips (Figures 3, 4 and 6)",
        NETWORK,
        "examples",
        {"top": config.examples},
    )
    if mistaken:
        shown, _, predicted = mistaken.partition(":")
        yield RowAnalysis(
            f"{shown} taken for {predicted} (Figure 6)",
            NETWORK,
            "examples",
            {"top": 0, "errors": 1, "mistaken": mistaken},
        )
    yield RowAnalysis("Confusion (Figure 5)", NETWORK, "confusion")
    yield RowAnalysis("Regenerated features (Figure 7)", NETWORK, "proxies")
    yield RowAnalysis(
        "Weights, the face corrupted (section 5.3)", NETWORK, "weights", {"corrupt": face}
    )
    yield RowAnalysis("The modality check (section 3.3)", NETWORK, "check")
