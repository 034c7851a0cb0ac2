"""The sentences of the demo corpus, and vectors in which words of one emotion lie together.

A sentence's slots are filled one by one with words of the emotion drawn for each slot, so that a
mixed feeling makes a mixed sentence; an adverb tells how vigorous it is. The vectors are a hidden
tendency per emotion, or towards vigour, plus noise.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

SLOTS = ("opener", "quality", "verb", "thing")
_WORDS = {
    "angry": """
        stop no damn | rotten stupid rude nasty | ruined broke wrecked stole | mess insult lie fight
    """,
    "happy": """
        yes great hooray | lovely sunny sweet superb | loved won adored shared
        | party gift prize song
    """,
    "neutral": """
        well so then | usual plain second local | moved used marked took | report table bus list
    """,
    "sad": """
        sorry alas oh | lonely hollow gloomy weary | missed lost mourned buried
        | loss grave farewell tear
    """,
}
LEXICON: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    emotion: dict(zip(SLOTS, (tuple(part.split()) for part in words.split("|")), strict=True))
    for emotion, words in _WORDS.items()
}
"""Emotion to slot to the words that fill it."""

TEMPLATES = (
    "{opener} that {quality} {thing}",
    "we {verb} the {quality} {thing}",
    "what a {quality} {thing}",
    "it was a {quality} {thing}",
    "{opener} they {verb} the {thing}",
    "{name} you {verb} the {thing}",
)
DEGREES: Mapping[int, tuple[str, ...]] = {
    -2: ("barely", "hardly"),
    -1: ("mildly", "partly"),
    0: ("",),
    1: ("pretty", "fairly"),
    2: ("truly", "wildly"),
}
"""Adverbs by how vigorous they are; none where there is nothing to say about it."""
DEGREE = 0.8
"""How strongly an adverb's vector tends to vigour, per degree."""
TACT = 0.5
"""Standard deviation of what words say about vigour around what it is."""
CERTAINTY = (0.6, 1.1)
"""How strongly a word tends to its emotion: least and most."""
LEAK = 0.6
"""How strongly, at most, it tends to another one too."""


def adverb(vigour: float, rng: np.random.Generator) -> str:
    """Draw an adverb of about this vigour, or none; always none for a vigour of 0."""
    if vigour == 0:
        return ""
    degree = round(vigour + TACT * rng.standard_normal())
    return str(rng.choice(DEGREES[min(max(degree, min(DEGREES)), max(DEGREES))]))


def sentence(
    feeling: Callable[[], str], name: str, rng: np.random.Generator, degree: str = ""
) -> str:
    """Make a sentence.

    ``feeling`` draws the emotion of one word, ``name`` is who is spoken to (names have no vector);
    ``degree`` is an adverb for the verb, or for the adjective where there is no verb.
    """
    template = TEMPLATES[rng.integers(len(TEMPLATES))]
    slots = [field for _, field, _, _ in string.Formatter().parse(template) if field]
    words = {slot: str(rng.choice(LEXICON[feeling()][slot])) for slot in slots if slot != "name"}
    if degree:
        graded = "verb" if "verb" in words else "quality"
        words[graded] = f"{degree} {words[graded]}"
    return template.format(name=name, **words)


def vectors(
    dimension: int, noise: float, rng: np.random.Generator
) -> dict[str, NDArray[np.float32]]:
    """Draw a vector for every word but the names.

    ``noise`` is the expected length of a vector's part that has nothing to do with emotion; a
    word's tendency to its own emotion has a length of about 1.
    """
    directions = np.linalg.qr(rng.standard_normal((dimension, len(LEXICON))))[0].T
    own = {word: number for number, words in enumerate(_words().values()) for word in words}

    def unrelated() -> NDArray[np.float64]:
        return np.asarray(rng.standard_normal(dimension) * noise / np.sqrt(dimension))

    table = {}
    for word in sorted({*own, *_template_words()}):
        tendency = rng.uniform(0, LEAK) * rng.dirichlet(np.full(len(LEXICON), 0.5))
        if word in own:
            tendency[own[word]] += rng.uniform(*CERTAINTY)
        table[word] = (tendency @ directions + unrelated()).astype(np.float32)
    lively = rng.standard_normal(dimension) / np.sqrt(dimension)
    for degree, words in DEGREES.items():
        for word in filter(None, words):
            table[word] = (DEGREE * degree * lively + unrelated()).astype(np.float32)
    return table


def as_glove(table: Mapping[str, NDArray[np.float32]]) -> str:
    """Format vectors as GloVe's text files: a word and its numbers on a line."""
    lines = (f"{word} {' '.join(f'{x:.5f}' for x in vector)}\n" for word, vector in table.items())
    return "".join(lines)


def _words() -> dict[str, list[str]]:
    return {
        emotion: [word for words in slots.values() for word in words]
        for emotion, slots in LEXICON.items()
    }


def _template_words() -> set[str]:
    return {word for template in TEMPLATES for word in template.split() if "{" not in word} | {"."}
