"""Sentences carry their emotion, and so do the vectors of their words."""

from __future__ import annotations

import numpy as np
import pytest

from emocli.datasets.demo.corpus import EMOTIONS, NAMES
from emocli.datasets.demo.language import (
    DEGREES,
    LEXICON,
    TEMPLATES,
    adverb,
    as_glove,
    sentence,
    vectors,
)
from emocli.datasets.demo.voice import phones

OWN = {
    emotion: {word for words in slots.values() for word in words}
    for emotion, slots in LEXICON.items()
}


def sentences(emotions: tuple[str, ...]) -> list[set[str]]:
    rng = np.random.default_rng(0)
    return [
        set(sentence(lambda: str(rng.choice(emotions)), "Ada", rng).split()) for _ in range(200)
    ]


def test_no_word_belongs_to_two_emotions() -> None:
    assert set(OWN) == set(EMOTIONS)
    words = [word for slots in LEXICON.values() for group in slots.values() for word in group]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_pure_feeling_uses_its_own_words_only(emotion: str) -> None:
    others = set().union(*(words for other, words in OWN.items() if other != emotion))
    for said in sentences((emotion,)):
        assert said & OWN[emotion]
        assert not said & others


def test_a_mixed_feeling_makes_mixed_sentences() -> None:
    both = [bool(said & OWN["happy"]) and bool(said & OWN["sad"]) for said in sentences(EMOTIONS)]
    assert 0.02 < np.mean(both) < 0.5


def test_every_word_can_be_spoken_and_all_but_names_have_a_vector() -> None:
    table = vectors(8, 1.0, np.random.default_rng(0))
    said = {word.lower() for words in OWN.values() for word in words}
    said |= {word for template in TEMPLATES for word in template.split() if "{" not in word}
    said |= {word for words in DEGREES.values() for word in words if word}
    assert said <= set(table)
    for word in (*said, *(name.lower() for name in NAMES)):
        assert phones(word)
    assert not {name.lower() for name in NAMES} & set(table)


def test_adverbs_say_how_vigorous_it_is() -> None:
    rng = np.random.default_rng(0)
    of = {word: degree for degree, words in DEGREES.items() for word in words}
    assert adverb(0.0, rng) == ""
    for vigour in (-2, -1, 1, 2):
        said = [of[adverb(vigour, rng)] for _ in range(300)]
        assert np.mean(said) == pytest.approx(vigour, abs=0.3)
    assert adverb(9.0, rng) in DEGREES[2]


def test_a_sentence_takes_one_adverb_and_is_else_the_same() -> None:
    for seed in range(40):
        plain, graded = (
            sentence(lambda: "sad", "Ada", np.random.default_rng(seed), degree)
            for degree in ("", "truly")
        )
        assert graded.split().count("truly") == 1
        assert graded.replace("truly ", "") == plain


def test_adverbs_vectors_are_in_the_order_of_their_degrees() -> None:
    table = vectors(50, 0.0, np.random.default_rng(0))
    lively = table["truly"]
    along = [float(table[words[0]] @ lively) for degree, words in DEGREES.items() if degree]
    assert along == sorted(along)
    assert along[0] == pytest.approx(-along[-1])


def nearness(table: dict[str, np.ndarray]) -> tuple[float, float]:
    """The mean cosine of words of one emotion, and of words of two."""
    unit = {word: vector / np.linalg.norm(vector) for word, vector in table.items()}
    same, other = [], []
    for one, words in OWN.items():
        for two, others in OWN.items():
            cosines = [unit[a] @ unit[b] for a in words for b in others if a != b]
            (same if one == two else other).append(np.mean(cosines))
    return float(np.mean(same)), float(np.mean(other))


def test_words_of_one_emotion_lie_near_each_other_but_for_the_noise() -> None:
    same, other = nearness(vectors(50, 1.0, np.random.default_rng(0)))
    assert same > other + 0.2
    clean, _ = nearness(vectors(50, 0.0, np.random.default_rng(0)))
    assert clean > same + 0.2


def test_the_file_reads_back_as_glove() -> None:
    table = vectors(6, 1.0, np.random.default_rng(0))
    lines = as_glove(table).splitlines()
    assert len(lines) == len(table)
    for line in lines:
        word, *numbers = line.split(" ")
        assert np.allclose([float(x) for x in numbers], table[word], atol=6e-6)
