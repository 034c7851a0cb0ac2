"""Settings of the proxies, and their presets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from emocli.config import Settings, Tree, build, merge
from emocli.errors import ConfigError, choice
from emocli.quantities import Factor, Neighbours, Size, Steps

ProxyMode = Literal["knn_ls", "ridge", "paired_qr", "svd_unpaired", "affine", "nn1", "mean"]

MODES: tuple[ProxyMode, ...] = get_args(ProxyMode)


class ProxyConfig(Settings):
    """Settings of the proxies (Mittal 2020, section 3.4).

    Attributes
    ----------
    mode : {'knn_ls', 'ridge', 'paired_qr', 'svd_unpaired', 'affine', 'nn1', 'mean'}
        How a modality follows from the others: least squares on the nearest training clips, ridge
        regression, the two printed forms, an affine map, the nearest clip itself, or the mean of
        all (`emocli.robust.proxy.modes`). Where proxies are asked for (``--proxy``,
        ``robust.fill=proxy``) without a mode, they are those of the preset plus: ridge, joint.
    sources : {'mean', 'joint'}
        Of several good modalities: the mean of what each says, or one transformation of all; the
        latter where no mode is named.
    level : {'utterance', 'step'}
        Whether a sequence is regenerated as a whole, or each of its steps by itself.
    steps : int
        Steps to which a sequence is brought before it is regenerated.
    alignment : {'auto', 'pad', 'resample'}
        How a sequence is brought to ``steps``, as ``check.alignment``: cut or filled up, stretched,
        or as the clips need it.
    components : int
        Dimensions to which a good modality is reduced.
    k : int
        Training clips (or steps) near the good modality, for ``knn_ls`` and ``affine``.
    ridge : float
        Regularisation, as a share of the mean of the eigenvalues it is added to.
    fit_on : {'clean', 'as_given'}
        Whether the training clips are used as they are in the store, or corrupted as they were for
        the network's training.
    """

    mode: ProxyMode = "knn_ls"
    sources: Literal["mean", "joint"] = "mean"
    level: Literal["utterance", "step"] = "utterance"
    steps: Steps = 20
    alignment: Literal["auto", "pad", "resample"] = "auto"
    components: Size = 100
    k: Neighbours = 200
    ridge: Factor = 0.1
    fit_on: Literal["clean", "as_given"] = "clean"

    @property
    def label(self) -> str:
        """As a table shows it: the mode, and what is not as usual, ``ridge sources=joint``."""
        changed = self.model_dump(exclude={"mode"}, exclude_defaults=True)
        return " ".join([self.mode, *(f"{key}={value}" for key, value in changed.items())])


PRESETS: Mapping[str, Tree] = {
    "literal": {"mode": "svd_unpaired", "fit_on": "as_given"},
    "paper": {},
    "plus": {"mode": "ridge", "sources": "joint"},
}
"""The printed text; the reading that is consistent with it and works; improved."""


def configure(name: str, settings: Tree | None = None) -> ProxyConfig:
    """Make the settings from a preset or a mode, and what deviates from it.

    Raises
    ------
    ConfigError
        For an unknown name or key, or an impossible value.
    """
    if name not in PRESETS and name not in MODES:
        known = [*MODES, *PRESETS]
        raise ConfigError(f"there is no kind of proxy '{name}'", hint=choice(name, known))
    start = PRESETS.get(name, {"mode": name})
    return build(ProxyConfig, merge(start, settings or {}), "proxy")
