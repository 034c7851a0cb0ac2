from __future__ import annotations

import pytest

from emocli.cli.options import with_defaults


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["evaluate", "run", "--proxy"], ["evaluate", "run", "--proxy", "plus"]),
        (["--proxy", "--check"], ["--proxy", "plus", "--check"]),
        (["--proxy", "ridge", "--check"], ["--proxy", "ridge", "--check"]),
        (["--proxy=ridge"], ["--proxy=ridge"]),
        ([], []),
    ],
)
def test_a_value_may_be_left_out(given: list[str], meant: list[str]) -> None:
    assert with_defaults(given) == meant
