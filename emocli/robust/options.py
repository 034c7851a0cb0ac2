"""What a command line says of corruptions and repairs, carried as it is to where it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from emocli.options import Option


@dataclass(frozen=True, kw_only=True)
class RepairOptions:
    """How a repair differs from the one of the settings, or of the training.

    Attributes
    ----------
    check, oracle : bool
        Whether the modality check, or the truth, says what is not to be trusted.
    proxy : str, optional
        Kind of the proxies: a mode or a preset.
    fill : str, optional
        Another way to fill; ``mean`` is short for proxies of that mode.
    settings : mapping, optional
        What deviates from all that, ``{"proxy": {"k": 50}}``.
    """

    check: Annotated[
        bool | None, Option("Let the modality check say what is not to be trusted.")
    ] = None
    oracle: Annotated[bool, Option("Let the truth say it instead.")] = False
    proxy: Annotated[
        str | None,
        Option(
            "Regenerate what is not trusted or missing: knn_ls (default), ridge, paired_qr, "
            "svd_unpaired, affine, nn1; or literal, paper, plus.",
            "[MODE]",
        ),
    ] = None
    fill: Annotated[
        str | None,
        Option(
            "Instead of proxies: discard (default; Mittal 2020 eq. 1), missing, zero or mean.",
            "WAY",
        ),
    ] = None
    settings: Mapping[str, Any] | None = None


TRAINED = RepairOptions()
"""No difference from the repair of the training."""


@dataclass(frozen=True, kw_only=True)
class RobustOptions(RepairOptions):
    """The same, and the corruptions, all at once (`emocli.robust.corrupt`)."""

    corrupt: Annotated[
        tuple[str, ...],
        Option(
            "visual (Gaussian noise at 0 dB), visual@0.01, audio:zero, text:dropout@0.5, or a "
            "protocol: m3er75, face100; repeat for several at once.",
            "MODALITY[:NAME][@LEVEL]",
        ),
    ] = ()


CLEAN = RobustOptions()
"""No corruption, and no repair but that of the settings."""
