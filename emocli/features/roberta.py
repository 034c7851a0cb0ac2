"""RoBERTa: one vector per utterance, read inside its dialogue, fine-tuned or as published.

With a cross-fitted encoder a training clip's vector is that of the part which has not seen it.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet" (text extractor); Kim & Vossen 2021.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from emocli.config import Tree
from emocli.data.durable import digest
from emocli.errors import ConfigError
from emocli.models.encoder_files import folder_digest, settings_digest
from emocli.models.hub import commit_of, noted_revision
from emocli.plugin.feature import Absent, Clip, Device, ParametersConfig, Reloading, Track, device
from emocli.quantities import Tokens, Turns

if TYPE_CHECKING:
    from emocli.models.text import TextNetwork
    from emocli.models.text_reader import Reading, UtteranceReader

MODALITY = "text"
PER_CLIP = False
ENCODER = "text"
HUB = ("encoder",)
LIBRARIES = ("torch", "transformers", "tokenizers")


class Config(ParametersConfig):
    """Settings: the encoder, and what it reads.

    Attributes
    ----------
    encoder : str
        A folder that `emocli fit-text` wrote; or an encoder as it was published, by its name on the
        Hugging Face hub or a local folder in that layout.
    context : {'none', 'window', 'emoberta'}, optional
        Turns that a published encoder reads as context of the utterance, as ``text.context`` of
        `emocli fit-text`; one that was fine-tuned reads what it was trained on, and this and what
        follows up to ``pool`` must not be given.
    past : int, optional
        Turns before the utterance, for ``context = window``.
    future : int, optional
        Turns after the utterance, for ``context = window``.
    tokens : int, optional
        Most tokens of an input, as ``text.tokens``.
    names : bool, optional
        Whether each turn starts with its speaker's name in capitals, as ``text.names``.
    pool : {'cls', 'mean'}, optional
        The vector of an utterance: the state of the first token, or the mean over its own tokens.
    device : {'auto', 'cpu', 'cuda'}
        Where to compute; ``auto`` is a GPU if there is one.
    """

    encoder: str
    context: Literal["none", "window", "emoberta"] | None = None
    past: Turns | None = None
    future: Turns | None = None
    tokens: Tokens | None = None
    names: bool | None = None
    pool: Literal["cls", "mean"] | None = None
    device: Device = "auto"

    @classmethod
    def digest_of(cls, values: Tree) -> str:
        """Return the digest of a local encoder (`folder_digest`), or the commit on the hub."""
        from emocli.models.rundir import MODEL
        from emocli.models.text import PART

        folder = Path(str(values.get("encoder", "")))
        models = [*sorted(folder.glob(f"{PART}*/{MODEL}")), folder / MODEL]
        if not models[-1].is_file():
            return folder_digest(folder) or commit_of(str(folder))
        whole = " ".join(map(digest, models))
        return hashlib.sha256(whole.encode()).hexdigest() + settings_digest(folder)

    @property
    def read(self) -> dict[str, object]:
        """The settings of what a published encoder reads, as far as they are set."""
        names = ("context", "past", "future", "tokens", "names", "pool")
        return {k: v for k in names if (v := getattr(self, k)) is not None}


@dataclass(frozen=True)
class Extractor(Reloading):
    """The text encoder, with the tokens it reads of each clip (Chudasama 2022 eq. 2).

    ``parts`` are, by training clip, the number of the part that has not seen it.
    """

    config: Config
    readings: Mapping[str, Reading]
    parts: Mapping[str, int]
    names: tuple[str, ...] = ()
    rate: float | None = None

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return one row, shape (1, D)."""
        del upstream
        if not clip.text.strip() or clip.id not in self.readings:
            raise Absent("the clip has no text")
        from emocli.models.text import describe

        network, reader = self._loaded(self.parts.get(clip.id))
        pad = int(reader.tokenizer.pad_token_id or 0)
        reading = self.readings[clip.id]
        notes = {"clips": 1, "clips.read_by_a_part": int(clip.id in self.parts)}
        values = describe(network, [reading], pad)  # Chudasama 2022 eq. 2
        return Track(values, notes={**notes, "tokens": len(reading.tokens)})

    def _loaded(self, part: int | None) -> tuple[TextNetwork, UtteranceReader]:
        if part not in self._cache:
            self._cache[part] = _load(self.config, part)
        return self._cache[part]

    @cached_property
    def _cache(self) -> dict[int | None, tuple[TextNetwork, UtteranceReader]]:
        return {}


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Load the encoder and read the corpus.

    Raises
    ------
    EmocliError
        If the encoder cannot be used.
    """
    from emocli.models.text_reader import read_clips

    network, reader = _load(config, None)
    width = int(network.backbone.config.hidden_size)
    names = tuple(f"emb{column:03d}" for column in range(width))
    return Extractor(config, read_clips(reader, clips), dict(_parts(config)), names)


def _parts(config: Config) -> Iterable[tuple[str, int]]:
    """Pair the training clips of a cross-fitted encoder with the part that has not seen them."""
    from emocli.models.text import PART, read_run

    for folder in sorted(Path(config.encoder).glob(f"{PART}*")) if _trained(config) else ():
        run = read_run(folder)
        if run.part is not None:
            yield from ((clip_id, run.part) for clip_id in run.unseen)


def _load(config: Config, part: int | None) -> tuple[TextNetwork, UtteranceReader]:
    from emocli.models import text
    from emocli.models.text_backbone import SCRATCH, make_backbone
    from emocli.models.text_reader import TextConfig, UtteranceReader

    place = device(config.device, "roberta.device")
    if _trained(config):
        if config.read:
            raise ConfigError(
                f"{', '.join(config.read)} cannot be set for an encoder that was fine-tuned",
                where="roberta",
                hint="it reads what it was trained on",
            )
        folder = Path(config.encoder)
        network, reader, _ = text.load(folder if part is None else folder / f"{text.PART}{part}")
        return network.to(place), reader
    if config.encoder == SCRATCH:
        raise ConfigError(
            "an encoder from scratch has learned nothing",
            where="roberta.encoder",
            hint="train it: emocli fit-text, and give its folder",
        )
    settings = TextConfig.model_validate({"backbone": config.encoder, **config.read})
    backbone, tokenizer = make_backbone(
        settings, (), noted_revision(config.encoder, None, config.digest)
    )
    network = text.TextNetwork(backbone, 1, settings.pool, 0.0)
    return network.eval().to(place), UtteranceReader(tokenizer, settings)


def _trained(config: Config) -> bool:
    """Whether the encoder is one of `emocli fit-text`, which its configuration says."""
    from emocli.models.rundir import CONFIG

    path = Path(config.encoder) / CONFIG
    return path.is_file() and '"text":' in path.read_text("utf-8", "replace")
