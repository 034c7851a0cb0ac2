"""Warnings about values of features: those that are not finite, not there, and outliers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from emocli.data.store.joined import missing_parts
from emocli.display import number_of

if TYPE_CHECKING:
    from emocli.data.samples import Samples
    from emocli.data.standardise import Standardiser


def number_warnings(
    splits: Mapping[str, Samples], standardiser: Standardiser, outliers: float
) -> Iterator[str]:
    """Yield a line about values that are read as others than the store holds.

    Parameters
    ----------
    splits : mapping
        Split to its clips, their features as they are in the store.
    standardiser : Standardiser
        Fitted on the train split; clips outliers.
    outliers : float
        The limit at which it clips, in robust standard deviations.
    """
    stores = {store.name: store for samples in splits.values() for store in samples.stores.values()}
    for name, store in stores.items():
        if store.header.non_finite:
            yield number_of(
                store.header.non_finite, f"values of {name} are not finite and read as 0"
            )
    yield from step_warnings(splits)
    for split, samples in splits.items():
        for modality, count in standardiser.clipped(samples).items():
            if count:
                feature = samples.stores[modality].name
                limit = f"{outliers:g} robust standard deviations"
                yield number_of(
                    count, f"values of {feature} ({split}) are beyond {limit} and were clipped"
                )


def step_warnings(splits: Mapping[str, Samples]) -> Iterator[str]:
    """Yield a line about each feature of several joined ones that is not there in all steps."""
    for split, samples in splits.items():
        ids = [clip.id for clip in samples.clips]
        for store in samples.stores.values():
            yield from missing_parts(store, ids, split)
