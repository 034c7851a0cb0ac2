"""Extraction of a corpus that has changed: clips joined or left it, or have other media."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import h5py
import pytest

from emocli.cli.app import run as cli
from emocli.data.manifest import Manifest
from emocli.data.store import FeatureStore
from emocli.errors import StoreError
from emocli.extraction.extract import extract, plan
from emocli.pipeline.inspect import inspect
from emocli.version import version_of
from tests.extraction import toy_features
from tests.extraction.results import assert_same, interrupt

pytestmark = pytest.mark.usefixtures("site")


@pytest.fixture
def per_clip(site: Path) -> None:
    """Let the tracks of a clip depend on that clip alone."""
    toy_features.install(site, per_clip=True)


def among(manifest: Manifest, texts: dict[int, str], without: Sequence[int] = ()) -> Manifest:
    """Change the texts of some clips, and leave out others."""
    clips = [replace(c, text=texts.get(k, c.text)) for k, c in enumerate(manifest.clips)]
    return replace(manifest, clips=tuple(c for k, c in enumerate(clips) if k not in without))


def assert_as_at_once(manifest: Manifest, store: Path, names: Sequence[str] = ("toy",)) -> None:
    """Compare with a store that was made for this manifest from the start."""
    whole = store.with_name("at once")
    shutil.rmtree(whole, ignore_errors=True)
    extract(manifest, names, whole, settings={})
    for name in names:
        assert_same(store / f"{name}.h5", whole / f"{name}.h5")
        assert (store / f"{name}.h5").read_bytes() == (whole / f"{name}.h5").read_bytes()


@pytest.mark.usefixtures("per_clip")
def test_what_is_there_is_kept_when_clips_join(tmp_path: Path, store: Path) -> None:
    names = ["toy", "toy_mean"]
    manifest = toy_features.corpus(["fine", "absent", "nan", *["fine"] * 20], tmp_path)
    few = among(manifest, {}, without=[0, 7, 8, 20])
    extract(few, names, store, settings={})
    plans = plan(manifest, names, store, settings={})
    assert [(p.present, p.absent, p.remaining) for p in plans] == [(18, 1, 4)] * 2
    for result in extract(manifest, names, store, settings={}):
        assert (result.done, result.resumed, result.absent) == (4, 18, 1)
    assert_as_at_once(manifest, store, names)


@pytest.mark.usefixtures("per_clip")
def test_what_has_changed_or_left_goes_only_when_asked(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["fine", "absent", *["fine"] * 10], tmp_path)
    extract(manifest, ["toy"], store, settings={})
    before = (store / "toy.h5").read_bytes()
    later = among(manifest, {1: "fine", 2: "broken", 3: "absent", 4: "fine!"}, without=[5, 6, 7])
    message = r"4 of its clips have changed, 3 are gone; give --update .*, or give --overwrite"
    with pytest.raises(StoreError, match=message):
        extract(later, ["toy"], store, settings={})
    with pytest.raises(StoreError, match=message):
        plan(later, ["toy"], store, settings={})
    assert (store / "toy.h5").read_bytes() == before
    (planned,) = plan(later, ["toy"], store, settings={}, update=True)
    assert (planned.present, planned.absent, planned.remaining) == (5, 0, 4)
    (result,) = extract(later, ["toy"], store, settings={}, update=True)
    assert (result.resumed, result.done, result.absent, result.failed) == (5, 2, 1, 1)
    with FeatureStore.open(result.path) as built:
        assert manifest.clips[2].id not in built  # what it was is no longer true
    assert_as_at_once(later, store)
    fewer = among(later, {}, without=[0])
    (result,) = extract(fewer, ["toy"], store, settings={}, update=True)
    assert (result.resumed, result.done) == (6, 0)
    assert_as_at_once(fewer, store)


@pytest.mark.usefixtures("per_clip")
def test_an_interrupted_addition_goes_on(tmp_path: Path, store: Path) -> None:
    whole = toy_features.corpus(["fine"] * 40, tmp_path)
    extract(among(whole, {}, without=range(20, 40)), ["toy"], store, settings={})
    before = (store / "toy.h5").read_bytes()
    interrupt(whole, store, parts=1)
    assert (store / "toy.h5").read_bytes() == before
    other = among(whole, {30: "fine!"})
    with pytest.raises(StoreError, match="was begun with another manifest"):
        extract(other, ["toy"], store, settings={})
    (result,) = extract(whole, ["toy"], store, settings={})
    assert (result.resumed, result.done) == (28, 12)
    assert_as_at_once(whole, store)
    shutil.rmtree(store)
    extract(among(whole, {}, without=range(20, 40)), ["toy"], store, settings={})
    interrupt(whole, store, parts=1)
    (result,) = extract(other, ["toy"], store, settings={}, update=True)
    assert (result.resumed, result.done) == (20, 20)
    assert_as_at_once(other, store)


@pytest.mark.usefixtures("per_clip")
def test_nothing_is_kept_of_other_settings_or_an_older_kind_of_file(
    tmp_path: Path, store: Path
) -> None:
    manifest = toy_features.corpus(["fine"] * 12, tmp_path)
    few = among(manifest, {}, without=[3])
    extract(few, ["toy"], store, settings={})
    with pytest.raises(StoreError, match=r"other settings \(width was 3, is 4\)"):
        extract(manifest, ["toy"], store, settings={"toy": {"width": 4}}, update=True)
    with h5py.File(store / "toy.h5", "r+") as file:
        del file["sources"], file.attrs["method"]
    (result,) = extract(few, ["toy"], store, settings={})
    assert result.resumed == 11
    with pytest.raises(StoreError, match=r"another manifest; give --overwrite"):
        extract(manifest, ["toy"], store, settings={}, update=True)


def test_clips_that_need_each_other_are_not_kept(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["fine"] * 12, tmp_path)
    extract(among(manifest, {}, without=[3]), ["toy"], store, settings={})
    with pytest.raises(StoreError, match=r"another manifest; give --overwrite"):
        extract(manifest, ["toy"], store, settings={}, update=True)
    assert extract(manifest, ["toy"], store, settings={}, overwrite=True)[0].done == 12


def counts(manifest: Manifest, store: Path, *, update: bool = False) -> list[tuple[int, int, int]]:
    """Of each toy: clips computed, kept, and kept although their media changed."""
    results = extract(manifest, ["toy", "toy_mean"], store, settings={}, update=update)
    return [(result.done, result.resumed, result.changed) for result in results]


@pytest.mark.parametrize("per_clip", [True, False])
def test_a_replaced_media_file_is_told_and_taken(
    tmp_path: Path, store: Path, site: Path, per_clip: bool
) -> None:
    toy_features.install(site, per_clip)
    manifest = toy_features.corpus(["fine"] * 5, tmp_path, late=range(3))
    for k in range(3):
        (tmp_path / f"{k}.wav").write_bytes(b"sound")
    assert counts(manifest, store) == [(5, 0, 0)] * 2
    assert counts(manifest, store) == [(0, 5, 0)] * 2
    (tmp_path / "0.wav").write_bytes(b"another sound")
    os.utime(tmp_path / "1.wav", ns=(1, 1))
    [planned, _] = plan(manifest, ["toy", "toy_mean"], store, settings={})
    assert (planned.remaining, planned.changed) == (0, 2)
    assert counts(manifest, store) == [(0, 5, 2)] * 2
    manifest.write(tmp_path / "m.csv")
    inspection = inspect(store, tmp_path / "m.csv").problems
    assert sum("media files of 2 clips were replaced" in line for line in inspection) == 2
    again = (2, 3, 0) if per_clip else (5, 0, 0)  # other clips may depend on them
    assert counts(manifest, store, update=True) == [again] * 2
    assert counts(manifest, store) == [(0, 5, 0)] * 2
    inspection = inspect(store, tmp_path / "m.csv").problems
    assert not any("replaced" in line for line in inspection)


def test_what_is_made_of_an_outdated_feature_is_outdated(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["fine"] * 2, tmp_path, late=[0])
    (tmp_path / "0.wav").write_bytes(b"sound")
    extract(manifest, ["toy"], store, settings={})
    (tmp_path / "0.wav").write_bytes(b"another sound")
    [mean] = extract(manifest, ["toy_mean"], store, settings={})
    assert mean.changed == 1


def test_a_store_without_stamps_is_taken_as_it_is(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = toy_features.corpus(["fine"] * 2, tmp_path, late=[0])
    (tmp_path / "0.wav").write_bytes(b"sound")
    with monkeypatch.context() as before:
        before.setattr("emocli.extraction.worker.stamps", lambda clips: {})
        extract(manifest, ["toy"], store, settings={})
    (tmp_path / "0.wav").write_bytes(b"another sound")
    [toy] = extract(manifest, ["toy"], store, settings={}, update=True)
    assert (toy.done, toy.resumed, toy.changed) == (0, 2, 0)


def test_the_command_says_that_another_version_of_a_package_computed_what_is_there(
    tmp_path: Path, site: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy_features.corpus(["fine"], tmp_path).write(tmp_path / "m.csv")
    command = ["extract", str(tmp_path / "m.csv"), "-f", "toy", "--store", str(store)]
    assert cli(command) == 0
    capsys.readouterr()
    with installed(site, "2.0"):
        for more in ([], ["--dry-run"]):
            assert cli([*command, *more]) == 0
            shown = " ".join(capsys.readouterr().out.split())
            assert "toy: clips in the store were computed by toys 1.0, not the version" in shown
        for more in (["--overwrite"], []):
            assert cli([*command, *more]) == 0
            assert "computed by" not in capsys.readouterr().out
        assert cli(["inspect", str(store / "toy.h5"), "--json"]) == 0
        assert '"toys": "2.0"' in capsys.readouterr().out


@contextmanager
def installed(site: Path, version: str) -> Iterator[None]:
    """Install another version of the toys."""
    about = site / "toys-1.0.dist-info" / "METADATA"
    about.write_text(about.read_text().replace("1.0", version))
    version_of.cache_clear()
    yield
    version_of.cache_clear()


def test_the_command_says_what_was_replaced(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = toy_features.corpus(["fine"] * 2, tmp_path, late=[0])
    (tmp_path / "0.wav").write_bytes(b"sound")
    manifest.write(tmp_path / "m.csv")
    command = ["extract", str(tmp_path / "m.csv"), "-f", "toy", "--store", str(store)]
    assert cli(command) == 0
    assert "replaced" not in capsys.readouterr().err
    (tmp_path / "0.wav").write_bytes(b"another sound")
    for more in ([], ["--dry-run"]):
        assert cli([*command, *more]) == 0
        assert "toy: media files of 1 clip were replaced" in capsys.readouterr().err
    assert cli([*command, "--update"]) == 0
    assert "replaced" not in capsys.readouterr().err


def test_a_part_of_clips_without_the_medium_alone_is_kept(tmp_path: Path, store: Path) -> None:
    """The columns have names, and such a part no rows that they could name."""
    manifest = toy_features.corpus(["fine", *["absent"] * 20], tmp_path)
    [first] = extract(manifest, ["toy"], store, settings={})
    assert (first.done, first.absent) == (1, 20)
    [planned] = plan(manifest, ["toy"], store, settings={})
    assert (planned.present, planned.absent, planned.remaining) == (1, 20, 0)
