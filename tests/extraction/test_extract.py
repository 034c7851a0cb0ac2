"""Extraction: what is computed, what is reported, and that no interruption shows in the result."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import emocli
from emocli.cli.app import run as cli
from emocli.data.manifest import Manifest
from emocli.data.store import FeatureStore, FeatureWriter, Recipe, store_path
from emocli.errors import ConfigError, EmocliError, StoreError
from emocli.extraction.extract import extract, plan
from emocli.extraction.failures import FILE
from emocli.pipeline.inspect import inspect
from tests.extraction import toy_features

MIXED = ["fine", "absent", "nan", "empty", "broken", "fine", "bug", *["fine"] * 30]


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = toy_features.install(tmp_path / "site")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def failures(store: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (store / FILE).read_text("utf-8").splitlines()]


def assert_same(a: Path, b: Path) -> None:
    """Compare every array, id and attribute, and that nothing else was left behind."""
    with FeatureStore.open(a) as one, FeatureStore.open(b) as two:
        assert one.ids == two.ids
        assert one.absent == two.absent
        assert one.header.attributes == two.header.attributes
        assert one.columns.keys() == two.columns.keys()
        for clip_id in one.ids:
            left, right = one.track(clip_id), two.track(clip_id)
            assert_array_equal(left.values, right.values)
            assert_array_equal(left.times, right.times)
            assert left.notes == right.notes
            for name in left.extra:
                assert_array_equal(left.extra[name], right.extra[name])
        assert one.is_intact()
        assert two.is_intact()
    assert {p.name for p in a.parent.iterdir()} == {p.name for p in b.parent.iterdir()}


def test_counts_and_content(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(MIXED, tmp_path)
    steps: list[tuple[int, int]] = []
    (result,) = extract(
        manifest,
        ["toy"],
        store,
        settings={},
        progress=lambda done, total: steps.append((done, total)),
    )
    assert (result.done, result.resumed, result.absent, result.failed) == (34, 0, 1, 2)
    assert result.non_finite == 1
    assert result.failures == store / FILE
    assert steps[0] == (0, 37)
    assert steps[-1] == (37, 37)
    with FeatureStore.open(result.path) as made:
        assert made.name == "toy"
        assert made.modality == "audio"
        assert made.header.rate == 10.0
        assert made.dim_names == ("c0", "c1", "c2")
        assert made.header.settings == {"width": 3, "delay": 0.0, "crashes": True}
        assert made.header.manifest == manifest.fingerprint
        assert made.header.versions["numpy"] == np.__version__
        skipped = {"absent", "broken", "bug"}
        assert made.ids == tuple(c.id for c in manifest.clips if c.text not in skipped)
        assert made.absent == (manifest.clips[1].id,)
        assert made.length(manifest.clips[3].id) == 0
        rng = np.random.default_rng(list(manifest.clips[0].id.encode()))
        expected = rng.normal(size=(int(rng.integers(1, 9)), 3)).astype(np.float32)
        assert_array_equal(made[manifest.clips[0].id], expected)
        assert made[manifest.clips[2].id][0, 0] == 0
        assert result.notes["steps"] == made.steps


def test_failures_are_listed(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(MIXED, tmp_path)
    extract(manifest, ["toy"], store, settings={})
    broken, bug = failures(store)
    assert broken == {
        "feature": "toy",
        "id": manifest.clips[4].id,
        "error": "MediaError",
        "message": f"{manifest.clips[4].id}: is broken; throw it away",
        "unexpected": False,
    }
    assert bug["error"] == "ZeroDivisionError"
    assert bug["unexpected"] is True
    assert "toy_plugin.py, line" in str(bug["message"])


def test_failed_clips_are_tried_again(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["fine"] * 12, tmp_path, late=[3, 9])
    assert extract(manifest, ["toy"], store, settings={})[0].failed == 2
    (tmp_path / "3.wav").touch()
    (result,) = extract(manifest, ["toy"], store, settings={})
    assert (result.done, result.resumed, result.failed) == (1, 10, 1)
    assert [row["id"] for row in failures(store)] == [manifest.clips[9].id]
    (tmp_path / "9.wav").touch()
    (result,) = extract(manifest, ["toy"], store, settings={})
    assert (result.done, result.resumed, result.failed) == (1, 11, 0)
    assert not (store / FILE).exists()
    extract(manifest, ["toy"], tmp_path / "at once", settings={})
    assert_same(result.path, tmp_path / "at once" / "toy.h5")


def test_finished_store_is_left_alone(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["fine"] * 5, tmp_path)
    (first,) = extract(manifest, ["toy"], store, settings={})
    before = first.path.stat()
    (again,) = extract(manifest, ["toy"], store, settings={})
    assert (again.done, again.resumed) == (0, 5)
    assert again.notes == first.notes
    assert again.path.stat().st_mtime_ns == before.st_mtime_ns
    (plan_,) = plan(manifest, ["toy"], store, settings={})
    assert (plan_.clips, plan_.present, plan_.remaining) == (5, 5, 0)


def test_other_settings_are_refused(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["fine"] * 5, tmp_path)
    (first,) = extract(manifest, ["toy"], store, settings={})
    before = first.path.read_bytes()
    with pytest.raises(StoreError, match=r"other settings \(width was 3, is 5\).*--overwrite"):
        extract(manifest, ["toy"], store, settings={"toy": {"width": 5}})
    assert first.path.read_bytes() == before
    (result,) = extract(manifest, ["toy"], store, settings={"toy": {"width": 5}}, overwrite=True)
    assert (result.done, result.resumed) == (5, 0)
    with FeatureStore.open(result.path) as made:
        assert made.dim == 5


def test_other_manifest_is_refused(tmp_path: Path, store: Path) -> None:
    extract(toy_features.corpus(["fine"] * 5, tmp_path), ["toy"], store, settings={})
    with pytest.raises(StoreError, match=r"another manifest.*--overwrite"):
        extract(toy_features.corpus(["fine"] * 6, tmp_path), ["toy"], store, settings={})


def test_parts_of_other_settings_are_refused(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["fine"] * 9, tmp_path)
    interrupt(manifest, store, parts=1)
    settings = {"toy": {"width": 4}}
    with pytest.raises(StoreError, match=r"was begun with other settings \(width was 3, is 4\)"):
        extract(manifest, ["toy"], store, settings=settings)
    (result,) = extract(manifest, ["toy"], store, settings=settings, overwrite=True)
    assert result.done == 9


def test_interrupted_overwrite_goes_on(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["fine"] * 20, tmp_path)
    (old,) = extract(manifest, ["toy"], store, settings={})
    before = old.path.read_bytes()
    interrupt(manifest, store, parts=1, settings={"toy": {"width": 4}}, overwrite=True)
    assert old.path.read_bytes() == before
    (result,) = extract(manifest, ["toy"], store, settings={"toy": {"width": 4}}, overwrite=True)
    assert (result.done, result.resumed) == (12, 8)
    extract(manifest, ["toy"], tmp_path / "at once", settings={"toy": {"width": 4}})
    assert_same(result.path, tmp_path / "at once" / "toy.h5")


def test_damaged_part_is_computed_again(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["fine"] * 20, tmp_path)
    interrupt(manifest, store, parts=2)
    parts = sorted((store / ".toy.parts").glob("*.h5"))
    parts[0].write_bytes(parts[0].read_bytes()[:700])
    (store / ".toy.parts" / ".000009.h5.tmp").write_bytes(b"half")
    (result,) = extract(manifest, ["toy"], store, settings={})
    assert (result.done, result.resumed, result.damaged) == (12, 8, 1)
    extract(manifest, ["toy"], tmp_path / "at once", settings={})
    assert_same(result.path, tmp_path / "at once" / "toy.h5")


def test_second_writer_is_refused(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["fine"] * 3, tmp_path)
    recipe = Recipe("toy", "audio", manifest.fingerprint)
    with (
        FeatureWriter(store, recipe, ["a"]),
        pytest.raises(StoreError, match=rf"is being written by process {os.getpid()} on "),
    ):
        extract(manifest, ["toy"], store, settings={})


def test_nothing_to_compute(tmp_path: Path, store: Path) -> None:
    with pytest.raises(StoreError, match=r"no clip has what it is computed from .*has no toy"):
        extract(toy_features.corpus(["absent"] * 3, tmp_path), ["toy"], store, settings={})
    with pytest.raises(StoreError, match=r"no clip could be extracted; the first: .*is broken"):
        extract(toy_features.corpus(["broken"] * 3, tmp_path), ["toy"], store, settings={})
    assert len(failures(store)) == 3
    assert not (store / "toy.h5").exists()


def test_nothing_to_compute_after_an_interruption(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["absent"] * 8, tmp_path)
    interrupt(manifest, store, parts=1)
    with pytest.raises(StoreError, match=r"no clip has what it is computed from .*; see"):
        extract(manifest, ["toy"], store, settings={})
    assert list(store.iterdir()) == []


def test_failed_overwrite_keeps_the_old_file(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["fine"] * 3, tmp_path, late=[0, 1, 2])
    for k in range(3):
        (tmp_path / f"{k}.wav").touch()
    (result,) = extract(manifest, ["toy"], store, settings={})
    before = result.path.read_bytes()
    for k in range(3):
        (tmp_path / f"{k}.wav").unlink()
    with pytest.raises(StoreError, match=r"no clip could be extracted"):
        extract(manifest, ["toy"], store, settings={}, overwrite=True)
    assert result.path.read_bytes() == before


def test_odd_shapes_are_failures(tmp_path: Path, store: Path) -> None:
    texts = ["fine", "wide", *["fine"] * 6, *["wide"] * 8, "fine"]
    manifest = toy_features.corpus(texts, tmp_path)
    (result,) = extract(manifest, ["toy"], store, settings={})
    assert (result.done, result.failed) == (8, 9)
    rows = failures(store)
    assert [row["id"] for row in rows] == [c.id for c in manifest.clips if c.text == "wide"]
    assert all(row["unexpected"] for row in rows)
    with FeatureStore.open(result.path) as made:
        assert made.dim == 3


def test_features_in_order_of_need(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(MIXED, tmp_path)
    toy, mean = extract(manifest, ["toy_mean", "toy"], store, settings={})
    assert [toy.feature, mean.feature] == ["toy", "toy_mean"]
    with FeatureStore.open(toy.path) as source, FeatureStore.open(mean.path) as made:
        clip_id = manifest.clips[0].id
        assert_array_equal(made[clip_id], np.full_like(made[clip_id], source[clip_id].mean()))
        assert made.header.attributes["upstream"]["toy"] == {
            "recipe": source.header.recipe,
            "method": source.header.method,
            "digest": source.fingerprint,
        }
        assert made.absent == source.absent
    messages = [str(row["message"]) for row in failures(store) if row["feature"] == "toy_mean"]
    assert messages == ["feature 'toy' could not be computed for the clip; see its row for toy"] * 2


def test_needed_feature_may_be_in_the_store(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["fine"] * 3, tmp_path)
    with pytest.raises(ConfigError, match=r"computed from 'toy', which is not in.*add -f toy"):
        extract(manifest, ["toy_mean"], store, settings={})
    extract(manifest, ["toy"], store, settings={})
    assert extract(manifest, ["toy_mean"], store, settings={})[0].done == 3


def test_changed_upstream_is_refused(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["fine"] * 3, tmp_path)
    extract(manifest, ["toy", "toy_mean"], store, settings={})
    extract(manifest, ["toy"], store, settings={"toy": {"width": 1}}, overwrite=True)
    with pytest.raises(StoreError, match="other upstream features"):
        extract(manifest, ["toy_mean"], store, settings={})


def test_unknown_settings_are_refused(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["fine"], tmp_path)
    with pytest.raises(ConfigError, match=r"toy.widht.*did you mean 'width'"):
        extract(manifest, ["toy"], store, settings={"toy": {"widht": 1}})
    with pytest.raises(ConfigError, match="settings for 'tyo'"):
        extract(manifest, ["toy"], store, settings={"tyo": {}})
    with pytest.raises(ConfigError, match="'tyo'"):
        extract(manifest, ["tyo"], store, settings={})
    assert not store.exists()


def test_plan_changes_nothing(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(MIXED, tmp_path)
    plans = plan(manifest, ["toy_mean", "toy"], store, settings={})
    assert [(p.feature, p.clips, p.remaining) for p in plans] == [
        ("toy", 37, 37),
        ("toy_mean", 37, 37),
    ]
    assert not store.exists()
    interrupt(manifest, store, parts=2)
    (half,) = plan(manifest, ["toy"], store, settings={})
    assert (half.present, half.absent, half.remaining) == (13, 1, 23)


# -- elsewhere


def test_pool_of_processes_gives_the_same(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(MIXED, tmp_path)
    settings = {"toy": {"delay": 0.002}}
    extract(manifest, ["toy", "toy_mean"], store, settings=settings)
    extract(manifest, ["toy", "toy_mean"], tmp_path / "pool", settings=settings, workers=2)
    for name in ("toy", "toy_mean"):
        assert_same(store_path(store, name), store_path(tmp_path / "pool", name))
    assert failures(store) == failures(tmp_path / "pool")


def test_few_clips_occupy_every_worker(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["fine"] * 6, tmp_path)
    steps: list[int] = []
    settings = {"toy": {"delay": 0.05}}
    extract(
        manifest,
        ["toy"],
        store,
        settings=settings,
        workers=2,
        progress=lambda done, total: steps.append(done),
    )
    assert steps == [0, 1, 2, 3, 4, 5, 6]


def test_dead_worker_is_one_line_and_resumable(tmp_path: Path, store: Path) -> None:
    texts = ["fine"] * 40
    texts[-1] = "die"
    manifest = toy_features.corpus(texts, tmp_path)
    with pytest.raises(EmocliError, match=r"a worker process died.*run the same command again"):
        extract(manifest, ["toy"], store, settings={}, workers=2)
    (half,) = plan(manifest, ["toy"], store, settings={})
    assert half.present >= 8
    assert not list((store / ".toy.parts").glob("*.tmp"))


def test_cluster_gives_the_same(tmp_path: Path, store: Path) -> None:
    distributed = pytest.importorskip("distributed")
    manifest = toy_features.corpus(MIXED, tmp_path)
    extract(manifest, ["toy"], store, settings={}, workers=2)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        extract(manifest, ["toy"], tmp_path / "dask", settings={}, scheduler=address)
    assert_same(store / "toy.h5", tmp_path / "dask" / "toy.h5")
    assert failures(store) == failures(tmp_path / "dask")


def test_silent_scheduler_is_one_line(tmp_path: Path, store: Path) -> None:
    pytest.importorskip("distributed")
    manifest = toy_features.corpus(["fine"], tmp_path)
    with pytest.raises(ConfigError, match="no Dask scheduler answers"):
        extract(manifest, ["toy"], store, settings={}, scheduler="nonsense://127.0.0.1:1")


# -- clips that join the manifest, change, or leave it


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
    with FeatureStore.open(result.path) as made:
        assert manifest.clips[2].id not in made  # what it was is no longer true
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


# -- interruptions


def interrupt(
    manifest: Manifest,
    store: Path,
    parts: int,
    settings: dict[str, dict[str, object]] | None = None,
    overwrite: bool = False,
) -> None:
    """Extract until so many parts are written, then stop as Ctrl-C does."""

    def stop(done: int, total: int) -> None:
        if done >= 8 * parts:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(
            manifest, ["toy"], store, settings=settings or {}, overwrite=overwrite, progress=stop
        )
    assert len(list((store / ".toy.parts").glob("[0-9]*.h5"))) == parts


DRIVER = """
import sys
from pathlib import Path
import toy_features
from emocli.extraction.extract import extract

root, workers, clips = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
texts = ["fine", "absent", "nan", "empty", "broken", *["fine"] * clips]
if __name__ == "__main__":
    print("ready", flush=True)
    extract(toy_features.corpus(texts, root.parent), ["toy", "toy_mean"], root,
            settings={"toy": {"delay": 0.01}}, workers=workers)
"""


@pytest.fixture
def driver(tmp_path: Path, site: Path) -> Path:
    path = site / "driver.py"
    path.write_text(DRIVER)
    return path


def start(driver: Path, store: Path, workers: int, clips: int) -> subprocess.Popen[str]:
    package, toys = Path(emocli.__file__).parents[1], Path(toy_features.__file__).parent
    paths = os.pathsep.join(map(str, (driver.parent, toys, package)))
    process = subprocess.Popen(
        [sys.executable, str(driver), str(store), str(workers), str(clips)],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell lets the programs it starts in the background ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_kill_at_random_moments(tmp_path: Path, driver: Path) -> None:
    clips, seed = 80, random.randrange(1000)
    rng = random.Random(seed)
    whole = start(driver, tmp_path / "whole", 1, clips)
    begun = time.monotonic()
    assert whole.communicate()[1] == ""
    length = time.monotonic() - begun
    killed = 0
    for attempt in range(10):
        process = start(driver, tmp_path / "killed", 1 + attempt % 2, clips)
        time.sleep(rng.uniform(0, length / 10))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        process.communicate()
    last = start(driver, tmp_path / "killed", 2, clips)
    assert last.communicate()[1] == "", f"seed {seed}"
    assert killed >= 5, f"seed {seed}: the extraction was over too soon"
    for name in ("toy.h5", "toy_mean.h5"):
        assert_same(tmp_path / "whole" / name, tmp_path / "killed" / name)
    whole_rows, killed_rows = failures(tmp_path / "whole"), failures(tmp_path / "killed")
    assert whole_rows == killed_rows


def test_workers_die_with_their_parent(tmp_path: Path, driver: Path) -> None:
    process = start(driver, tmp_path / "store", 2, 400)
    parts = tmp_path / "store" / ".toy.parts"
    wait_for(lambda: len(list(parts.glob("[0-9]*.h5"))) >= 2)
    process.kill()
    process.communicate()  # ends when the last process that holds the pipe has ended
    count = len(list(parts.glob("[0-9]*.h5")))
    time.sleep(0.3)
    assert len(list(parts.glob("[0-9]*.h5"))) == count


def test_ctrl_c_stops_a_pool_at_once(tmp_path: Path, driver: Path) -> None:
    process = start(driver, tmp_path / "store", 2, 4000)
    wait_for(lambda: len(list((tmp_path / "store" / ".toy.parts").glob("[0-9]*.h5"))) >= 2)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=20)[1]
    assert time.monotonic() - begun < 5
    assert errors.count("Traceback") <= errors.count("KeyboardInterrupt")
    assert "KeyboardInterrupt" in errors


def wait_for(ready: object, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not ready():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


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
    told = inspect(store, tmp_path / "m.csv").problems
    assert sum("media files of 2 clips were replaced" in line for line in told) == 2
    again = (2, 3, 0) if per_clip else (5, 0, 0)  # other clips may depend on them
    assert counts(manifest, store, update=True) == [again] * 2
    assert counts(manifest, store) == [(0, 5, 0)] * 2
    told = inspect(store, tmp_path / "m.csv").problems
    assert not any("replaced" in line for line in told)


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
