"""What is planned is heard and seen, each modality by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from emocli.datasets.demo import corpus
from emocli.datasets.demo.corpus import Clarity, Config, Sizes
from emocli.datasets.demo.face import Face
from emocli.datasets.demo.render import loudness, render, schedule


def test_the_usual_corpus_is_short_enough_to_extract_faces_from() -> None:
    usual = Config()
    lengths = [schedule(u, usual)[0].seconds for u in corpus.plan(usual)]
    assert sum(lengths) * usual.fps <= 6000  # some two minutes on two cores
    assert min(lengths) >= 1.2
    assert max(lengths) <= 2.0


def test_emotions_reach_the_sound() -> None:
    """Angry clips are louder than sad ones, and happy voices rise and fall more."""
    clear = Config(clarity=Clarity(audio=1.0), dialogues=Sizes(train=4, valid=1, test=1))
    levels: dict[str, list[float]] = {"angry": [], "sad": []}
    for utterance in corpus.plan(clear):
        if utterance.emotion in levels:
            sound = render(utterance, clear, Face(utterance.speaker.look, 64))[1]
            levels[utterance.emotion].append(20 * np.log10(sound.std()))
    assert np.mean(levels["angry"]) > np.mean(levels["sad"]) + 6


def test_the_volume_does_not_show_on_the_lips() -> None:
    utterance = corpus.plan(Config())[0]
    sound = render(utterance, Config(), Face(utterance.speaker.look, 96))[1]
    assert np.allclose(loudness(sound, 15), loudness(0.1 * sound, 15), atol=1e-6)


def test_vigour_is_heard_and_seen() -> None:
    calm = Config()
    first = corpus.plan(calm)[0]
    results = [
        render(replace(first, vigour=vigour), calm, Face(first.speaker.look, 96))
        for vigour in (-2.0, 2.0)
    ]
    (_, quiet, still), (_, loud, moving) = results
    assert 20 * np.log10(loud.std() / quiet.std()) > 10
    shape = min(len(still), len(moving))
    eyes = slice(30, 48)
    assert np.abs(still[:shape, eyes].astype(int) - moving[:shape, eyes]).mean() > 2


def test_a_modality_leaves_the_others_alone() -> None:
    """Another clarity of the face changes the pictures, and neither the sound nor the words."""
    usual = Config()
    clear = Config(clarity=Clarity(visual=1.0))
    ambiguous = next(
        number
        for number, utterance in enumerate(corpus.plan(usual))
        if utterance.shown["visual"].shares[utterance.emotion] < 0.5
    )
    results = []
    for config in (usual, clear):
        utterance = corpus.plan(config)[ambiguous]
        results.append(render(utterance, config, Face(utterance.speaker.look, 64)))
    (score, sound, pictures), (other_score, other_sound, other_pictures) = results
    assert score == other_score
    assert np.array_equal(sound, other_sound)
    assert not np.array_equal(pictures, other_pictures)
