"""Errors are one line, and survive the way between processes."""

from __future__ import annotations

import pickle

from emocli.errors import EmocliError, ManifestError, choice


def test_an_error_is_one_line_of_what_where_and_mend() -> None:
    error = ManifestError("row 3:\n no id", where="a.csv", hint="give it one")
    assert str(error) == "a.csv: row 3: no id; give it one"


def test_an_error_survives_pickling() -> None:
    error = ManifestError("no id", where="a.csv", hint="give it one")
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, ManifestError)
    assert isinstance(copy, EmocliError)
    assert str(copy) == str(error)


def test_the_nearest_name_is_suggested_or_all_are_listed() -> None:
    assert choice("hapy", ["sad", "happy"]) == "did you mean 'happy'?"
    assert choice("x", ["sad", "happy"]) == "there are: sad, happy"
    assert choice("x", []) == "there are: none"
    assert choice("x", [f"name{k}" for k in range(99)], 12).endswith("name11, ...")
