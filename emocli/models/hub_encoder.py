"""Encoders of the Hugging Face hub, by name or from a local folder, and their hidden states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeVar

import torch

from emocli.config import Tree
from emocli.errors import ConfigError, reason
from emocli.models.hub import only_cached, require_encoder

if TYPE_CHECKING:
    from transformers import PreTrainedModel

T = TypeVar("T")

Modality = Literal["text", "speech", "image"]

PARTS: Mapping[Modality, tuple[str, str]] = MappingProxyType(
    {
        "text": ("text_config", "text_model"),
        "image": ("vision_config", "vision_model"),
        "speech": ("audio_config", "audio_model"),
    }
)
"""Modality to the section of its settings, and the part, in models of several modalities."""


def obtained(what: str, name: str, load: Callable[[Tree], T], revision: str | None = None) -> T:
    """Load a part of what the hub, or a folder in its layout, has of an encoder.

    Code that it may bring is neither run nor asked about.

    Parameters
    ----------
    what : str
        The encoder's kind, for the message.
    load : callable
        Takes the options of ``from_pretrained``.
    revision : str, optional
        Branch, tag or commit on the hub.

    Raises
    ------
    ConfigError
        If it cannot be had.
    """
    require_encoder(name)
    how: Tree = {
        "local_files_only": only_cached(name, revision=revision),
        "trust_remote_code": False,
    }
    if revision is not None:
        how["revision"] = revision
    try:
        with _without_bars():
            return load(how)
    except Exception as error:  # as of a run's own
        message = reason(error).partition(". ")[0]  # what follows is advice for programmers
        raise ConfigError(
            f"{what} encoder '{name}' cannot be had ({message.rstrip('.')})",
            hint="give one of the Hugging Face hub by name, or a folder that holds one, its "
            "parameters as safetensors",
        ) from None


@contextmanager
def _without_bars() -> Iterator[None]:
    """Keep the library from drawing bars of its own beside those of the command."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def load_encoder(name: str, modality: Modality, revision: str | None = None) -> PreTrainedModel:
    """Load an encoder; of a model of several modalities, or one that also decodes, that part.

    Parameters are read from safetensors only. Errors as `obtained`.
    """
    from transformers import AutoModel

    def load(how: Tree) -> PreTrainedModel:
        model: PreTrainedModel = AutoModel.from_pretrained(name, use_safetensors=True, **how)
        return model

    model = obtained(modality, name, load, revision)
    section, part = PARTS[modality]
    if section in model.config.to_dict():
        model = getattr(model, part)
    elif model.config.is_encoder_decoder:
        model = model.get_encoder()
    model.train(False)
    return model


@dataclass(frozen=True)
class HiddenStates:
    """Some hidden states of an encoder side by side, or their mean.

    Attributes
    ----------
    network : PreTrainedModel
        The encoder, where it computes and in the precision it computes in.
    layers : 'all' or sequence of int
        Which, as transformers numbers them: 0 is before the first layer, -1 is after the last.
    mean : bool
        Whether they are averaged.
    """

    network: PreTrainedModel
    layers: Literal["all"] | Sequence[int]
    mean: bool

    def __call__(self, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return the hidden states of inputs, shape (n, steps, D), as float32 on the CPU.

        Maps of a convolutional network, (n, channels, height, width), have a step per place.

        Raises
        ------
        ConfigError
            If the encoder has no such layer.
        """
        ready = {name: self._moved(tensor) for name, tensor in inputs.items()}
        with torch.inference_mode():
            states = self.network(**ready, output_hidden_states=True).hidden_states
        taken = [_steps(states[layer]).float().cpu() for layer in self._chosen(len(states))]
        return torch.stack(taken).mean(dim=0) if self.mean else torch.cat(taken, dim=-1)

    def names(self, columns: int) -> tuple[str, ...]:
        """Name the columns: by layer and dimension where several layers stand side by side."""
        if self.mean or (self.layers != "all" and len(self.layers) == 1):
            return tuple(f"h{column:04d}" for column in range(columns))
        parts = self._layers() if self.layers == "all" else list(self.layers)
        width = columns // len(parts)
        return tuple(f"layer{part}.h{column:04d}" for part in parts for column in range(width))

    def _layers(self) -> list[int]:
        return list(range(int(self.network.config.num_hidden_layers) + 1))

    def _chosen(self, count: int) -> Sequence[int]:
        if self.layers == "all":
            return range(count)
        for layer in self.layers:
            if not -count <= layer < count:
                what = f"the encoder has no layer {layer}"
                raise ConfigError(what, hint=f"there are 0 to {count - 1}, or -1 to {-count}")
        return self.layers

    def _moved(self, tensor: torch.Tensor) -> torch.Tensor:
        dtype = self.network.dtype if tensor.is_floating_point() else tensor.dtype
        return tensor.to(self.network.device, dtype)


def _steps(states: torch.Tensor) -> torch.Tensor:
    return states.flatten(2).transpose(1, 2) if states.ndim == 4 else states
