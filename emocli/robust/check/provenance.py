"""The provenance of a modality check: the features, clips and standardisation of its fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emocli.data.standardise import OUTLIERS, Standardiser
from emocli.errors import StoreError
from emocli.robust.check.file import AGAIN

if TYPE_CHECKING:
    from emocli.data.clip import Clip
    from emocli.data.manifest import Manifest
    from emocli.data.store import StoredFeature
    from emocli.plugin.robustness import CorruptionSpec


@dataclass(frozen=True)
class FitProvenance:
    """The provenance of a check: what it was fitted on.

    Attributes
    ----------
    features, fingerprints : mapping
        Modality to its feature's name, and to the fingerprint of that feature's store.
    manifest : str
        Fingerprint of the manifest.
    ids : tuple of str
        The training clips.
    standardiser : Standardiser
        What the features were standardised with.
    outliers : float
        The limit it clips at, in robust standard deviations.
    corrupt : tuple of CorruptionSpec
        What had been done to the clips; nothing but by a command.
    corruption_seed : int
        Of that.
    """

    features: Mapping[str, str]
    fingerprints: Mapping[str, str]
    manifest: str
    ids: tuple[str, ...]
    standardiser: Standardiser
    outliers: float = OUTLIERS
    corrupt: tuple[CorruptionSpec, ...] = ()
    corruption_seed: int = 0

    def require(
        self,
        stores: Mapping[str, StoredFeature],
        standardiser: Standardiser | None = None,
        outliers: float = OUTLIERS,
    ) -> None:
        """Make sure that the check fits these features, and the way they are standardised.

        It may know modalities that are not among them. ``outliers`` is the limit of the
        ``standardiser``.

        Raises
        ------
        StoreError
            If it does not.
        """
        for modality, store in stores.items():
            if self.fingerprints.get(modality) != store.fingerprint:
                feature = self.features.get(modality)
                was = f"on {_which(feature, store.name)}" if feature else "without it"
                what = f"the modality check was fitted {was}"
                raise StoreError(what, where=store.path, hint=AGAIN)
        if standardiser is not None and not self._standardised_by(standardiser, set(stores)):
            if outliers != self.outliers:
                what = f"the modality check clips numbers beyond {self.outliers:g} robust standard"
                hint = f"{AGAIN} with --set check.clip_outliers={outliers:g}"
                raise StoreError(f"{what} deviations, the network beyond {outliers:g}", hint=hint)
            what = "the modality check was fitted on another train split than the network"
            raise StoreError(what, hint="run emocli fit-cca again with the network's manifest")

    def fits(self, fingerprints: Mapping[str, str], standardiser: Standardiser | None) -> bool:
        """Tell whether it is of these features, by modality, and of this standardiser if any."""
        same = all(self.fingerprints.get(m) == each for m, each in fingerprints.items())
        own = standardiser is None or self._standardised_by(standardiser, set(fingerprints))
        return same and own

    def require_disjoint(self, manifest: Manifest) -> None:
        """Refuse a manifest that validates or tests on clips that the check was fitted on.

        Raises
        ------
        StoreError
            If one is, or is not in the manifest at all.
        """
        splits = {clip.id: clip.split for clip in manifest.clips}
        for place in ("test", "valid", None):
            shared = [clip for clip in self.ids if splits.get(clip) == place]
            if shared:
                used = "are not in this manifest" if place is None else f"are {place} clips here"
                raise StoreError(
                    f"{len(shared)} of the {len(self.ids)} clips the modality check was fitted on, "
                    f"'{shared[0]}' for one, {used}",
                    hint="run emocli fit-cca again with the network's manifest",
                )

    def unseen(self, train: Sequence[Clip]) -> int:
        """Count the training clips the check was not fitted on."""
        return len({clip.id for clip in train} - set(self.ids))

    def _standardised_by(self, other: Standardiser, modalities: set[str]) -> bool:
        own = self.standardiser
        return all(
            np.allclose(own.mean[m], other.mean[m], rtol=1e-3, atol=1e-5)
            and np.allclose(own.std[m], other.std[m], rtol=1e-3, atol=1e-5)
            for m in modalities
        )


def _which(feature: str, now: str) -> str:
    return "an earlier version of it" if feature == now else f"feature '{feature}' instead"
