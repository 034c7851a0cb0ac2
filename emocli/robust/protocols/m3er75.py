"""Strong noise in at least one modality of three clips in four.

Which modalities: ``one`` of them (the case a check can solve), each by itself (``iid``), or a
``subset`` that is neither empty nor all of them. Written ``m3er75``, ``m3er75@iid``,
``m3er75@subset+-10dB``, ``m3er75@missing``.

Source: Mittal 2020, AAAI (M3ER), section 5.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self, get_args

import numpy as np

from emocli import plugins
from emocli.errors import ConfigError
from emocli.plugin.protocol import Corruption, NoiseProtocol, noise
from emocli.quantities import Chance

Mode = Literal["one", "iid", "subset"]

MODES: tuple[Mode, ...] = get_args(Mode)
MISSING = "missing"
ALLOWED = f"any of {', '.join(MODES)}, {MISSING} and an SNR, joined by + (iid+0.1)"


class Config(NoiseProtocol):
    """Settings.

    Attributes
    ----------
    share : float
        Probability that a clip is corrupted, in at least one of the modalities it has.
    mode : {'one', 'iid', 'subset'}
        Which modalities of such a clip: one, every one as likely; each independently, with
        1 - (1 - share)^(1 / M); or any non-empty proper subset, every one as likely. The only
        modality of a clip is its subset.
    missing : bool
        Whether what is corrupted is missing instead of noisy.
    """

    share: Chance = 0.75
    mode: Mode = "one"
    missing: bool = False

    @classmethod
    def parse(cls, level: str | None) -> Self:
        """Read ``iid``, ``missing``, an SNR, or several of them joined by ``+``."""
        parts = [part.strip() for part in level.split("+")] if level is not None else []
        modes = [mode for mode in MODES for part in parts if part == mode]
        strengths = [part for part in parts if part not in (*MODES, MISSING)]
        if len(modes) > 1 or len(strengths) > 1 or (strengths and MISSING in parts):
            raise ConfigError(f"level '{level}'", hint=f"allowed is {ALLOWED}")
        try:
            strength = noise(*strengths)
        except ConfigError:
            raise ConfigError(f"level '{level}'", hint=f"allowed is {ALLOWED}") from None
        return cls(mode=modes[0] if modes else "one", missing=MISSING in parts, noise=strength)

    @property
    def corruption(self) -> Corruption:
        """What is done to a modality that is drawn."""
        if self.missing:
            corruption: Corruption = plugins.load("corruptions", "drop").Config()
            return corruption
        return super().corruption

    def describe(self) -> str:
        """Return the settings as a table shows them."""
        return f"{self.mode} {MISSING if self.missing else super().describe()}"

    def draw(self, present: Sequence[str], rng: np.random.Generator) -> Mapping[str, Corruption]:
        """Draw what happens to a clip that has these modalities."""
        if not present:
            return {}
        names, count = sorted(present), len(present)
        if self.mode == "iid":
            chosen = rng.random(count) < 1 - (1 - self.share) ** (1 / count)
        elif rng.random() >= self.share:
            chosen = np.zeros(count, bool)
        elif self.mode == "one" or count == 1:
            chosen = np.arange(count) == rng.integers(count)
        else:
            chosen = (rng.integers(1, 2**count - 1) >> np.arange(count)) % 2 == 1
        return {name: self.corruption for name, hit in zip(names, chosen, strict=True) if hit}
