from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch

from emocli.data.batch import Padded
from emocli.errors import StoreError
from emocli.robust.proxy.generator import ProxyGenerator
from emocli.robust.proxy.settings import MODES, ProxyConfig, configure
from tests.robust.latent import DIMS, Rows, clips, padded

TRAIN, TEST = clips(400, 1), clips(60, 3)
N = 60


def trust(*bad: str, n: int = N) -> dict[str, np.ndarray]:
    return {m: np.full(n, m not in bad) for m in DIMS}


def error(made: Padded, truth: list[np.ndarray]) -> float:
    """Relative L2 of the proxies; the mean predictor has about 1."""
    pairs = zip(made.rows(), truth, strict=True)
    off = sum(float(np.square(a - b).sum()) for a, b in pairs)
    return float(np.sqrt(off / sum(float(np.square(b).sum()) for b in truth)))


def made(config: ProxyConfig, bad: str = "text", train: Rows = TRAIN, test: Rows = TEST) -> Padded:
    n = len(test[bad])
    return ProxyGenerator.fit(padded(train), config).fill(padded(test), trust(bad, n=n))[bad]


@pytest.mark.parametrize("bad", DIMS)
@pytest.mark.parametrize(
    ("mode", "components"), [("knn_ls", 10), ("ridge", 10), ("paired_qr", 40), ("affine", 10)]
)
def test_a_bad_modality_is_regenerated_from_the_others(
    mode: str, components: int, bad: str
) -> None:
    assert error(made(ProxyConfig(mode=mode, components=components), bad), TEST[bad]) < 0.97


def test_unpaired_bases_are_worse_than_the_mean() -> None:
    assert error(made(configure("literal")), TEST["text"]) >= 1.0


@pytest.mark.parametrize("level", ["utterance", "step"])
@pytest.mark.parametrize("aligned", [True, False])
def test_sequences_of_any_rate(level: str, aligned: bool) -> None:
    train, test = (clips(n, k, aligned=aligned) for n, k in ((400, 1), (60, 3)))
    result = made(ProxyConfig(mode="ridge", level=level), "text", train, test)
    assert result.lengths.tolist() == [len(row) for row in test["text"]]
    assert error(result, test["text"]) < 0.9


def test_step_by_step_is_not_the_whole_utterance() -> None:
    whole, steps = (made(ProxyConfig(mode="ridge", level=lv)) for lv in ("utterance", "step"))
    assert not torch.allclose(whole.values, steps.values)


def test_several_sources_are_averaged_or_taken_together() -> None:
    def alone(*bad: str) -> torch.Tensor:
        generator = ProxyGenerator.fit(padded(TRAIN), ProxyConfig(mode="ridge"))
        return generator.fill(padded(TEST), trust("text", *bad))["text"].values

    mean = made(ProxyConfig(mode="ridge"))
    assert torch.allclose(mean.values, (alone("audio") + alone("visual")) / 2, atol=1e-6)
    mean, joint = (
        made(ProxyConfig(mode="ridge", sources=sources, components=10))
        for sources in ("mean", "joint")
    )
    assert error(joint, TEST["text"]) < error(mean, TEST["text"])


def test_what_is_effective_stays_bit_identical() -> None:
    views, flags = padded(TEST), trust()
    flags["text"][::2] = False
    flags["audio"][::3] = False
    filled = ProxyGenerator.fit(padded(TRAIN)).fill(views, flags)
    assert filled["visual"] is views["visual"]
    for modality in ("text", "audio"):
        kept = torch.from_numpy(flags[modality])
        assert torch.equal(filled[modality].values[kept], views[modality].values[kept])
        assert not torch.equal(filled[modality].values[~kept], views[modality].values[~kept])
        assert torch.equal(filled[modality].lengths, views[modality].lengths)


def test_the_bad_features_themselves_have_no_say() -> None:
    other = {**TEST, "text": [1e6 * np.ones_like(row) for row in TEST["text"]]}
    assert torch.equal(made(ProxyConfig()).values, made(ProxyConfig(), test=other).values)
    nan = {**TEST, "text": [np.full_like(row, np.nan) for row in TEST["text"]]}
    assert torch.equal(made(ProxyConfig()).values, made(ProxyConfig(), test=nan).values)


def test_a_missing_modality_is_as_long_as_its_partners_say() -> None:
    def twice(rows: Rows) -> Rows:
        return {**rows, "audio": [np.repeat(row, 2, axis=0) for row in rows["audio"]]}

    train, test = twice(TRAIN), twice(TEST)
    gone = {**test, "audio": [row[:0] for row in test["audio"]]}
    result = made(ProxyConfig(), "audio", train, gone)
    assert result.lengths.tolist() == [len(row) for row in test["audio"]]
    assert error(result, test["audio"]) < 0.97
    aligned = made(ProxyConfig(), test={**TEST, "text": [row[:0] for row in TEST["text"]]})
    assert aligned.lengths.tolist() == [len(row) for row in TEST["audio"]]


def test_vectors_are_sequences_of_one_step() -> None:
    train, test = (
        {m: [row.mean(0, keepdims=True) for row in rows] for m, rows in part.items()}
        for part in (TRAIN, TEST)
    )
    result = made(ProxyConfig(mode="ridge"), train=train, test=test)
    assert set(result.lengths.tolist()) == {1}
    assert error(result, test["text"]) < 0.9


@pytest.mark.parametrize("mode", MODES)
def test_where_nothing_is_effective_nothing_is_made_up(mode: str) -> None:
    generator = ProxyGenerator.fit(padded(TRAIN), ProxyConfig(mode=mode))
    views, nothing = padded(TEST), trust(*DIMS)
    assert generator.fill(views, nothing) == views
    assert not any(result.any() for result in generator.fillable(views, nothing).values())


def test_without_common_training_clips_there_is_no_partner() -> None:
    apart = {m: list(rows) for m, rows in TRAIN.items()}
    for k in range(400):
        gone = "text" if k % 2 else "audio"
        apart[gone][k] = apart[gone][k][:0]
    generator = ProxyGenerator.fit(padded(apart))
    flags = trust("text", "visual")
    assert not generator.fillable(padded(TEST), flags)["text"].any()
    assert generator.fillable(padded(TEST), flags)["visual"].all()
    views = padded(TEST)
    assert generator.fill(views, flags)["text"] is views["text"]
    assert generator.fillable(views, trust("text"))["text"].all()  # from visual
    joint = ProxyGenerator.fit(padded(apart), ProxyConfig(sources="joint"))
    assert torch.equal(
        joint.fill(views, trust("text"))["text"].values,
        generator.fill(views, trust("text"))["text"].values,
    )


def test_what_is_trusted_but_not_there_is_no_source() -> None:
    generator = ProxyGenerator.fit(padded(TRAIN))
    gone = padded({**TEST, "audio": [np.full_like(row, np.nan) for row in TEST["audio"]]})
    flags = trust("text")
    without = generator.fill(gone, flags)["text"]
    assert torch.equal(
        without.values, generator.fill(padded(TEST), trust("text", "audio"))["text"].values
    )


def test_steps_that_were_not_observed_are_after_a_proxy() -> None:
    views = padded(TEST)
    shown = views["text"].mask.clone()
    shown[:, 0] = False
    views["text"] = Padded(views["text"].values, views["text"].lengths, shown)
    flags = trust()
    flags["text"][0] = False
    filled = ProxyGenerator.fit(padded(TRAIN)).fill(views, flags)["text"]
    assert filled.mask[:, 0].tolist() == [True, *[False] * (N - 1)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sources", ["mean", "joint"])
@pytest.mark.parametrize("level", ["utterance", "step"])
def test_another_order_of_the_training_clips_gives_the_same(
    mode: str, sources: str, level: str
) -> None:
    """Bit by bit; also with clips that lack a modality, or that one modality holds twice."""
    train = {m: list(rows[:120]) for m, rows in TRAIN.items()}
    train["audio"][7] = train["audio"][7][:0]
    train["visual"][9] = train["visual"][8]
    config = ProxyConfig(mode=mode, sources=sources, level=level, k=20)
    order = np.random.default_rng(2).permutation(120)
    shuffled = {m: [rows[k] for k in order] for m, rows in train.items()}
    one, other = (made(config, "text", part) for part in (train, shuffled))
    assert torch.equal(one.values, other.values)


def test_mistakes_are_named() -> None:
    generator = ProxyGenerator.fit(padded(TRAIN))

    def refused(views: Mapping[str, Padded], message: str) -> None:
        with pytest.raises(StoreError, match=message):
            generator.fill(views, {m: np.ones(N, bool) for m in views})

    refused(padded({"smell": TEST["text"]}), "fitted on text, audio, visual, not on 'smell'")
    refused(padded({"text": TEST["audio"]}), "proxies of text were fitted on 40 columns, not 30")
    with pytest.raises(StoreError, match="made of another modality, there is text"):
        ProxyGenerator.fit(padded({"text": TRAIN["text"]}))
