"""M2FNet's dialogue network against its equations, written out utterance by utterance."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from emocli.cli.app import run
from emocli.config import build
from emocli.data.batch import Batch, Padded
from emocli.errors import ConfigError
from emocli.fusion import m2fnet
from tests import toy

DIMS = {"text": 8, "audio": 6, "visual": 4}
TURNS = (3, 1, 4)
CLASSES = 3

Array = NDArray[np.float64]


def model(dims: Mapping[str, int] = DIMS, **settings: Any) -> m2fnet.Model:
    torch.manual_seed(3)
    config = build(m2fnet.Config, {"fusion_layers": 2, "dropout": 0.3, **settings}, "network")
    network = m2fnet.Model(dims, CLASSES, config).double().eval()
    with torch.no_grad():
        for parameter in network.parameters():  # biases start at zero and would not be tested
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network


def dialogues(dims: Mapping[str, int] = DIMS, missing: Mapping[str, tuple[int, ...]] = {}) -> Batch:
    """Three dialogues of eight clips; clips named in ``missing`` lack that modality."""
    torch.manual_seed(5)
    count = sum(TURNS)
    views = {}
    for name, width in dims.items():
        lengths = torch.randint(1, 4, (count,))
        lengths[list(missing.get(name, ()))] = 0
        views[name] = Padded(torch.randn(count, 4, width, dtype=torch.float64), lengths)
    ids = tuple(map(str, range(count)))
    speakers = torch.tensor([0, 1, 0, 0, 0, 1, 2, 0])
    return Batch(ids, views, torch.arange(count) % CLASSES, torch.tensor(TURNS), speakers)


class Written:
    """The equations with numpy, one dialogue, one head and one utterance at a time."""

    def __init__(self, network: m2fnet.Model, config: Mapping[str, Any]) -> None:
        self.parameters = {k: v.detach().numpy() for k, v in network.state_dict().items()}
        self.config = {"enc_skip": True, "heads": 8, "fusion_residual": "none", **config}
        self.network = network

    def linear(self, name: str, x: Array) -> Array:
        return x @ self.parameters[f"{name}.weight"].T + self.parameters[f"{name}.bias"]

    def norm(self, name: str, x: Array) -> Array:
        scaled = (x - x.mean()) / math.sqrt(x.var() + 1e-5)
        return scaled * self.parameters[f"{name}.weight"] + self.parameters[f"{name}.bias"]

    def attend(
        self, name: str, queries: Array, keys: Array, values: Array, visible: NDArray[np.bool_]
    ) -> Array:
        p, width = self.parameters, queries.shape[1]
        if f"{name}.in_proj_weight" in p:
            weights = np.split(p[f"{name}.in_proj_weight"], 3)
        else:
            weights = [p[f"{name}.{part}_proj_weight"] for part in "qkv"]
        biases = np.split(p[f"{name}.in_proj_bias"], 3)
        q, k, v = (
            x @ w.T + b for x, w, b in zip((queries, keys, values), weights, biases, strict=True)
        )
        count = max(h for h in range(1, self.config["heads"] + 1) if width % h == 0)
        size = width // count
        result = np.zeros_like(q)
        for head in range(count):
            part = slice(head * size, (head + 1) * size)
            for row in range(len(q)):
                logits = [
                    float(q[row, part] @ k[column, part]) / math.sqrt(size)
                    if visible[row, column]
                    else -math.inf
                    for column in range(len(k))
                ]
                weights_ = np.exp(np.array(logits) - max(logits))
                result[row, part] = weights_ / weights_.sum() @ v[:, part]
        return self.linear(f"{name}.out_proj", result)

    def encode(self, name: str, x: Array) -> Array:
        """Eq. 5, for a modality without gaps."""
        for number in range(len(self.network.encoders[name].layers)):  # type: ignore[arg-type]
            layer = f"encoders.view_{name}.layers.{number}"
            visible = self.visible(len(x), np.ones(len(x), bool))
            attended = self.attend(f"{layer}.self_attn", x, x, x, visible)
            y = np.stack([self.norm(f"{layer}.norm1", row) for row in x + attended])
            inner = self.linear(f"{layer}.linear2", self.linear(f"{layer}.linear1", y).clip(min=0))
            y = np.stack([self.norm(f"{layer}.norm2", row) for row in y + inner])
            x = y + x if self.config["enc_skip"] else y
        return x

    def visible(self, count: int, observed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        square = np.broadcast_to(observed, (count, count))
        shown = {"past": np.tri(count), "none": np.eye(count)}.get(self.config.get("context", ""))
        return square if shown is None else square & shown.astype(bool)

    def logits(self, batch: Batch) -> Array:
        rows, start = [], 0
        means = {name: view.mean().numpy() for name, view in batch.views.items()}
        for turns in TURNS:
            said = {name: x[start : start + turns] for name, x in means.items()}
            streams = {name: self.encode(name, x) for name, x in said.items()}
            mixed = streams["text"]
            for number in range(len(self.network.layers)):
                layer = f"layers.{number}"
                result = [  # eq. 6
                    self.attend(
                        f"{layer}.attention.view_{name}",
                        mixed,
                        streams[name],
                        mixed,
                        self.visible(turns, np.ones(turns, bool)),
                    )
                    for name in ("audio", "visual")
                ]
                if self.config["fusion_residual"] == "concat":
                    result.append(mixed)
                joined = self.linear(f"{layer}.join", np.concatenate(result, axis=1))
                if self.config["fusion_residual"] == "add":
                    added = joined + mixed
                    joined = np.stack([self.norm(f"{layer}.norm", row) for row in added])
                mixed = joined
            final = np.concatenate([mixed, streams["audio"], streams["visual"]], axis=1)  # eq. 7
            hidden = self.linear("classifier.0", final).clip(min=0)
            rows.append(self.linear("classifier.3", hidden))  # eq. 8
            start += turns
        return np.concatenate(rows)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"enc_skip": False},
        {"layers": 3},
        {"heads": 2},
        {"context": "past"},
        {"context": "none"},
        {"fusion": "concat"},
        {"fusion_layers": 5},
        {"fusion_residual": "add"},
        {"fusion_residual": "concat"},
        {"hidden": 5},
    ],
    ids=str,
)
def test_equations_5_to_8(settings: dict[str, Any]) -> None:
    network, batch = model(**settings), dialogues()
    with torch.inference_mode():
        got = network(batch).logits.numpy()
    np.testing.assert_allclose(got, Written(network, settings).logits(batch), atol=1e-10)


def test_fusion_keeps_the_widths_of_equation_7() -> None:
    network = model()
    assert network.classifier[0].in_features == sum(DIMS.values())
    assert network.classifier[0].out_features == DIMS["text"]


@pytest.mark.parametrize(
    "settings",
    [
        {"pos": "sinusoidal"},
        {"speaker_emb": True},
        {"utterance": "max"},
        {"utterance": "words"},
        {"utterance": {"audio": "words"}},
        {"width": 12},
        {"query": "audio"},
        {"enc_skip": False},
        {"context": "past"},
        {"fusion": "concat"},
        {"fusion_residual": "add"},
        {"ff_mult": 1},
        {"heads": 1},
    ],
    ids=str,
)
def test_every_setting_changes_the_output(settings: dict[str, Any]) -> None:
    batch = dialogues()
    assert not torch.allclose(model(**settings)(batch).logits, model()(batch).logits)


def test_without_positions_the_order_of_utterances_is_not_seen() -> None:
    batch = dialogues()
    turned = [2, 1, 0, *range(3, 8)]
    views = {
        name: Padded(view.values[turned], view.lengths[turned])
        for name, view in batch.views.items()
    }
    other = replace(batch, views=views)

    def differs(**settings: Any) -> bool:
        network = model(**settings)
        return not torch.allclose(network(batch).logits[turned], network(other).logits)

    assert not differs()
    assert differs(pos="sinusoidal")
    assert differs(context="past")


def test_the_past_does_not_see_the_future() -> None:
    batch = dialogues()
    text = batch.views["text"]
    changed = text.values.clone()
    changed[2] += 1  # the last utterance of the first dialogue
    other = batch.with_views({**batch.views, "text": text.with_values(changed)})

    def moved(**settings: Any) -> list[bool]:
        network = model(**settings)
        difference = network(batch).logits - network(other).logits
        return [bool(row.abs().max() > 1e-9) for row in difference]

    assert moved(context="past") == [False, False, True] + 5 * [False]
    assert moved(context="full") == [True, True, True] + 5 * [False]
    assert moved(context="none") == [False, False, True] + 5 * [False]


def test_a_missing_utterance_is_no_key() -> None:
    """Taking an utterance's sound away is the same as making its key invisible."""
    whole, gone = dialogues(), dialogues(missing={"audio": (1,)})
    network = model(layers=1)
    places = m2fnet.Places.of(gone)
    said = network.utterances["audio"](gone.views["audio"], gone, places)
    stream = network.encoders["audio"](*said, places)
    assert not stream.rows[1].any()
    assert stream.visible[0, 0].tolist() == [True, False, True, False]
    query = torch.randn(8, 8).double()
    far = replace(stream, rows=stream.rows.clone())
    far.rows[1] = 100.0
    attended, again = (network.layers[0]._attend("audio", query, s, places) for s in (stream, far))
    assert torch.equal(attended, again)
    logits = network(gone).logits
    assert not torch.allclose(logits[0], network(whole).logits[0])
    torch.testing.assert_close(logits[3:], network(whole).logits[3:])


def test_speakers_beyond_the_last_share_a_vector() -> None:
    batch = dialogues()
    assert batch.speakers is not None
    network = model(speaker_emb=True, speakers=2)
    other = replace(batch, speakers=batch.speakers.clamp(max=1))
    assert torch.equal(network(batch).logits, network(other).logits)


@pytest.mark.parametrize("dims", [{"text": 8}, {"audio": 6}, {"audio": 6, "visual": 4}], ids=str)
def test_any_modalities_will_do(dims: dict[str, int]) -> None:
    network = model(dims)
    assert network(dialogues(dims)).logits.shape == (sum(TURNS), CLASSES)
    assert network.query == ("text" if "text" in dims else "audio")
    assert len(network.layers) == (2 if len(dims) > 1 else 0)


def test_heads_divide_the_width() -> None:
    assert [m2fnet.heads(width, 8) for width in (1024, 300, 600, 35, 7, 13)] == [8, 6, 8, 7, 7, 1]


def test_sinusoids_are_those_of_the_transformer() -> None:
    result = m2fnet.sinusoids(5, 7)
    for place in range(5):
        for d in range(7):
            angle = place / 10000 ** (2 * (d // 2) / 7)
            wanted = math.cos(angle) if d % 2 else math.sin(angle)
            assert result[place, d] == pytest.approx(wanted, abs=1e-6)


def test_an_unknown_way_to_pool_is_refused() -> None:
    with pytest.raises(ConfigError, match="utterance"):
        build(m2fnet.Config, {"utterance": "median"}, "network")


def test_every_modality_may_have_a_depth_of_its_own() -> None:
    same, apart = model(layers=2), model(layers={"text": 2, "audio": 2, "visual": 2})
    assert {k: v.shape for k, v in same.state_dict().items()} == {
        k: v.shape for k, v in apart.state_dict().items()
    }
    some = model(layers={"text": 3, "audio": 2})
    assert [len(some.encoders[name].layers) for name in ("text", "audio", "visual")] == [3, 2, 1]
    with pytest.raises(ConfigError, match=r"'network\.layers\.voice': there is no such modality"):
        model(layers={"voice": 2})


def test_only_modalities_that_are_there_are_pooled_in_a_way_of_their_own() -> None:
    what = r"'network\.utterance\.txet': there is no such modality.*did you mean 'text'"
    with pytest.raises(ConfigError, match=what):
        model(utterance={"text": "mean", "txet": "words"})
    # As the rule of size has it, of whatever modalities.
    silent = model({"audio": 6, "visual": 4}, utterance={"text": "words"})
    assert not [name for name in silent.state_dict() if ".words." in name]


def test_depths_are_set_by_modality_and_kept_with_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, folder = toy.build(tmp_path / "toy"), tmp_path / "run"
    quick = ("train.epochs=1", "train.threads=1", "train.accelerator=cpu", "network.layers.text=2")
    settings = [part for pair in quick for part in ("--set", pair)]
    command = ["train", str(corpus.manifest.path), "--store", str(corpus.store), *settings]
    assert run([*command, "--fusion", "m2fnet", "--run", str(folder)]) == 0
    assert json.loads((folder / "config.json").read_text())["network"]["layers"] == {"text": 2}
    assert 'network.layers = {"text": 2}' in (folder / "README.md").read_text()
    names = load_file(folder / "model.safetensors")
    parts = {m: f"encoders.view_{m}.layers." for m in DIMS}
    depth = {m: {n.split(p)[1][0] for n in names if p in n} for m, p in parts.items()}
    assert {m: len(result) for m, result in depth.items()} == {"text": 2, "audio": 1, "visual": 1}
    assert run(["evaluate", str(folder), "--no-figures"]) == 0
    capsys.readouterr()
    command += ["--fusion", "m2fnet", "--run", str(tmp_path / "x"), "--set"]
    assert run([*command, "network.layers.txt=2"]) == 2
    assert "there is no such modality; did you mean 'text'" in capsys.readouterr().err
    assert run([*command, "network.layers.text=0"]) == 2
    assert "network.layers" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
