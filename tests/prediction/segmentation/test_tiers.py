"""Tiers of annotations: whose they are, what is in them, and the transcript they make."""

from __future__ import annotations

from pathlib import Path

import pytest

from emocli.errors import MediaError
from emocli.plugin.transcript import Line
from emocli.prediction.segmentation.tiers import Tier, transcript

HERE = Path("talk.eaf")


@pytest.mark.parametrize(
    ("name", "role", "speaker"),
    [
        ("Anna - words", "words", "Anna"),
        ("words", "words", ""),
        ("Anna (phones)", "phones", "Anna"),
        ("Anna", "lines", "Anna"),
        ("Anna_utterances", "lines", "Anna"),
        ("default", "lines", ""),
        ("Passwords", "lines", "Passwords"),
    ],
)
def test_a_name_tells_what_is_in_a_tier_and_whose_it_is(name: str, role: str, speaker: str) -> None:
    tier = Tier(name, ())
    assert (tier.role, tier.speaker) == (role, speaker)


def test_a_participant_is_the_speaker_whatever_the_tier_is_called() -> None:
    assert Tier("Anna - words", (), " Ben ").speaker == "Ben"


def test_words_go_to_the_lines_of_their_speaker() -> None:
    tiers = [
        Tier("Anna", (Line(0, 2, "oh well"), Line(3, 4, "yes"))),
        Tier("Anna - words", (Line(0, 0.9, "oh"), Line(1, 1.9, "well"), Line(3, 3.5, "yes"))),
        Tier("Ben", (Line(1, 2.5, "no"),)),
        Tier("Anna - phones", (Line(0, 0.1, "o"),)),
    ]
    read = transcript(tiers, (), HERE)
    assert [(line.speaker, line.text) for line in read.lines] == [
        ("Anna", "oh well"),
        ("Ben", "no"),
        ("Anna", "yes"),
    ]
    assert [[word.text for word in line.words] for line in read.lines] == [
        ["oh", "well"],
        [],
        ["yes"],
    ]
    assert read.notes == ("tiers of phones left out: Anna - phones",)


def test_words_alone_are_joined_up_to_a_pause() -> None:
    words = (Line(0, 0.4, "oh", place="row 1"), Line(0.5, 0.9, "well"), Line(2, 2.4, "yes"))
    read = transcript([Tier("Anna - words", words)], (), HERE)
    assert [(line.text, line.speaker) for line in read.lines] == [
        ("oh well", "Anna"),
        ("yes", "Anna"),
    ]


def test_only_the_wanted_tiers_are_read() -> None:
    tiers = [Tier("Anna", (Line(0, 1, "a"),)), Tier("Ben", (Line(1, 2, "b"),))]
    assert [line.text for line in transcript(tiers, ("Ben",), HERE).lines] == ["b"]
    with pytest.raises(MediaError, match=r"has no tier 'Bem'; did you mean 'Ben'"):
        transcript(tiers, ("Bem",), HERE)


def test_tiers_without_lines_are_refused_with_their_names() -> None:
    with pytest.raises(MediaError, match=r"no annotation with times and a text; tiers: Anna"):
        transcript([Tier("Anna", ())], (), HERE)
    with pytest.raises(MediaError, match="tiers: none"):
        transcript([], (), HERE)
