"""What a text encoder is given to read, token by token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emocli.config import build
from emocli.data.clip import Clip
from emocli.errors import ConfigError, RunError
from emocli.models import text
from emocli.models.text import TextNetwork
from emocli.models.text_backbone import make_backbone
from emocli.models.text_reader import TextConfig, UtteranceReader, collate, read_clips

START, PAD, END = 0, 1, 2


class Words:
    """A tokenizer with a token per word, numbered by length."""

    cls_token_id, sep_token_id, pad_token_id = START, END, PAD

    def encode(self, said: str, add_special_tokens: bool) -> list[int]:
        assert not add_special_tokens
        return [100 + len(word) for word in said.split()]


def dialogue(*lengths: int) -> list[Clip]:
    """Turn k consists of the word of k + 1 letters, so many times."""
    return [
        Clip(str(k), dialogue="d", turn=k, speaker="AB"[k % 2], text=" ".join(["x" * (k + 1)] * n))
        for k, n in enumerate(lengths)
    ]


def read(clips: Sequence[Clip], turn: int, **settings: Any) -> tuple[list[int], list[int]]:
    """All tokens, and those of the utterance itself."""
    config = build(TextConfig, {"names": False, **settings}, "text")
    reading = UtteranceReader(Words(), config)(clips, turn)  # type: ignore[arg-type]
    tokens = list(reading.tokens)
    return tokens, tokens[reading.start : reading.stop]


def test_an_utterance_alone() -> None:
    tokens, own = read(dialogue(1, 2, 1), 1, context="none")
    assert tokens == [START, 102, 102, END]
    assert own == [102, 102]


def test_a_window_has_the_turns_beside_it() -> None:
    tokens, own = read(dialogue(1, 1, 2, 1, 1), 2, context="window")
    assert tokens == [START, 102, END, END, 103, 103, END, END, 104, END]
    assert own == [103, 103]
    tokens, _ = read(dialogue(1, 1, 2, 1, 1), 2, context="window", past=2, future=0)
    assert tokens == [START, 101, 102, END, END, 103, 103, END]


def test_the_ends_of_a_dialogue() -> None:
    clips = dialogue(1, 1, 1)
    assert read(clips, 0, context="window")[0] == [START, 101, END, END, 102, END]
    assert read(clips, 2, context="window")[0] == [START, 102, END, END, 103, END]
    assert read(clips[:1], 0)[0] == [START, 101, END]


def test_emoberta_takes_what_fits_one_before_and_one_after() -> None:
    clips = dialogue(3, 2, 1, 2, 3)
    whole, _ = read(clips, 2)
    assert whole == [
        START,
        *3 * [101],
        *2 * [102],
        END,
        END,
        103,
        END,
        END,
        *2 * [104],
        *3 * [105],
        END,
    ]
    # 11 tokens: <s> 102 102 </s></s> 103 </s> leave no room for two more and their separators.
    assert read(clips, 2, tokens=10)[0] == [START, 102, 102, END, END, 103, END]
    assert read(clips, 2, tokens=11)[0] == [
        START, 102, 102, END, END, 103, END, END, 104, 104, END,
    ]  # fmt: skip
    for budget in range(8, 30):
        assert len(read(clips, 2, tokens=budget)[0]) <= budget


def test_a_long_utterance_is_cut_and_has_no_context() -> None:
    tokens, own = read(dialogue(1, 50, 1), 1, tokens=8)
    assert tokens == [START, *6 * [102], END]
    assert len(own) == 6


def test_speakers_are_named_in_capitals() -> None:
    seen: list[str] = []

    class Listening(Words):
        def encode(self, said: str, add_special_tokens: bool) -> list[int]:
            seen.append(said)
            return super().encode(said, add_special_tokens)

    clips = [Clip("a", speaker="Ross", text=" Hi. "), Clip("b", text="Hello")]
    UtteranceReader(Listening(), TextConfig())(clips, 0)  # type: ignore[arg-type]
    assert seen == ["ROSS: Hi.", "Hello"]


def test_clips_are_read_in_their_own_dialogue_by_turn() -> None:
    clips = [
        Clip("b1", dialogue="b", turn=1, text="xx"),
        Clip("a0", dialogue="a", turn=0, text="x"),
        Clip("b0", dialogue="b", turn=0, text="xxx"),
        Clip("b2", dialogue="b", turn=2, text=" "),
        Clip("alone", text="xxxx"),
    ]
    result = read_clips(UtteranceReader(Words(), TextConfig(names=False)), clips)  # type: ignore[arg-type]
    assert sorted(result) == ["a0", "alone", "b0", "b1"]
    assert result["b1"].tokens == (START, 103, END, END, 102, END)
    assert result["a0"].tokens == (START, 101, END)


def test_padding_and_the_own_tokens() -> None:
    clips = dialogue(1, 2, 1)
    reader = UtteranceReader(Words(), TextConfig(names=False))  # type: ignore[arg-type]
    tokens, mask, own = collate([reader(clips[:1], 0), reader(clips, 1)], PAD)
    assert tokens[0].tolist() == [START, 101, END, *[PAD] * 7]
    assert mask.sum(dim=1).tolist() == [3, 10]
    assert tokens[1][own[1]].tolist() == [102, 102]


SMALL = TextConfig(backbone="scratch", layers=1, width=16, heads=2, vocabulary=300, tokens=32)
TEXTS = ["I am glad", "I am sad", "you are glad to be sad"]


def network(pool: str) -> tuple[TextNetwork, UtteranceReader]:
    torch.manual_seed(0)
    backbone, tokenizer = make_backbone(SMALL, TEXTS)
    return TextNetwork(backbone, 3, pool, 0.1).eval(), UtteranceReader(tokenizer, SMALL)


@pytest.mark.parametrize("pool", ["cls", "mean"])
def test_padding_changes_nothing(pool: str) -> None:
    model, reader = network(pool)
    readings = [reader([Clip("a", text=said)], 0) for said in TEXTS]
    together = text.describe(model, readings, 1)
    alone = np.concatenate([text.describe(model, [reading], 1) for reading in readings])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert together.shape == (3, 16)


def test_pooling_changes_the_vector() -> None:
    (first, reader), (other, _) = network("cls"), network("mean")
    readings = [reader([Clip("a", text=said)], 0) for said in TEXTS]
    assert abs(text.describe(first, readings, 1) - text.describe(other, readings, 1)).max() > 1e-3


def test_a_published_encoder_comes_from_a_folder(tmp_path: Path) -> None:
    torch.manual_seed(1)
    backbone, tokenizer = make_backbone(SMALL, TEXTS)
    backbone.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again, reader = make_backbone(SMALL.model_copy(update={"backbone": str(tmp_path)}), ())
    assert reader.encode("I am glad") == tokenizer.encode("I am glad")
    for name, value in backbone.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
    with pytest.raises(ConfigError, match="at most 32"):
        make_backbone(TextConfig(backbone=str(tmp_path)), ())


@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta"])
def test_a_published_encoder_reads_as_many_tokens_as_it_has_places_for(
    tmp_path: Path, kind: str
) -> None:
    from transformers import AutoConfig, AutoModel

    _, tokenizer = make_backbone(SMALL, TEXTS)
    tokenizer.save_pretrained(tmp_path)
    sizes = {"dim": 8, "n_layers": 1, "n_heads": 2, "hidden_dim": 8}
    if kind != "distilbert":
        sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    shape = AutoConfig.for_model(
        kind, vocab_size=300, max_position_embeddings=24, pad_token_id=1, **sizes
    )
    AutoModel.from_config(shape).save_pretrained(tmp_path)  # type: ignore[no-untyped-call]
    most = max(n for n in range(18, 25) if readable(tmp_path, n))
    config = SMALL.model_copy(update={"backbone": str(tmp_path), "tokens": most})
    backbone, _ = make_backbone(config, ())
    assert type(backbone).__name__.lower() == f"{kind}model"
    with pytest.raises(ConfigError, match=f"at most {most} tokens, not {most + 1}"):
        make_backbone(config.model_copy(update={"tokens": most + 1}), ())


def readable(folder: Path, count: int) -> bool:
    """Whether an encoder takes so many tokens."""
    from transformers import AutoModel

    try:
        AutoModel.from_pretrained(folder)(input_ids=torch.full((1, count), 5))
    except (IndexError, RuntimeError):
        return False
    return True


def test_code_that_comes_with_an_encoder_is_not_run(tmp_path: Path) -> None:
    told = {"model_type": "other", "auto_map": {"AutoConfig": "c.C", "AutoModel": "c.M"}}
    (tmp_path / "config.json").write_text(json.dumps(told))
    (tmp_path / "c.py").write_text(f"open({str(tmp_path / 'harm')!r}, 'w').close()\n")
    with pytest.raises(ConfigError, match="contains custom code"):
        make_backbone(TextConfig(backbone=str(tmp_path)), ())
    assert not (tmp_path / "harm").exists()


def test_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none: there is no such folder") as error:
        make_backbone(TextConfig(backbone=str(tmp_path / "none")), ())
    assert "\n" not in str(error.value)
    with pytest.raises(ConfigError, match="does not divide"):
        make_backbone(SMALL.model_copy(update={"heads": 3}), TEXTS)
    with pytest.raises(RunError, match="no trained text encoder"):
        text.load(tmp_path)
