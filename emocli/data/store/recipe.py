"""The recipe of a feature: all that determines its values, as a store records it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from emocli.config import leaves
from emocli.parsing import Tree
from emocli.version import versions

LIBRARIES = ("numpy", "scipy", "h5py")
"""Distributions every feature runs on."""


@dataclass(frozen=True)
class Recipe:
    """The recipe of a feature: all that determines its values.

    Attributes
    ----------
    manifest : str
        Fingerprint of the manifest.
    settings : mapping
        Plain values: open-ended, each feature has its own.
    upstream : mapping
        Feature it is computed from to that feature's ``recipe``, ``method`` and content ``digest``.
    per_clip : bool
        Whether the arrays of a clip depend on that clip alone, not on others of the manifest.
    libraries : tuple of str
        Distributions the feature runs on beside `LIBRARIES`, its own package among them; their
        versions are recorded, and do not make another recipe.
    """

    feature: str
    modality: str
    manifest: str
    settings: Tree = field(default_factory=dict)
    upstream: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    per_clip: bool = False
    libraries: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Equal for equal recipes.

        What an upstream feature holds does not count, so that clips can be added to it.
        """
        return self._digest(self.manifest, "recipe")

    @property
    def method(self) -> str:
        """Equal for recipes that make the same of a clip, even if the manifests differ."""
        return self._digest("" if self.per_clip else self.manifest, "method")

    def _digest(self, manifest: str, kind: str) -> str:
        upstream = {name: link[kind] for name, link in self.upstream.items()}
        whole = [self.feature, self.modality, manifest, self.settings, upstream]
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()

    def attributes(self, rate: float | None, versions: Mapping[str, str]) -> dict[str, str | float]:
        """Return it as attributes of a store file, with rows per second and library versions."""
        texts = {"settings": self.settings, "upstream": self.upstream, "versions": versions}
        return {
            "feature": self.feature,
            "modality": self.modality,
            "manifest": self.manifest,
            "recipe": self.fingerprint,
            "method": self.method,
            **{key: json.dumps(value, sort_keys=True) for key, value in texts.items()},
            **({} if rate is None else {"rate": rate}),
        }

    def difference(self, manifest: str, settings: Tree, modality: str = "") -> str:
        """Say how something made earlier differs; its modality is empty where it is not known."""
        if settings == self.settings:
            if modality not in ("", self.modality):
                return f"another modality ({modality}, not {self.modality})"
            return "other upstream features" if manifest == self.manifest else "another manifest"
        old, new = dict(leaves(settings)), dict(leaves(self.settings))
        keys = (key for key in sorted({*old, *new}) if old.get(key) != new.get(key))
        changed = (_change(key, old.get(key), new.get(key)) for key in keys)
        return f"other settings ({'; '.join(changed)})"

    def versions(self) -> dict[str, str]:
        """Return the versions of emocli, Python and the libraries the feature runs on."""
        return versions((*LIBRARIES, *self.libraries))


def is_former_digest(key: str, old: object, new: object) -> bool:
    """Whether a setting is a digest that a former version noted: it begins that of this one."""
    return key.rpartition(".")[2] == "digest" and bool(new) and str(new).startswith(str(old))


def _change(key: str, old: object, new: object) -> str:
    """Say how a setting differs."""
    if is_former_digest(key, old, new):
        return f"{key} was {'of fewer files than now' if old else 'not noted yet'}, is {new!r}"
    return f"{key} was {old!r}, is {new!r}"
