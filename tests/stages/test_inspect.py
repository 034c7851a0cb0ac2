"""Looking into a store: damage that no checksum of HDF5 covers is found when it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from emocli.cli.app import run as cli
from emocli.data.store import FeatureStore
from emocli.errors import ConfigError, StoreError
from emocli.stages.inspect import inspect
from tests import toy


@pytest.fixture
def corpus(tmp_path: Path) -> toy.Toy:
    return toy.build(tmp_path)


def spoil(path: Path) -> None:
    """Change one number of the values, and nothing of their description."""
    with FeatureStore.open(path) as store:
        place = store.columns["values"].offset
    assert place is not None
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_damage_is_found_when_all_of_it_is_read(corpus: toy.Toy) -> None:
    whole = inspect(corpus.store)
    assert inspect(corpus.store, verify=True) == whole
    spoil(corpus.store / "mel.h5")
    assert inspect(corpus.store) == whole
    for place in (corpus.store, corpus.store / "mel.h5"):
        with pytest.raises(StoreError, match=r"mel\.h5: is damaged.*again with --overwrite"):
            inspect(place, verify=True)
    inspect(corpus.store / "glove.h5", verify=True)


def test_only_a_store_is_verified(corpus: toy.Toy) -> None:
    with pytest.raises(ConfigError, match=r"toy\.csv: is a manifest, --verify is for stores"):
        inspect(corpus.folder / "toy.csv", verify=True)


def test_the_command_says_it_in_one_line(
    corpus: toy.Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["inspect", str(corpus.store), "--verify"]
    assert cli(command) == 0
    assert "verified" in capsys.readouterr().out
    spoil(corpus.store / "mel.h5")
    assert cli(command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
