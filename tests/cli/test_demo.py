from __future__ import annotations

import math

import pytest

from emocli.cli.commands import demo
from emocli.pipeline.demo_report import Accuracy


@pytest.mark.parametrize(
    ("ci", "text"),
    [
        ((0.7512, 0.8449), "0.80 ± 0.03 [0.75, 0.84]"),
        ((math.nan, math.nan), "0.80 ± 0.03"),
        ((None, None), "0.80 ± 0.03"),
    ],
)
def test_an_accuracy_has_two_digits_and_its_interval_where_there_is_one(
    ci: tuple[float | None, float | None], text: str
) -> None:
    assert demo._accuracy(Accuracy(accuracy=0.8, std=0.0312, ci=ci)) == text
