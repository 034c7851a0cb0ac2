"""A learnt mix of layers: its mean, its gradient, what it changes, where it is kept."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emocli.config import merge
from emocli.data.batch import Batch, Padded
from emocli.data.samples import Samples
from emocli.data.store import open_features
from emocli.data.track import Track
from emocli.errors import ConfigError
from emocli.evaluation.evaluate import evaluate
from emocli.models import rundir
from emocli.models.functionals import Functionals
from emocli.models.functionals_path import WithFunctionals
from emocli.models.layer_mix import LayerMix, WithLayerMix, layer_count, mixed_dims
from emocli.models.run_config import Layers
from emocli.plugin.training import PLUS
from tests import toy

NAMES = tuple(f"layer{layer}.h{column}" for layer in (0, 4, 8) for column in range(4))
FEATURES = ["layered", "glove"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> toy.Toy:
    """A toy corpus with a feature of three layers, of which the last one tells the class."""
    result = toy.build(tmp_path_factory.mktemp("toy"))
    rng = np.random.default_rng(0)
    store = open_features(result.store, ["mel"], result.manifest)["audio"]
    tracks = {}
    for clip in store.ids:
        told = np.asarray(store[clip], np.float32)[:, :4]
        noise = rng.normal(size=(2, *told.shape)).astype(np.float32)
        tracks[clip] = Track(np.hstack([*noise, told]))
    toy.write_tracks(result.store, "layered", "audio", result.manifest, tracks, names=NAMES)
    return result


def trained(made: toy.Toy, run: Path, **train: Any) -> rundir.Run:
    settings = merge(toy.QUICK, {"train": train})
    made.request(run, preset="paper", settings=settings, features=FEATURES).train()
    return rundir.load(run)


def standardised(made: toy.Toy, run: rundir.Run) -> Batch:
    """The test clips as the run's network sees them."""
    stores = open_features(made.store, FEATURES, made.manifest)
    test = Samples.of(made.manifest, "test", stores).then(run.standardiser)
    return test.batch(test.clips)


def test_layers_are_told_by_the_names_of_columns() -> None:
    assert layer_count(NAMES) == 3
    assert layer_count(["layer-1.h0", "layer-4.h0"]) == 2
    assert layer_count([]) == 1
    assert layer_count(["h0000", "h0001"]) == 1
    assert layer_count([*NAMES, "pitch"]) == 1
    assert layer_count(NAMES[:-1]) == 1
    assert layer_count(["mean.layer0.h0", "mean.layer1.h0", "std.layer0.h0", "std.layer1.h0"]) == 1


def test_the_mix_and_its_gradient_are_those_of_loops() -> None:
    torch.manual_seed(0)
    mix, values = LayerMix([Layers(count=3, dim=6)]), torch.randn(2, 5, 6)
    with torch.no_grad():
        mix.scores.copy_(torch.tensor([0.3, -1.0, 0.8]))
    mixed = mix(values)
    mixed.sum().backward()
    scores = [0.3, -1.0, 0.8]
    weights = [math.exp(s) / sum(map(math.exp, scores)) for s in scores]
    sums = [float(values[..., 2 * k : 2 * k + 2].sum()) for k in range(3)]
    mean = sum(w * s for w, s in zip(weights, sums, strict=True))
    for n in range(2):
        for t in range(5):
            for d in range(2):
                wanted = sum(weights[k] * float(values[n, t, 2 * k + d]) for k in range(3))
                assert mixed[n, t, d].item() == pytest.approx(wanted, abs=1e-6)
    for k in range(3):
        assert mix.scores.grad is not None
        assert mix.scores.grad[k].item() == pytest.approx(weights[k] * (sums[k] - mean), abs=1e-5)


def test_a_run_learns_keeps_and_uses_it(corpus: toy.Toy, tmp_path: Path) -> None:
    off = trained(corpus, tmp_path / "off", functionals="both")
    on = trained(corpus, tmp_path / "on", functionals="both", layer_mix=True, refit=True)
    assert not any("mixes" in name for name in off.network.state_dict())
    assert {name: view.layers for name, view in on.config.features.items()} == {
        "audio": 3,
        "text": 1,
    }
    assert evaluate(on.path, figures=False).data["n"] == toy.SIZES["test"]
    batch = standardised(corpus, on)
    before = on.network(batch).logits
    assert torch.equal(before, rundir.load(on.path).network(batch).logits)
    scores = on.network.state_dict()["mixes.view_audio.scores"]
    assert scores.abs().min() > 0
    with torch.no_grad():
        scores.copy_(torch.tensor([0.0, 0.0, 9.0]))
    assert not torch.equal(before, on.network(batch).logits)


def test_the_last_layer_weighs_most_where_it_alone_tells(corpus: toy.Toy, tmp_path: Path) -> None:
    run = trained(corpus, tmp_path / "run", layer_mix=True, epochs=12, patience=12, lr=0.03)
    weights = torch.softmax(run.network.state_dict()["mixes.view_audio.scores"], dim=0)
    assert weights.argmax() == 2


def test_paths_of_functionals_see_the_mix_too(corpus: toy.Toy) -> None:
    """Under equal weights they are standardised as the functionals of the layers' mean."""
    stores = open_features(corpus.store, FEATURES, corpus.manifest)
    train = Samples.of(corpus.manifest, "train", stores)
    prepared = corpus.request(
        "unwritten", features=FEATURES, settings={"train": {"layer_mix": True}}
    ).trainings()[0]
    network = rundir.make_network(prepared.config)
    assert isinstance(network, WithLayerMix)
    assert isinstance(network.network, WithFunctionals)
    network.fit(train)
    mixed = train.then(network._evenly)
    expected = Functionals.fit(mixed, PLUS["functionals_limit"])(mixed)
    batch = network._mixed(train.batch(train.clips))
    summaries = [network.network.summaries[name](batch.views[name]) for name in train.stores]
    np.testing.assert_allclose(torch.cat(summaries, dim=1).detach(), expected, atol=2e-4)


def test_of_joined_features_each_has_its_own_mix(corpus: toy.Toy, tmp_path: Path) -> None:
    """A plain feature beside the layers stays as it is, bit by bit."""
    settings = merge(toy.QUICK, {"train": {"layer_mix": True, "functionals": "linear"}})
    features = ["mel+layered", "glove"]
    corpus.request(tmp_path / "run", settings=settings, features=features).train()
    run = rundir.load(tmp_path / "run")
    joined = open_features(corpus.store, features, corpus.manifest)
    test = Samples.of(corpus.manifest, "test", joined)
    batch = test.batch(test.clips)
    assert run.config.features["audio"].layered == (Layers(dim=5), Layers(count=3, dim=12))
    assert isinstance(run.network, WithLayerMix)
    mixed = run.network._mixed(batch).views["audio"].values
    mel, layered = batch.views["audio"].values.split([5, 12], dim=-1)
    assert torch.equal(mixed[..., :5], mel)
    scores = run.network.mixes["audio"].scores
    assert scores[0] == 0
    assert scores[1:].abs().min() > 0
    weights = torch.softmax(scores[1:], dim=0)
    expected = (layered.unflatten(-1, (3, 4)) * weights[:, None]).sum(dim=-2)
    torch.testing.assert_close(mixed[..., 5:], expected)
    assert evaluate(run.path, figures=False).data["n"] == toy.SIZES["test"]


def test_clips_may_lack_the_layers(corpus: toy.Toy) -> None:
    training = corpus.request(
        "unwritten", features=FEATURES, settings={"train": {"layer_mix": True}}
    ).trainings()[0]
    network = rundir.make_network(training.config)
    assert isinstance(network, WithLayerMix)
    assert network._evenly("a", "audio", np.zeros((0, 12), np.float32)).shape == (0, 4)


def test_padding_is_not_read() -> None:
    view = Padded(torch.randn(2, 4, 6), torch.tensor([4, 2]))
    mix = LayerMix([Layers(count=3, dim=6)])
    nothing = view.values.masked_fill(~view.mask[..., None], torch.nan)
    got, wanted = mix(nothing), mix(view.values)
    assert torch.equal(got[view.mask], wanted[view.mask])


def test_features_without_several_layers_are_refused(corpus: toy.Toy, tmp_path: Path) -> None:
    settings = merge(toy.QUICK, {"train": {"layer_mix": True}})
    request = corpus.request(tmp_path / "run", settings=settings, features=["mel", "glove"])
    with pytest.raises(ConfigError, match="no feature has several layers side by side"):
        request.train()
    assert not (tmp_path / "run").exists()
    with pytest.raises(ConfigError, match="the 7 columns of audio are not 3 layers"):
        mixed_dims({"audio": 7}, {"audio": [Layers(count=3, dim=7)]})
    with pytest.raises(ConfigError, match=r"the 9 columns of audio are not 3 \+ 1 layers"):
        mixed_dims({"audio": 9}, {"audio": [Layers(count=3, dim=6), Layers(dim=2)]})
