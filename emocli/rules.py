"""Settings that follow from the size of a corpus: the rules of the preset ``plus``.

A class of settings declares them beside the settings, in ``RULES``. They are pure functions of what
is to be learnt from, hold where neither the network's preset, nor a file, nor an option sets the
value, and what they give is written into the run. All the functions they use are here. A subclass
inherits the rules of all settings but those that it defines anew; its own ``RULES`` replace them.

>>> size = CorpusSize(clips=720, items=720, classes=8)
>>> units(size), batch(size), epochs(size)
(64, 32, 30)
>>> small = CorpusSize(clips=72, items=72, classes=2)
>>> units(small), batch(small), epochs(small)
(16, 8, 30)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

RULED = "plus"
"""The preset under which they hold."""

WORDS = 2000
"""Training clips from which on an LSTM over words is better than their mean (docs/results.md)."""

WORD_BY_WORD = {"text": "words"}
"""How `m2fnet` pools the steps of that many clips; of other modalities it takes the mean."""


@dataclass(frozen=True)
class CorpusSize:
    """The size of what is learnt from.

    Attributes
    ----------
    clips : int
        Labelled clips of the train split; in a cross-validation as many as a fold has on average,
        so that all folds have the same settings.
    items : int
        What batches hold: those clips, or for a network of dialogues their dialogues.
    classes : int
        Classes, or intensities.
    """

    clips: int
    items: int
    classes: int


@dataclass(frozen=True)
class Rule:
    """The value of a setting by the size of a corpus, and how it is computed, for a reader."""

    text: str
    value: Callable[[CorpusSize], int | float | str | Mapping[str, str]]


Rules = Mapping[str, Rule]
"""Setting to its rule."""


def nearest_power(number: float, least: int, most: int) -> int:
    """Return the power of two that is nearest on a logarithmic scale, within powers of two."""
    return int(min(max(2 ** round(math.log2(max(number, 1))), least), most))


def units(size: CorpusSize) -> int:
    """Hidden units: a tenth of the clips, 16 to 128."""
    return nearest_power(size.clips / 10, 16, 128)


def batch(size: CorpusSize) -> int:
    """Items of a batch: a twentieth of them, 8 to 64."""
    return nearest_power(size.items / 20, 8, 64)


def epochs(size: CorpusSize) -> int:
    """Epochs: 30, and fewer, 10 at least, where that would be more than 3,000 batches."""
    return min(max(round(3000 * batch(size) / max(size.items, 1)), 10), 30)


def utterance(size: CorpusSize) -> str | Mapping[str, str]:
    """How an utterance becomes a vector: of enough clips the words of a text, in their order."""
    return WORD_BY_WORD if size.clips >= WORDS else "mean"


UNITS = Rule("a tenth of the training clips, as a power of two from 16 to 128", units)
BATCH = Rule("a twentieth of the clips or dialogues, as a power of two from 8 to 64", batch)
EPOCHS = Rule("30; as many as make 3,000 batches, but at least 10, where these are fewer", epochs)
UTTERANCE = Rule(
    f"mean; of {WORDS:,} training clips or more, text = words and mean of other modalities",
    utterance,
)
