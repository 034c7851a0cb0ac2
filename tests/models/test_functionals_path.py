"""The path of functionals beside a network: what it sees, what it adds, where it is kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch

from emocli import plugins
from emocli.config import merge
from emocli.data.batch import Batch, Padded
from emocli.data.samples import Samples
from emocli.data.store import open_features
from emocli.models import rundir
from emocli.models.functionals import Functionals
from emocli.models.functionals_path import FunctionalsLayer, WithFunctionals
from emocli.models.losses import base_loss
from emocli.models.outline import outline, parameters
from emocli.models.settings import TrainConfig
from emocli.models.whitening import Whitening
from emocli.training.targets import mixed
from emocli.training.train import train
from tests import toy

NETWORKS = ("rrnn", "m3er", "m2fnet", "late")
LIMIT = 1.5

corpus = toy.fixture()


def with_paths(
    fusion: str, corpus: toy.Toy, kind: str = "all", steps: int = 0
) -> tuple[WithFunctionals, Samples]:
    """Return a network with a path that knows the training clips, and these."""
    module = plugins.load("fusion", fusion)
    train = Samples.of(corpus.manifest, "train", open_features(corpus.store, None, corpus.manifest))
    torch.manual_seed(0)
    config = module.Config(**module.PRESETS["plus"]["network"])
    inner = module.Model(train.dims, 3, config)
    inner.set_task("single", "ce")
    network = WithFunctionals(inner, train.dims, 3, kind, 0.5, LIMIT, steps)  # type: ignore[arg-type]
    network.fit(train)
    for path in network.paths:
        torch.nn.init.normal_(path[-1].weight)  # type: ignore[index]
    return network.eval(), train


def batches(network: WithFunctionals, samples: Samples) -> tuple[Batch, Batch]:
    """The same clips, as they are and condensed."""
    clips = samples.clips[:9]
    parts = [replace(s, clips=clips) for s in (samples, samples.condensed_by(network))]
    first, second = (next(iter(part.batches(9, network.level))) for part in parts)
    return first, second


def test_it_sees_what_the_baselines_see(corpus: toy.Toy) -> None:
    network, train = with_paths("late", corpus)
    batch = train.batch(train.clips)
    summaries = [network.summaries[name](batch.views[name]) for name in train.stores]
    expected = Functionals.fit(train, LIMIT)(train)
    np.testing.assert_allclose(torch.cat(summaries, dim=1), expected, atol=2e-4)
    assert np.abs(expected).max() == LIMIT


def test_it_whitens_by_what_it_sees(tmp_path: Path) -> None:
    """Also of a view with one step per clip, of which mean alone varies; views by name."""
    corpus = toy.build(tmp_path)
    random = np.random.default_rng(0)
    texts = {clip.id: random.normal(size=(1, 4)) for clip in corpus.manifest.clips}
    toy.write_feature(corpus.store, "glove", "text", corpus.manifest, texts)
    network, train = with_paths("late", corpus, "whitened")
    view = train.batch(train.clips).views
    columns = [network.summaries[name](view[name]) for name in ("audio", "text", "visual")]
    assert not columns[1][:, 4:].any()
    x = torch.cat(columns, dim=1)
    expected = Whitening(x.shape[1], LIMIT)
    expected.fit(x.double().numpy(), train.manifest.targets(train.clips))
    whitened = network.paths[0][0](x)  # type: ignore[index]
    torch.testing.assert_close(whitened, expected(x), rtol=1e-3, atol=1e-3)


def test_noise_takes_them_no_further_than_the_limit() -> None:
    values, lengths = torch.rand(5, 7, 3), torch.full((5,), 7)
    view, noise = Padded(values, lengths), Padded(1e5 * values, lengths)
    free, limited = FunctionalsLayer(3), FunctionalsLayer(3, limit=3.0)
    torch.testing.assert_close(free(view), limited(view), rtol=0, atol=0)
    assert free(noise).abs().max() > 1e3
    assert limited(noise).abs().max() == 3


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_of_longer_views_it_sees_the_means_of_several_steps(steps: int, corpus: toy.Toy) -> None:
    network, train = with_paths("late", corpus, steps=steps)
    lengths = [store.length(clip.id) for clip in train.clips for store in train.stores.values()]
    assert max(lengths) > steps
    batch = train.batch(train.clips)
    summaries = [network.summaries[name](batch.views[name]) for name in train.stores]
    expected = Functionals.fit(train, LIMIT, steps)(train)
    np.testing.assert_allclose(torch.cat(summaries, dim=1), expected, atol=2e-4)
    assert not np.allclose(expected, Functionals.fit(train, LIMIT)(train))


def test_without_a_path_such_means_are_of_no_use() -> None:
    (line,) = TrainConfig(functionals_steps=40).idle
    assert line == "train.functionals_steps = 40 averages nothing with train.functionals = none"
    assert not TrainConfig(functionals_steps=40, functionals="linear").idle


def test_noise_averages_out_of_such_means() -> None:
    torch.manual_seed(0)
    slow = torch.linspace(-1, 1, 400)[None, :, None].expand(8, -1, 3)
    lengths = torch.full((8,), 400)
    clean, noisy = Padded(slow, lengths), Padded(slow + torch.randn(slow.shape), lengths)
    changes = [
        (layer(noisy) - layer(clean)).abs().max()
        for layer in (FunctionalsLayer(3), FunctionalsLayer(3, steps=10))
    ]
    assert changes[1] < changes[0] / 5


@pytest.mark.parametrize("fusion", NETWORKS)
def test_condensed_clips_give_the_same(fusion: str, corpus: toy.Toy) -> None:
    network, train = with_paths(fusion, corpus, steps=2)
    plain, condensed = batches(network, train)
    assert condensed.condensed
    torch.testing.assert_close(
        network(condensed).logits, network(plain).logits, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("fusion", NETWORKS)
def test_the_logits_are_the_mean_of_all(fusion: str, corpus: toy.Toy) -> None:
    network, train = with_paths(fusion, corpus)
    plain, _ = batches(network, train)
    own = network.network(plain).logits
    summaries = [network.summaries[name](plain.views[name]) for name in network.summaries]
    others = [path(torch.cat(summaries, dim=-1)) for path in network.paths]
    assert len(others) == 3
    assert all(other.any() for other in others)
    torch.testing.assert_close(network(plain).logits, (own + sum(others)) / 4)


def test_each_learns_by_its_own_loss(corpus: toy.Toy) -> None:
    """The path's gradient does not depend on the network, nor the network's on the path."""
    network, train = with_paths("late", corpus)
    plain, _ = batches(network, train)
    loss = base_loss("ce", "single", None, 0.0)
    network.train()
    network.network.eval()
    shared = next(network.network.parameters())
    torch.manual_seed(1)
    output = network(plain)
    assert output.path_logits is not None
    total = network.loss(output, plain, loss)
    assert plain.targets is not None
    parts = [output.logits, *output.path_logits]
    expected = sum(loss(logits, plain.targets) for logits in parts)
    torch.testing.assert_close(total, expected)
    (own,) = torch.autograd.grad(loss(output.logits, plain.targets), shared, retain_graph=True)
    (both,) = torch.autograd.grad(total, shared)
    torch.testing.assert_close(own, both)


@pytest.mark.parametrize("fusion", NETWORKS)
def test_it_has_an_outline(fusion: str) -> None:
    """A network whose parameters have no values yet condenses nothing, but knows its widths."""
    module = plugins.load("fusion", fusion)
    dims, config = {"text": 4, "audio": 2}, module.Config(**module.PRESETS["plus"]["network"])
    built = outline(lambda: WithFunctionals(module.Model(dims, 3, config), dims, 3, "all", 0.5))
    real = WithFunctionals(module.Model(dims, 3, config), dims, 3, "all", 0.5)
    assert built.widths == real.widths
    assert parameters(built) == parameters(real) > parameters(real.network)


@pytest.mark.parametrize("steps", [0, 2])
def test_a_view_that_is_missing_or_discarded_is_the_mean(steps: int, corpus: toy.Toy) -> None:
    network, train = with_paths("late", corpus, steps=steps)
    view = train.batch(train.clips[:2]).views["audio"]
    gone = Padded(view.values, torch.zeros_like(view.lengths))
    discarded = view.with_values(torch.zeros_like(view.values))
    for nothing in (gone, discarded):
        assert not network.summaries["audio"](nothing).any()
    assert network.summaries["audio"](view).any()


def test_a_mixture_does_not_get_what_its_clip_lacks(corpus: toy.Toy) -> None:
    """As it is where nothing was condensed."""
    network, train = with_paths("late", corpus)
    there = [train.array(clip.id, "audio") for clip in train.clips[:3]]
    rows = [network.condense("", "audio", each) for each in (there[0][:0], *there)]
    batch = Batch(("a", "b", "c", "d"), {"audio": Padded.from_rows(rows)}, condensed=True)
    blend = mixed(batch, 3, 0.4, np.random.default_rng(0))
    assert blend.views["audio"].values[0].any()
    summaries, _ = network._unpacked(blend)
    assert not summaries["audio"][0].any()
    assert summaries["audio"][1:].any(dim=1).all()


@pytest.mark.parametrize("steps", [0, 4])
def test_they_have_a_gradient_where_steps_are_equal_or_missing(steps: int) -> None:
    values = torch.randn(3, 8, 2)
    values[1] = 1
    view = Padded(values.requires_grad_(), torch.tensor([8, 7, 0]))
    FunctionalsLayer(2, steps=steps)(view).sum().backward()
    assert values.grad is not None
    assert values.grad.isfinite().all()
    assert values.grad[0].all()
    assert not values.grad[2].any()


def test_single_steps_count_once() -> None:
    """Spread and largest value of a view with a step per clip say nothing more."""
    path = WithFunctionals(
        plugins.load("fusion", "late").Model(
            {"text": 2}, 2, plugins.load("fusion", "late").Config()
        ),
        {"text": 2},
        2,
        "linear",
        0.5,
    )
    path.summaries["text"].fit(np.array([1.0, 2.0]), np.array([2.0, 4.0]))  # type: ignore[operator]
    view = Padded(torch.tensor([[[3.0, 6.0]]]), torch.tensor([1]))
    assert path.summaries["text"](view).tolist() == [[1.0, 1.0, 0.0, 0.0, 0.0, 0.0]]


def test_a_run_keeps_it_and_without_it_the_run_is_another(corpus: toy.Toy, tmp_path: Path) -> None:
    outputs = []
    for path, steps in (("none", 0), ("linear", 0), ("mlp", 0), ("whitened", 0), ("linear", 2)):
        own = {"functionals": path, "functionals_steps": steps}
        settings = merge(toy.QUICK, {"train": own})
        where = tmp_path / f"{path}-{steps}"
        options = {"fusion": "late", "settings": settings, "baselines": False}
        train(corpus.manifest, corpus.store, run=where, **options)
        run = rundir.load(where)
        assert isinstance(run.network, WithFunctionals) == (path != "none")
        stores = open_features(corpus.store, None, corpus.manifest)
        test = Samples.of(corpus.manifest, "test", stores).then(run.standardiser)
        outputs.append(run.network(test.batch(test.clips)).logits)
    for first, second in combinations(range(5), 2):
        assert not torch.allclose(outputs[first], outputs[second])
