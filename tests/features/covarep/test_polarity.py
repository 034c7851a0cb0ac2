from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from emocli.features.covarep.polarity import _skewness, polarity
from tests.features.covarep.conftest import Reference
from tests.features.covarep.voices import FS, voice


@pytest.mark.parametrize("f0", [80, 120, 250])
def test_an_inverted_voice_is_known(f0: float) -> None:
    assert polarity(voice(f0), FS) == 1
    assert polarity(-voice(f0), FS) == -1


def test_skewness_from_sums_of_powers() -> None:
    values = np.random.default_rng(0).gamma(2, size=500)
    sums = [float(np.sum(values**power)) for power in range(4)]
    assert _skewness(*sums) == pytest.approx(stats.skew(values))
    assert _skewness(3, 6, 12, 24) == 0


@pytest.mark.parametrize("size", [0, 1, 50, 401, 2000])
def test_what_has_no_polarity_is_upright(size: int) -> None:
    assert polarity(np.zeros(size), FS) == 1
    assert polarity(np.full(size, 0.1), FS) in (-1, 1)


def test_it_is_covareps(references: list[Reference]) -> None:
    known = [int(each.arrays["polarity"]) for each in references]
    assert {-1, 1} == set(known)
    recorded = [each.x * sign for each, sign in zip(references, known, strict=True)]
    assert [polarity(x, FS) for x in recorded] == known
    assert [polarity(-x, FS, block_s=1.5) for x in recorded] == [-sign for sign in known]
