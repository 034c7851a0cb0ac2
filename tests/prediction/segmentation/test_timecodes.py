"""Times of subtitles: what a writer writes is read back, and nothing else passes for a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emocli.prediction.segmentation.timecodes import seconds

MILLISECONDS = st.integers(0, 9999 * 3600 * 1000)


@given(MILLISECONDS, st.sampled_from(".,"))
def test_a_clock_is_read_back_to_the_millisecond(milliseconds: int, mark: str) -> None:
    whole, rest = divmod(milliseconds, 1000)
    written = f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{mark}{rest:03d}"
    assert round(seconds(written) * 1000) == milliseconds


@given(st.integers(0, 3600 * 1000 - 1))
def test_hours_may_be_left_out(milliseconds: int) -> None:
    whole, rest = divmod(milliseconds, 1000)
    assert seconds(f"{whole // 60:02d}:{whole % 60:02d}.{rest:03d}") == pytest.approx(
        milliseconds / 1000
    )


@given(st.floats(0, 1e9))
def test_a_number_of_seconds_is_read_back_exactly(number: float) -> None:
    assert seconds(repr(number)) == number


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        value = seconds(text)
    except ValueError:
        return
    assert 0 <= value < float("inf")


@pytest.mark.parametrize("text", ["", "1:2:3:4", "00:61:00", "00:00:75", "-1", "nan", "inf", "٣"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="no time"):
        seconds(text)
