"""One view alone: an encoder whose last step goes to the decoder.

The single modalities every fusion has to beat.

Source: Beard et al. 2018, CoNLL (systems "LSTM decoder", attention nil).
"""

from __future__ import annotations

from collections.abc import Mapping

from emocli.errors import ConfigError
from emocli.plugin.layers import Encoded, NetworkSettings, decoder, last_step, presets
from emocli.plugin.network import Batch, FusionOutput


class Config(NetworkSettings):
    """Settings of a single view: those of its encoder and decoder."""


PRESETS = presets(literal={}, plus={})


class Model(Encoded):
    """One view: encoder and decoder.

    Shapes: view (n, T, D) -> states (n, K, 2 hidden), K blocks of steps -> last step (n, 2 hidden)
    -> logits (n, C).

    Raises
    ------
    ConfigError
        If there is not exactly one modality.
    """

    def __init__(self, dims: Mapping[str, int], outputs: int, config: Config) -> None:
        if len(dims) != 1:
            raise ConfigError(
                f"unimodal takes exactly one modality, not {len(dims)} ({', '.join(sorted(dims))})",
                hint="choose one feature with -f",
            )
        super().__init__(dims, config)
        self.decoder = decoder(config.width, outputs, config)
        self.vector_width = config.width

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify clips."""
        (states,) = self.encoders(batch).values()
        last = last_step(states)
        return FusionOutput(self.decoder(last), vector=last)
