"""Writing a store: parts, merge, locks, and every way a process can be stopped."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import emocli
from emocli.data.store import FeatureStore, FeatureWriter, Recipe
from emocli.data.store.parts import check_track, write_part
from emocli.data.store.resume import extraction_state
from emocli.data.track import Track
from emocli.errors import StoreError
from tests.interrupt import forked

RECIPE = Recipe("mel", "audio", "manifest", {"bands": 3})
IDS = [f"clip {k}" for k in range(20)]


def empty(width: int, dtype: type = np.float32) -> Track:
    return Track(np.zeros((0, width), dtype))


def track(clip_id: str, steps: int | None = None) -> Track:
    rng = np.random.default_rng(list(clip_id.encode()))
    count = int(rng.integers(0, 6)) if steps is None else steps
    values = rng.normal(size=(count, 3)).astype(np.float32)
    return Track(values, np.arange(count) / 10, {"flag": values[:, 0] > 0}, {"share": 0.1 * count})


def write(folder: Path, chunks: list[list[str]], *, overwrite: bool = False) -> FeatureStore | None:
    """Write what is not there yet, a part per chunk, and merge."""
    with FeatureWriter(folder, RECIPE, IDS, overwrite=overwrite) as writer:
        there = writer.extraction_state().written
        left = [[i for i in chunk if i not in there] for chunk in chunks]
        left = [chunk for chunk in left if chunk]
        for path, chunk in zip(writer.reserve(len(left)), left, strict=True):
            write_part(path, RECIPE, {i: track(i) for i in chunk}, (), rate=10.0)
        return writer.finish()


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    """The file that one uninterrupted run with one part writes."""
    store = write(tmp_path / "whole", [IDS])
    assert store is not None
    return store.path.read_bytes()


def test_parts_in_any_order_make_the_same_file(tmp_path: Path, whole: bytes) -> None:
    rng = np.random.default_rng(0)
    for attempt in range(5):
        ids = rng.permutation(IDS).tolist()
        chunks = [ids[k::4] for k in range(4)]
        folder = tmp_path / str(attempt)
        write(folder, chunks[:2])
        write(folder, chunks[2:])
        assert (folder / "mel.h5").read_bytes() == whole
        assert [path.name for path in folder.iterdir()] == ["mel.h5"]


def test_tracks_without_rows_need_no_kind(tmp_path: Path) -> None:
    tracks = {"a": empty(3), "b": track("b", 2), "c": empty(7, np.uint8)}
    with FeatureWriter(tmp_path, RECIPE, list(tracks)) as writer:
        for path, (clip_id, one) in zip(writer.reserve(3), tracks.items(), strict=True):
            assert write_part(path, RECIPE, {clip_id: one}, ()) == {}
        store = writer.finish()
    assert store is not None
    assert [store.length(clip_id) for clip_id in store.ids] == [0, 2, 0]
    assert store.shape == (3,)
    assert_array_equal(store["b"], tracks["b"].values)


def test_store_of_empty_tracks(tmp_path: Path) -> None:
    with FeatureWriter(tmp_path, RECIPE, ["a"]) as writer:
        (path,) = writer.reserve(1)
        write_part(path, RECIPE, {"a": empty(3)}, ())
        store = writer.finish()
    assert store is not None
    assert store["a"].shape == (0, 3)


def test_misfits_are_left_out(tmp_path: Path) -> None:
    tracks = {"a": track("a", 2), "b": Track(np.zeros((2, 5), np.float32)), "c": track("c", 1)}
    with FeatureWriter(tmp_path, RECIPE, list(tracks)) as writer:
        (path,) = writer.reserve(1)
        why = write_part(path, RECIPE, tracks, ())
        store = writer.finish()
    assert why == {"b": "its values are float32 (T, 5), those of other clips float32 (T, 3)"}
    assert store is not None
    assert store.ids == ("a", "c")


def test_misfitting_parts_are_told_apart(tmp_path: Path) -> None:
    with FeatureWriter(tmp_path, RECIPE, ["a", "b"]) as writer:
        first, second = writer.reserve(2)
        write_part(first, RECIPE, {"a": track("a", 2)}, ())
        write_part(second, RECIPE, {"b": Track(np.zeros((2, 5), np.float32))}, ())
        assert [part.ids for part in writer.extraction_state().misfits] == [("b",)]
        store = writer.finish()
    assert store is not None
    assert store.ids == ("a",)


@pytest.mark.parametrize(
    ("values", "names", "error"),
    [
        (np.array([["a"]]), (), TypeError),
        (np.array([[None]]), (), TypeError),
        (np.zeros((2, 3)), ("x", "y"), ValueError),
    ],
)
def test_impossible_tracks(
    values: np.ndarray, names: tuple[str, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        check_track(Track(values), names)
    check_track(Track(np.zeros((2, 2))), ("x", "y"))


def test_notes_are_numbers(tmp_path: Path) -> None:
    notes = {"words": np.int64(3), "share": np.float32(0.5), "short": True}
    with FeatureWriter(tmp_path, RECIPE, ["a"]) as writer:
        (path,) = writer.reserve(1)
        write_part(path, RECIPE, {"a": Track(np.zeros((1, 3)), notes=notes)}, ())
        store = writer.finish()
    assert store is not None
    assert store.header.attributes["notes"] == {"words": 3, "share": 0.5, "short": 1}
    with pytest.raises(ValueError, match="could not convert"):
        check_track(Track(np.zeros((1, 3)), notes={"words": "three"}))  # type: ignore[dict-item]


def test_settings_may_change_before_the_first_part(tmp_path: Path) -> None:
    with FeatureWriter(tmp_path, RECIPE, IDS) as writer:
        writer.reserve(5)
    other = Recipe("mel", "audio", "manifest", {"bands": 9})
    assert extraction_state(tmp_path, other).resume_info is None
    with FeatureWriter(tmp_path, other, IDS) as writer:
        assert not (tmp_path / ".mel.parts").exists()
        write_part(writer.reserve(1)[0], other, {"clip 0": track("clip 0")}, ())
    with pytest.raises(StoreError, match=r"was begun with other settings \(bands was 9, is 3\)"):
        extraction_state(tmp_path, RECIPE)


def test_changed_library_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, [IDS[:5]])
    newer = {"numpy": "99.0", "torch": "1.0"}
    monkeypatch.setattr("emocli.data.store.recipe.versions", lambda names: newer)
    store = write(tmp_path, [IDS])
    assert store is not None
    assert store.header.versions["numpy"] == f"{np.__version__}, 99.0"


def test_the_libraries_a_feature_runs_on_are_recorded() -> None:
    recipe = replace(RECIPE, libraries=("torch", "no-such-distribution"))
    assert recipe.versions()["emocli"] == emocli.__version__  # as runs and reports name it
    assert recipe.fingerprint == RECIPE.fingerprint
    assert set(recipe.versions()) - set(RECIPE.versions()) == {"torch"}
    assert "mtcnn" not in recipe.versions()


def test_sums_do_not_depend_on_the_parts(tmp_path: Path) -> None:
    one, many = write(tmp_path / "one", [IDS]), write(tmp_path / "many", [[i] for i in IDS])
    assert one is not None
    assert many is not None
    assert one.header.attributes["notes"] == many.header.attributes["notes"]


def test_late_part_of_an_earlier_run_takes_no_number(tmp_path: Path) -> None:
    with FeatureWriter(tmp_path, RECIPE, IDS) as writer:
        late = writer.reserve(3)[1]
    with FeatureWriter(tmp_path, RECIPE, IDS) as writer:
        (path,) = writer.reserve(1)
        assert path != late
        write_part(path, RECIPE, {"clip 0": track("clip 0")}, ())
        write_part(late, RECIPE, {"clip 1": track("clip 1")}, ())
        other = Recipe("mel", "audio", "manifest", {"bands": 9})
        write_part(late.with_name("000002.h5"), other, {"clip 2": track("clip 2")}, ())
        now = writer.extraction_state()
        assert now.written == {"clip 0", "clip 1"}
        assert now.damaged == 1


def test_damaged_finished_file(tmp_path: Path) -> None:
    store = write(tmp_path, [IDS])
    assert store is not None
    store.path.write_bytes(b"\x00" * 100)
    with pytest.raises(StoreError, match=r"damaged.*give --overwrite"):
        extraction_state(tmp_path, RECIPE)
    assert extraction_state(tmp_path, RECIPE, overwrite=True).written == set()


def test_damaged_record_of_parts(tmp_path: Path) -> None:
    with FeatureWriter(tmp_path, RECIPE, IDS) as writer:
        writer.reserve(1)
    (tmp_path / ".mel.parts" / "begun.json").write_text("{")
    with pytest.raises(StoreError, match=r"begun.json: is damaged.*remove the folder"):
        extraction_state(tmp_path, RECIPE)


def test_unwritable_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        write(tmp_path / "file" / "store", [IDS])


# -- a kill before every single change of the disk

CHANGES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}


def killed_at(change: int, folder: Path, work: Callable[[], object]) -> bool:
    """Work in a process that is killed before its n-th change of the folder; false if it ended."""

    def run() -> None:
        count = 0

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal count
            if event in CHANGES and str(arguments[0]).startswith(str(folder)):
                count += 1
                if count > change:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        work()

    status = os.waitpid(forked(run), 0)[1]
    assert status in (0, signal.SIGKILL)
    return status != 0


@pytest.mark.parametrize("overwrite", [False, True])
def test_kill_before_every_change(tmp_path: Path, whole: bytes, overwrite: bool) -> None:
    chunks = [IDS[:7], IDS[7:12], IDS[12:]]
    change = 0
    while True:
        folder = tmp_path / f"{change}"
        if overwrite:
            write(folder, [IDS[:3]])
            before = (folder / "mel.h5").read_bytes()
        again = partial(write, folder, chunks, overwrite=overwrite)
        killed = killed_at(change, folder, again)
        if overwrite:
            assert (folder / "mel.h5").read_bytes() in (before, whole)
        if not killed:
            break
        write(folder, chunks, overwrite=overwrite)
        assert (folder / "mel.h5").read_bytes() == whole
        left = {path.name for path in folder.iterdir()}
        assert left == {"mel.h5"}, f"killed before change {change}"
        change += 1
    assert change > 20


def test_kill_during_an_update(tmp_path: Path) -> None:
    """Two clips are new, one has changed, one is gone; what is there is kept."""
    old = replace(RECIPE, manifest="earlier", per_clip=True)
    new = replace(old, manifest="later")
    before, after = IDS[:-2], IDS[1:]
    was = {i: f"{i} as it was" for i in before}
    now = {i: "changed" if i == IDS[4] else f"{i} as it was" for i in after}

    def make(folder: Path, recipe: Recipe, sources: dict[str, str], steps: int) -> None:
        writer = FeatureWriter(folder, recipe, list(sources), sources=sources, update=True)
        with writer:
            left = [i for i in sources if i not in writer.extraction_state().written]
            for path, ids in zip(writer.reserve(2), (left[:1], left[1:]), strict=True):
                write_part(path, recipe, {i: track(i, steps) for i in ids}, ())
            writer.finish()

    make(tmp_path / "before", old, was, 2)
    first = (tmp_path / "before" / "mel.h5").read_bytes()
    shutil.copytree(tmp_path / "before", tmp_path / "whole")
    make(tmp_path / "whole", new, now, 3)
    whole = (tmp_path / "whole" / "mel.h5").read_bytes()
    with FeatureStore.open(tmp_path / "whole" / "mel.h5") as store:
        assert store.ids == tuple(after)
        assert store.sources == now
        made_anew = {i for i in after if store.length(i) == 3}
        assert made_anew == {IDS[4], *IDS[-2:]}
    change = 0
    while True:
        folder = tmp_path / f"{change}"
        shutil.copytree(tmp_path / "before", folder)
        killed = killed_at(change, folder, partial(make, folder, new, now, 3))
        assert (folder / "mel.h5").read_bytes() in (first, whole)
        make(folder, new, now, 3)
        assert (folder / "mel.h5").read_bytes() == whole
        assert {path.name for path in folder.iterdir()} == {"mel.h5"}
        if not killed:
            break
        change += 4
    assert change > 20


# -- a disk that fills up


def limited(limit: int, folder: Path, chunks: list[list[str]]) -> str:
    """Write with a limit on the size of a file; return the error's text."""
    told = folder.parent / "told"

    def run() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            write(folder, chunks)
            text = "written"
        except StoreError as error:
            text = str(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        told.write_text(text)

    assert os.waitpid(forked(run), 0)[1] == 0
    return told.read_text()


def test_full_disk_at_any_size(tmp_path: Path, whole: bytes) -> None:
    folder = tmp_path / "store"
    chunks = [IDS[:10], IDS[10:]]
    for limit in [1, 100, 1000, 2000, len(whole) - 1]:
        message = limited(limit, folder, chunks)
        assert "the disk is full; make room" in message, f"limit {limit}"
        assert "\n" not in message
        assert not list(folder.rglob(".*.tmp"))
        assert not (folder / "mel.h5").exists()
    assert limited(len(whole), folder, chunks) == "written"
    assert (folder / "mel.h5").read_bytes() == whole


def test_full_disk_while_merging(tmp_path: Path, whole: bytes) -> None:
    folder = tmp_path / "store"
    write(folder, [IDS[:4]])
    before = (folder / "mel.h5").read_bytes()
    message = limited(len(whole) - 1, folder, [[i] for i in IDS])
    assert "mel.h5: the disk is full" in message
    assert (folder / "mel.h5").read_bytes() == before
    assert extraction_state(folder, RECIPE).written == set(IDS)
    write(folder, [])
    assert (folder / "mel.h5").read_bytes() == whole


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_disk_that_is_really_full(small_disk: Path, tmp_path: Path, whole: bytes) -> None:
    folder = small_disk / "store"
    write(folder, [IDS[:4]])
    before = (folder / "mel.h5").read_bytes()
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    with pytest.raises(StoreError, match="the disk is full; make room"):
        write(folder, [[i] for i in IDS])
    assert (folder / "mel.h5").read_bytes() == before
    ballast.unlink()
    write(folder, [[i] for i in IDS])
    assert (folder / "mel.h5").read_bytes() == whole
