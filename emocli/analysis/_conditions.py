"""What an analysis of a network says of itself: whose it is, of which clips, and its conditions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from emocli import __version__
from emocli.analysis import file_name
from emocli.plugin.robustness import CorruptionSpec, on

if TYPE_CHECKING:
    from emocli.data.clip import Split
    from emocli.evaluation.cross_validation import Evaluator

CLEAN = "clean"

Measured = TypeVar("Measured")


class Options(Protocol):
    """What analyses of the clips of a split have in common."""

    @property
    def run(self) -> Path:
        """The run, or the cross-validation."""

    @property
    def split(self) -> Split:
        """Which clips."""

    @property
    def seed(self) -> int:
        """Of the corruptions."""


def about(run: Path, evaluator: Evaluator) -> dict[str, Any]:
    """Say whose analysis it is, and of which corpus: what its data begin with."""
    config = evaluator.config
    return {
        "format": 1,
        "emocli": __version__,
        "run": run.resolve().name,
        "fusion": config.fusion,
        "seeds": list(config.seeds),
        "dataset": evaluator.samples.manifest.dataset,
        "trained_on": config.dataset,
    }


def about_split(options: Options, evaluator: Evaluator) -> dict[str, Any]:
    """Say whose analysis it is, and on which clips."""
    return {
        **about(options.run, evaluator),
        "split": options.split,
        "n": len(evaluator.samples),
        "repair": evaluator.repair.label,
        "corruption_seed": options.seed,
    }


def name_of(analysis: str, options: Options, evaluator: Evaluator, *labels: str | None) -> str:
    """Name an analysis after its split, corpus, corruptions and repair."""
    parts = (analysis, options.split, evaluator.other, *labels)
    return file_name(*parts, seed=options.seed)


def conditions(
    corruptions: Sequence[CorruptionSpec], modalities: Sequence[str], default: str | None = None
) -> dict[str, tuple[CorruptionSpec, ...]]:
    """Return each condition's label and corruptions, the clean one first.

    Parameters
    ----------
    corruptions : sequence of CorruptionSpec
        What is done to the clips, all at once.
    modalities : sequence of str
        Which ones the network knows.
    default : str, optional
        Level of the noise that is added to every modality in turn where there is no corruption.

    Raises
    ------
    ConfigError
        If there is no such corruption or modality.
    """
    each = [[CorruptionSpec(modality, strength=default)] for modality in modalities]
    usable = [on(own, modalities) for own in ([corruptions] if corruptions else each)]
    return {CLEAN: (), **{" + ".join(c.label for c in own): own for own in usable}}


def through(
    corruptions: Mapping[str, tuple[CorruptionSpec, ...]],
    measure: Callable[[tuple[CorruptionSpec, ...]], Measured],
    progress: Callable[[int, int], None],
) -> dict[str, Measured]:
    """Measure under each condition in turn; ``progress`` is told conditions done, and all."""
    results: dict[str, Measured] = {}
    for label, own in corruptions.items():
        progress(len(results), len(corruptions))
        results[label] = measure(own)
    progress(len(results), len(corruptions))
    return results
