from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emocli.features.glove.tokens import Case, candidates, forms, parts, segments, tokens


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


@pytest.mark.parametrize(
    "text",
    [
        "नमस्ते दुनिया हिन्दी क्ष",  # Hindi
        "வணக்கம் தமிழ்",  # Tamil
        "สวัสดี ครับ",  # Thai
        "مُحَمَّد كِتَاب",  # vowelled Arabic
        "שָׁלוֹם עוֹלָם",  # pointed Hebrew
        "বাংলা ভাষা",  # Bengali
        "ភាសាខ្មែរ ស្រី",  # Khmer
        "မြန်မာ စာ",  # Burmese
        "ಕನ್ನಡ తెలుగు മലയാളം සිංහල ਪੰਜਾਬੀ ગુજરાતી ଓଡ଼ିଆ བོད",
        "x̂ ë̱ Ọ̀ṣun tiếng việt",  # letters that no single character stands for
        "क्\u200dष می\u200cخواهم ක්\u200dර",  # joiners
        'well-known l·l צה"ל בית־ספר',
        "👩\u200d👩\u200d👧 ❤\ufe0f 👍🏽 🇩🇪 1\ufe0f\u20e3",  # emoji of several characters
        "12,5 ١٢٫٥ 8:30 ２０２４",
    ],
)
def test_words_of_every_script_stay_whole(text: str) -> None:
    wanted = unicodedata.normalize("NFC", text).split()
    assert tokens(text) == wanted
    assert tokens(unicodedata.normalize("NFD", text)) == wanted


def test_what_stands_around_words_of_other_scripts() -> None:
    wanted = {
        "अच्छा। ठीक है!": "अच्छा । ठीक है !",
        "כן׳ צה״ל": "כן ' צה\"ל",
        "soft\u00adhyphen \u200emark\u200f \ufeffstart": "softhyphen mark start",
        "ไทย\u200bแลนด์": "ไทย แลนด์",
        "well\u2010known": "well-known",
        "ＨＥＬＬＯ！": "ＨＥＬＬＯ ！",
    }
    assert {text: " ".join(tokens(text)) for text in wanted} == wanted


@pytest.mark.parametrize(
    ("word", "case", "wanted"),
    [
        ("The", "both", ["The", "the"]),
        ("The", "keep", ["The"]),
        ("The", "lower", ["the"]),
        ("IŞIK", "both", ["IŞIK", "işik", "ışık"]),
        ("İstanbul", "lower", ["i̇stanbul", "istanbul"]),
        ("Straße", "both", ["Straße", "straße", "strasse"]),
        ("ＯＫ", "both", ["ＯＫ", "ｏｋ", "OK", "ok"]),
        ("مُحَمَّد", "keep", ["مُحَمَّد", "محمد"]),
        ("می\u200cخواهم", "keep", ["می\u200cخواهم", "میخواهم"]),
        ("ΟΔΟΣ", "both", ["ΟΔΟΣ", "οδος", "οδοσ"]),
    ],
)
def test_spellings_in_which_a_word_is_looked_up(word: str, case: Case, wanted: list[str]) -> None:
    assert list(forms(word, case)) == wanted


def test_what_has_no_blanks_is_cut_into_the_longest_known_words() -> None:
    known = {"我", "喜欢", "喜", "iPhone", "สวัสดี", "ครับ", "が"}
    assert segments("我喜欢iPhone它们", known.__contains__) == ("我", "喜欢", "iPhone", "它们")
    assert segments("สวัสดีครับ", known.__contains__) == ("สวัสดี", "ครับ")
    assert segments("猫がA", known.__contains__) == ("猫", "が", "A")
    assert known - {"喜"} <= {*candidates("我喜欢iPhone"), *candidates("สวัสดีครับが")}
    assert not list(candidates("café"))


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
        ("می\u200cخواهم", "می خواهم"),
        ("❤\ufe0f", "❤"),
        ("👩\u200d👧", "👩 👧"),
        ("בית־ספר", "בית ספר"),
    ],
)
def test_unknown_tokens_can_be_taken_apart(token: str, wanted: str) -> None:
    assert parts(token) == tuple(wanted.split())
