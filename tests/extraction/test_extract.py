"""Extraction: what is computed, what is reported, and that no interruption shows in the result."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from emocli import plugins
from emocli.config import Tree
from emocli.data.store import FeatureStore, FeatureWriter, Recipe, store_path
from emocli.errors import ConfigError, EmocliError, StoreError
from emocli.extraction.extract import extract, plan
from emocli.extraction.failures import FILE
from tests.extraction import toy_features
from tests.extraction.results import assert_same, failures, interrupt

pytestmark = pytest.mark.usefixtures("site")

MIXED = ["fine", "absent", "nan", "empty", "broken", "fine", "bug", *["fine"] * 30]


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
    assert result.first_failure == f"{manifest.clips[4].id}: is broken; throw it away"
    assert steps[0] == (0, 37)
    assert steps[-1] == (37, 37)
    with FeatureStore.open(result.path) as built:
        assert built.name == "toy"
        assert built.modality == "audio"
        assert built.header.rate == 10.0
        assert built.dim_names == ("c0", "c1", "c2")
        assert built.header.settings == {"width": 3, "delay": 0.0, "crashes": True}
        assert built.header.manifest == manifest.fingerprint
        assert built.header.versions["numpy"] == np.__version__
        skipped = {"absent", "broken", "bug"}
        assert built.ids == tuple(c.id for c in manifest.clips if c.text not in skipped)
        assert built.absent == (manifest.clips[1].id,)
        assert built.length(manifest.clips[3].id) == 0
        rng = np.random.default_rng(list(manifest.clips[0].id.encode()))
        expected = rng.normal(size=(int(rng.integers(1, 9)), 3)).astype(np.float32)
        assert_array_equal(built[manifest.clips[0].id], expected)
        assert built[manifest.clips[2].id][0, 0] == 0
        assert result.notes["steps"] == built.steps


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


def test_what_is_no_track_is_a_failure_of_the_extractor(tmp_path: Path, store: Path) -> None:
    (result,) = extract(
        toy_features.corpus(["fine", "list"], tmp_path), ["toy"], store, settings={}
    )
    assert (result.done, result.failed) == (1, 1)
    (row,) = failures(store)
    assert (row["error"], row["unexpected"]) == ("TypeError", True)
    assert row["message"] == "the extractor of 'toy' returns list, not a Track"


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
    with FeatureStore.open(result.path) as built:
        assert built.dim == 5


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


def test_a_medium_that_no_clip_has_is_told_before_anything_is_computed(
    tmp_path: Path, store: Path
) -> None:
    manifest = toy_features.corpus(["fine"] * 3, tmp_path, late=[0, 1, 2])
    features = ["toy", "face_hog", "faces"]
    message = r"'faces': no clip has .*has no video\).* or leave out -f faces -f face_hog$"
    for call in (extract, plan):
        with pytest.raises(StoreError, match=message):
            call(manifest, features, store, settings={})
        with pytest.raises(StoreError, match=r"'faces': .*; see the columns of the manifest$"):
            call(manifest, ["faces"], store, settings={})
    manifest = toy_features.corpus([""] * 3, tmp_path)
    vectors = {"glove": {"vectors": str(tmp_path / "none.txt")}}
    with pytest.raises(
        StoreError, match=r"'glove': .*neither text nor words.* leave out -f glove$"
    ):
        extract(manifest, ["toy", "glove"], store, settings=vectors)
    assert not store.exists()


def test_nothing_to_compute_after_an_interruption(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["absent"] * 8, tmp_path)
    interrupt(manifest, store, parts=1)
    with pytest.raises(StoreError, match="no clip has what it is computed from; see"):
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
    with FeatureStore.open(result.path) as built:
        assert built.dim == 3


def test_features_in_order_of_need(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(MIXED, tmp_path)
    toy, mean = extract(manifest, ["toy_mean", "toy"], store, settings={})
    assert [toy.feature, mean.feature] == ["toy", "toy_mean"]
    with FeatureStore.open(toy.path) as source, FeatureStore.open(mean.path) as result:
        clip_id = manifest.clips[0].id
        assert_array_equal(result[clip_id], np.full_like(result[clip_id], source[clip_id].mean()))
        assert result.header.attributes["upstream"]["toy"] == {
            "recipe": source.header.recipe,
            "method": source.header.method,
            "digest": source.fingerprint,
        }
        assert result.absent == source.absent
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
    with pytest.raises(ConfigError, match=r"toy.widht.*did you mean 'toy.width'"):
        extract(manifest, ["toy"], store, settings={"toy": {"widht": 1}})
    with pytest.raises(ConfigError, match="settings for 'tyo'"):
        extract(manifest, ["toy"], store, settings={"tyo": {}})
    with pytest.raises(ConfigError, match="'tyo'"):
        extract(manifest, ["tyo"], store, settings={})
    with pytest.raises(ConfigError, match=r"toy_mean.widht.*did you mean 'toy_mean.width'"):
        extract(manifest, ["toy"], store, settings={"toy_mean": {"widht": 1}})
    assert not store.exists()


def test_settings_of_other_features_may_be_there(tmp_path: Path, store: Path) -> None:
    manifest = toy_features.corpus(["fine"], tmp_path)
    settings: Tree = {"toy_mean": {"width": 1}, "roberta": {"encoder": "nowhere"}}
    (result,) = extract(manifest, ["toy"], store, settings=settings)
    assert result.done == 1


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
    extract(manifest, ["toy"], store, settings={})
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        extract(manifest, ["toy"], tmp_path / "dask", settings={}, scheduler=address)
    assert_same(store / "toy.h5", tmp_path / "dask" / "toy.h5")
    assert failures(store) == failures(tmp_path / "dask")


@pytest.mark.parametrize("address", ["nonsense", "nonsense://127.0.0.1:1", "tcp://127.0.0.1"])
def test_what_is_no_address_of_a_scheduler_is_one_line(
    tmp_path: Path, store: Path, address: str
) -> None:
    pytest.importorskip("distributed")
    manifest = toy_features.corpus(["fine"], tmp_path)
    with pytest.raises(ConfigError, match=r"--scheduler: .* is no address .*tcp://HOST:PORT"):
        extract(manifest, ["toy"], store, settings={}, scheduler=address)


def test_a_silent_scheduler_is_one_line(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")

    def client(address: str, **options: object) -> None:
        raise TimeoutError(f"{address} does not answer")

    monkeypatch.setattr(distributed, "Client", client)
    manifest = toy_features.corpus(["fine"], tmp_path)
    with pytest.raises(ConfigError, match="no Dask scheduler answers"):
        extract(manifest, ["toy"], store, settings={}, scheduler="127.0.0.1:8786")


def test_what_a_later_feature_lacks_is_said_before_any_is_computed(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(config: object, clips: object) -> None:
        raise ConfigError("its model is not here")

    monkeypatch.setattr(plugins.load("features", "toy_mean"), "prepare", prepare)
    manifest = toy_features.corpus(["fine"], tmp_path)
    with pytest.raises(ConfigError, match="its model is not here"):
        extract(manifest, ["toy", "toy_mean"], store, settings={})
    assert not list(store.rglob("*.h5"))


def test_an_extractor_that_is_none_is_refused_before_any_clip(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = plugins.load("features", "toy")
    monkeypatch.setattr(toy, "prepare", lambda config, clips: None)
    with pytest.raises(ConfigError, match="the result of prepare of plug-in 'toy' is no"):
        extract(toy_features.corpus(["fine"], tmp_path), ["toy"], store, settings={})
