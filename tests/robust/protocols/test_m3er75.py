from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from emocli.robust.protocols.m3er75 import Config

THREE = ("visual", "text", "audio")
N = 4000


def draws(level: str, present: tuple[str, ...] = THREE) -> list[frozenset[str]]:
    config, rng = Config.parse(level), np.random.default_rng(0)
    return [frozenset(config.draw(present, rng)) for _ in range(N)]


@pytest.mark.parametrize("mode", ["one", "iid", "subset"])
@pytest.mark.parametrize("present", [THREE, THREE[:2], THREE[:1]])
def test_three_clips_in_four_are_struck(mode: str, present: tuple[str, ...]) -> None:
    assert np.mean([bool(s) for s in draws(mode, present)]) == pytest.approx(0.75, abs=0.025)


def test_one_is_one_and_each_as_likely() -> None:
    counts = Counter(draws("one"))
    counts.pop(frozenset())
    assert set(map(len, counts)) == {1}
    assert all(count == pytest.approx(N / 4, rel=0.1) for count in counts.values())


def test_iid_strikes_each_by_itself() -> None:
    hit = np.array([[m in s for m in THREE] for s in draws("iid")])
    assert hit.mean(axis=0) == pytest.approx([1 - 0.25 ** (1 / 3)] * 3, abs=0.025)
    assert np.corrcoef(hit.T)[np.triu_indices(3, 1)] == pytest.approx([0] * 3, abs=0.05)


def test_subset_is_never_all_and_each_as_likely() -> None:
    counts = Counter(draws("subset"))
    counts.pop(frozenset())
    assert set(map(len, counts)) == {1, 2}
    assert len(counts) == 6
    assert all(count == pytest.approx(N / 8, rel=0.15) for count in counts.values())


def test_what_is_struck_is_noisy_or_missing() -> None:
    rng, values = np.random.default_rng(0), np.ones((50, 4), np.float32)
    certain = Config(share=1.0)
    ((_, noise),) = certain.draw(["audio"], rng).items()
    assert np.square(noise(values, rng, ()) - values).mean() == pytest.approx(100, rel=0.3)
    ((_, gone),) = Config(share=1.0, missing=True).draw(["audio"], rng).items()
    assert gone(values, rng, ()).shape == (0, 4)


def test_nothing_is_struck_where_nothing_is() -> None:
    assert not Config(share=1.0).draw([], np.random.default_rng(0))


def test_the_order_of_the_modalities_does_not_matter() -> None:
    config = Config()
    for seed in range(50):
        first, second = (
            config.draw(names, np.random.default_rng(seed)) for names in (THREE, THREE[::-1])
        )
        assert set(first) == set(second)
