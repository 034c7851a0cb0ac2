"""A RoBERTa that reads an utterance inside its dialogue, and its run folder.

Source: Liu et al. 2019 (RoBERTa); Kim & Vossen 2021 (EmoBERTa: speakers' names, turns before and
after); Chudasama et al. 2022, CVPR workshops, "M2FNet" (text extractor).

The folder holds ``config.json``, ``backbone/`` (tokenizer and shape in the hub's layout),
``model.safetensors`` (written last), ``history.csv`` and ``README.md``. Loading executes no code
and downloads nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from emocli.config import Settings, Tree
from emocli.errors import RunError, reason
from emocli.models.encoder_run import read_config, restore
from emocli.models.rundir import CONFIG, MODEL, require_finished
from emocli.models.tensors import RESTORE, sized_by
from emocli.models.text_reader import Reading, TextConfig, UtteranceReader, collate
from emocli.quantities import Folds

if TYPE_CHECKING:
    from transformers import PreTrainedModel

BACKBONE = "backbone"
"""Folder of tokenizer and shape inside a run."""

PART = "part-"
"""Start of the name of the folder inside a run that holds a part of a cross-fitting."""


class TextRun(Settings):
    """Contents of the ``config.json`` of a text encoder.

    Attributes
    ----------
    format : int
        Version of the layout.
    text : TextConfig
        What it reads.
    train : mapping
        The training's settings.
    classes : tuple of str
        What it was taught to tell apart.
    source : str
        Fingerprint of texts, speakers, labels and splits.
    part : int, optional
        In a cross-fitting the part of the train split it has not seen; None for the one that saw
        all of it.
    unseen : tuple of str
        The training clips it has not seen.
    versions : mapping
        Of emocli and the libraries.
    """

    format: Literal[1] = 1
    text: TextConfig
    train: Tree
    classes: tuple[str, ...]
    source: str
    part: Folds | None = None
    unseen: tuple[str, ...] = ()
    versions: dict[str, str]


class TextNetwork(nn.Module):
    """A backbone, and a head of two layers on the vector of an utterance."""

    def __init__(self, backbone: PreTrainedModel, outputs: int, pool: str, dropout: float) -> None:
        super().__init__()
        if getattr(backbone, "pooler", None) is not None:
            backbone.register_module("pooler", None)  # its parameters would not be learned
        self.backbone, self.pool = backbone, pool
        width = int(backbone.config.hidden_size)
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.Tanh(),
            nn.Dropout(dropout),
            nn.Linear(width, outputs),
        )

    def forward(self, tokens: Tensor, mask: Tensor, own: Tensor) -> Tensor:
        """Classify utterances: tokens, mask of tokens, mask of their own tokens, all (n, L)."""
        logits: Tensor = self.head(self.vectors(tokens, mask, own))
        return logits

    def vectors(self, tokens: Tensor, mask: Tensor, own: Tensor) -> Tensor:
        """Return the vectors of utterances, (n, D)."""
        states: Tensor = self.backbone(input_ids=tokens, attention_mask=mask).last_hidden_state
        if self.pool == "cls":
            return states[:, 0]
        weight = own[..., None].to(states)
        return (states * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)


def describe(
    network: TextNetwork, readings: Sequence[Reading], pad: int, batch: int = 16
) -> NDArray[np.float32]:
    """Return the vectors of utterances, shape (n, D)."""
    network.eval()
    device = next(network.parameters()).device
    parts = []
    with torch.inference_mode():
        for start in range(0, len(readings), batch):
            inputs = collate(readings[start : start + batch], pad)
            vectors = network.vectors(*(tensor.to(device) for tensor in inputs))
            parts.append(vectors.float().cpu().numpy())
    return np.concatenate(parts)


def read_run(run: Path) -> TextRun:
    """Read the ``config.json`` of a text encoder; errors as of `read_config`."""
    return read_config(TextRun, run, "a text encoder", "fit-text")


def load(run: Path) -> tuple[TextNetwork, UtteranceReader, TextRun]:
    """Read a trained text encoder.

    Raises
    ------
    RunError
        If it is absent, unfinished or damaged.
    """
    network, reader, config = _built(run)
    return restore(network, run), reader, config


def outline(run: Path) -> tuple[TextNetwork, UtteranceReader, TextRun]:
    """Read a trained text encoder without the values of its parameters; errors as of `load`."""
    with torch.device("meta"):
        return _built(run)


def _built(run: Path) -> tuple[TextNetwork, UtteranceReader, TextRun]:
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    config = read_run(run)
    require_finished(run)
    local: Tree = {"local_files_only": True, "trust_remote_code": False}
    try:
        shape = AutoConfig.from_pretrained(run / BACKBONE, **local)
        tokenizer = AutoTokenizer.from_pretrained(run / BACKBONE, **local)
        with sized_by(run / MODEL), torch.device("meta"):
            AutoModel.from_config(shape)  # type: ignore[no-untyped-call]
        backbone = AutoModel.from_config(shape)  # type: ignore[no-untyped-call]
        network = TextNetwork(backbone, len(config.classes), config.text.pool, 0.0)
    except Exception as error:  # of the library, of any type
        what = f"does not hold what {CONFIG} describes ({reason(error)})"
        raise RunError(what, where=run, hint=RESTORE) from None
    return network, UtteranceReader(tokenizer, config.text), config
