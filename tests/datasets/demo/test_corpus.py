"""The plan: balanced, split by speaker, and ambiguous in each modality by itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest

from emocli import config as settings
from emocli.datasets.demo.corpus import (
    EMOTIONS,
    NEIGHBOURS,
    Blend,
    Clarity,
    ClipPlan,
    Config,
    Sizes,
    plan,
    stream,
    varied,
)
from emocli.datasets.demo.language import DEGREES
from emocli.datasets.demo.render import schedule
from emocli.datasets.demo.voice import DELIVERIES, SPREAD
from emocli.errors import ConfigError

DEGREE_OF = {word: degree for degree, words in DEGREES.items() for word in words if word}
LARGE = Config(dialogues=Sizes(train=250, valid=1, test=1))


@pytest.fixture(scope="module")
def usual() -> list[ClipPlan]:
    return plan(Config())


@pytest.fixture(scope="module")
def many() -> list[ClipPlan]:
    return plan(LARGE)


def shares(utterances: list[ClipPlan], modality: str) -> np.ndarray:
    return np.array([u.shown[modality].shares[u.emotion] for u in utterances])


def test_more_speakers_than_names_can_be_spoken_to() -> None:
    few = Sizes(train=20, valid=1, test=1)
    config = Config(speakers=Sizes(train=20, valid=2, test=2), dialogues=few)
    many = plan(config)
    assert len({result.speaker.name for result in many}) == 24
    for result in many:
        score, _ = schedule(result, config)
        assert len(score.words) == len(result.text.split())


def test_no_speaker_and_no_dialogue_crosses_the_splits(usual: list[ClipPlan]) -> None:
    for what in (lambda u: u.speaker.name, lambda u: u.dialogue):
        groups = [{what(u) for u in usual if u.split == s} for s in ("train", "valid", "test")]
        assert all(groups)
        assert all(not a & b for a, b in combinations(groups, 2))


def test_the_splits_are_balanced(usual: list[ClipPlan]) -> None:
    assert Counter(u.split for u in usual) == {"train": 56, "valid": 16, "test": 200}
    for split in ("train", "valid", "test"):
        counts = Counter(u.emotion for u in usual if u.split == split)
        assert set(counts) == set(EMOTIONS)
        assert len(set(counts.values())) == 1


def test_ids_are_unique_and_turns_alternate(usual: list[ClipPlan]) -> None:
    assert len({u.id for u in usual}) == len(usual)
    for a, b in pairwise(usual):
        if a.dialogue == b.dialogue:
            assert b.turn == a.turn + 1
            assert a.speaker.name != b.speaker.name


def test_a_feeling_outlasts_a_turn(many: list[ClipPlan]) -> None:
    same = [a.emotion == b.emotion for a, b in pairwise(many)]
    assert np.mean(same) > 0.55  # by chance .25


def test_clarity_is_the_share_of_clear_clips(many: list[ClipPlan]) -> None:
    for modality in NEIGHBOURS:
        clear = shares(many, modality) >= 0.8
        assert np.mean(clear) == pytest.approx(0.6, abs=0.04)
    deaf = LARGE.model_copy(update={"clarity": Clarity(audio=0.0, visual=1.0)})
    utterances = plan(deaf)
    assert (shares(utterances, "audio") < 0.8).all()
    assert (shares(utterances, "visual") >= 0.8).all()


def test_stray_is_how_often_an_unclear_modality_shows_any_emotion(many: list[ClipPlan]) -> None:
    def foreign(utterances: list[ClipPlan]) -> float:
        return float(
            np.mean(
                [
                    NEIGHBOURS[modality][u.emotion] not in blend.shares
                    for u in utterances
                    for modality, blend in u.shown.items()
                    if blend.shares[u.emotion] < 0.8
                ]
            )
        )

    assert foreign(many) == pytest.approx(0.4 * 2 / 3, abs=0.04)
    assert foreign(plan(LARGE.model_copy(update={"stray": 0.0}))) == 0


def test_modalities_err_independently_given_the_emotion(many: list[ClipPlan]) -> None:
    for emotion in EMOTIONS:
        those = [u for u in many if u.emotion == emotion]
        for one, other in combinations(NEIGHBOURS, 2):
            together = np.corrcoef(shares(those, one), shares(those, other))[0, 1]
            assert abs(together) < 4 / np.sqrt(len(those))


def test_vigour_is_in_face_voice_and_words_together_and_tells_nothing_of_the_emotion(
    many: list[ClipPlan],
) -> None:
    vigour = np.array([u.vigour for u in many])
    assert np.abs(vigour).max() <= 2
    assert np.std(vigour) == pytest.approx(0.95, abs=0.04)  # a normal one cut at 2
    said = np.array([degree(u.text) for u in many])
    assert np.corrcoef(vigour, said)[0, 1] > 0.8
    for emotion in EMOTIONS:
        those = np.array([u.emotion == emotion for u in many])
        assert abs(vigour[those].mean()) < 4 / np.sqrt(those.sum())
        loud = [schedule(u, LARGE)[1].loudness for u in many if u.emotion == emotion]
        assert np.corrcoef(vigour[those], loud)[0, 1] > 0.5


def test_without_vigour_nobody_is_lively(usual: list[ClipPlan]) -> None:
    calm, lively = plan(Config(vigour=0.0)), usual
    assert {u.vigour for u in calm} == {0.0}
    assert not {word for u in calm for word in u.text.split()} & set(DEGREE_OF)
    assert [u.shown for u in calm] == [u.shown for u in lively]
    assert [u.emotion for u in calm] == [u.emotion for u in lively]


def degree(text: str) -> int:
    return sum(DEGREE_OF.get(word, 0) for word in text.lower().rstrip(".").split())


def test_no_two_modalities_confuse_the_same_emotions() -> None:
    for emotion in EMOTIONS:
        neighbours = [table[emotion] for table in NEIGHBOURS.values()]
        assert len({emotion, *neighbours}) == 1 + len(neighbours)


def test_each_modality_is_ambiguous_and_all_together_are_not(many: list[ClipPlan]) -> None:
    evidence = {
        modality: np.array([[u.shown[modality].shares.get(e, 0.0) for e in EMOTIONS] for u in many])
        for modality in NEIGHBOURS
    }
    truth = np.array([EMOTIONS.index(u.emotion) for u in many])
    for values in evidence.values():
        assert 0.5 < np.mean(values.argmax(1) == truth) < 0.8
    together = sum(evidence.values())
    assert np.mean(together.argmax(1) == truth) > 0.9


def test_equal_seeds_give_equal_plans_and_others_do_not(usual: list[ClipPlan]) -> None:
    assert plan(Config()) == usual
    assert [u.text for u in plan(Config(seed=1))] != [u.text for u in usual]


def test_a_clip_does_not_depend_on_how_many_there_are(usual: list[ClipPlan]) -> None:
    more = plan(Config(dialogues=Sizes(train=7, valid=2, test=30)))
    assert more[: 56 + 16] == usual[: 56 + 16]


def test_blends_mix_numbers_and_draw_emotions() -> None:
    blend = Blend({"happy": 0.25, "sad": 0.75})
    mixed = blend.mix(DELIVERIES)
    assert mixed.level == 0.25 * DELIVERIES["happy"].level + 0.75 * DELIVERIES["sad"].level
    draws = Counter(blend.draw(rng) for rng in [np.random.default_rng(0)] for _ in range(2000))
    assert draws["sad"] / 2000 == pytest.approx(0.75, abs=0.04)


def test_noise_varies_by_the_spread_and_none_does_not() -> None:
    rng = stream(Config(), "test")
    levels = [varied(DELIVERIES["sad"], SPREAD, 2.0, rng).level for _ in range(2000)]
    assert np.mean(levels) == pytest.approx(DELIVERIES["sad"].level, abs=0.15)
    assert np.std(levels) == pytest.approx(2 * SPREAD.level, rel=0.1)
    assert varied(DELIVERIES["sad"], SPREAD, 0.0, rng) == DELIVERIES["sad"]


@pytest.mark.parametrize(
    "values",
    [
        {"seconds": [2.0, 1.2]},
        {"clarity": {"audio": 1.5}},
        {"size": 127},
        {"vigour": -1.0},
        {"rate": 12345},
        {"speakers": {"train": 0, "valid": 2, "test": 2}},
        {"colour": 1},
    ],
)
def test_impossible_settings_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="demo"):
        settings.build(Config, values, "demo")


def test_people_differ(usual: list[ClipPlan]) -> None:
    people = list({u.speaker.name: u.speaker for u in usual}.values())
    assert len(people) == 16
    for a, b in combinations(people, 2):
        assert a.look != b.look
        assert a.voice != replace(b.voice)
