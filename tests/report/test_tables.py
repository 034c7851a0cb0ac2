"""How the numbers of a table are written."""

from __future__ import annotations

import pytest

from emocli.report.tables import text


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0.1234, "0.123"), (0.00012, "0.00012"), (9.71e-17, "0.000"), (-1e-16, "0.000"), (3, "3")],
)
def test_small_numbers_keep_their_digits_and_rounding_errors_are_zero(
    number: float, shown: str
) -> None:
    assert text(number) == shown
