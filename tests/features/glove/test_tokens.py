from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emocli.features.glove.tokens import parts, tokens


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("I don't, we can't; they won't!", "I do n't , we ca n't ; they wo n't !"),
        ("She's I'm you're we've he'll they'd", "She 's I 'm you 're we 've he 'll they 'd"),
        ("It’s what you “said”…", 'It \'s what you " said " ...'),
        ("It\x92s \x93cp1252\x94\x85", 'It \'s " cp1252 " ...'),
        ("wait—what? well – no", "wait -- what ? well -- no"),
        ("the boys' o'clock 'em 'cause", "the boys ' o'clock 'em 'cause"),
        ("Mr. Smith's U.S. visa.", "Mr. Smith 's U.S. visa ."),
        ("at 8:30 for $5,000.50, 50%", "at 8:30 for $ 5,000.50 , 50 %"),
        ("a well-known no-no-no --- yes..", "a well-known no-no-no -- yes ..."),
        ("DON'T SHE'S", "DO N'T SHE 'S"),
        ("café naïve", "café naïve"),
        ("a_b@c.d", "a _ b @ c . d"),
        ("'hello'", "' hello '"),
        ("", ""),
        (" \t\n", ""),
    ],
)
def test_texts_fall_into_treebank_tokens(text: str, wanted: str) -> None:
    assert tokens(text) == wanted.split()


@given(st.text(max_size=40))
def test_no_text_breaks_it_and_no_token_is_blank(text: str) -> None:
    for token in tokens(text):
        assert token
        assert not any(character.isspace() for character in token)
        assert all(parts(token))


@pytest.mark.parametrize(
    ("token", "wanted"),
    [
        ("well-known", "well known"),
        ("Gonna", "Gon na"),
        ("cannot", "can not"),
        ("mr.", "mr"),
        ("U.S.", "U.S"),
        ("hello", "hello"),
        ("...", "..."),
        ("--", "--"),
        ("-", "-"),
    ],
)
def test_unknown_tokens_can_be_taken_apart(token: str, wanted: str) -> None:
    assert parts(token) == tuple(wanted.split())
