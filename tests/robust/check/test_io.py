from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli.data.standardise import Standardiser
from emocli.errors import StoreError
from emocli.robust.check import file as container
from emocli.robust.check.io import load_check, pack, save_check
from emocli.robust.check.model import ModalityCheck
from emocli.robust.check.provenance import FitProvenance
from emocli.robust.check.settings import configure
from tests.robust.latent import DIMS, clips, corrupted, padded

Tree = dict[str, Any]
Arrays = dict[str, Any]


@pytest.fixture(scope="module")
def check() -> ModalityCheck:
    check = ModalityCheck.fit(padded(clips(60, 1)), padded(clips(30, 2)), configure("plus", {}))
    rng = np.random.default_rng(0)
    statistics = Standardiser(
        {m: rng.normal(size=width).astype(np.float32) for m, width in DIMS.items()},
        {m: rng.normal(size=width).astype(np.float32) ** 2 for m, width in DIMS.items()},
    )
    names = {"text": "glove", "audio": "mel", "visual": "face_hog"}
    digests = {m: f"digest of {name}" for m, name in names.items()}
    ids = tuple(f"clip é {k}" for k in range(60))
    return replace(check, provenance=FitProvenance(names, digests, "manifest", ids, statistics))


def test_a_check_judges_the_same_after_saving(check: ModalityCheck, tmp_path: Path) -> None:
    save_check(check, tmp_path / "check.h5")
    loaded = load_check(tmp_path / "check.h5")
    for rows in (clips(40, 3), corrupted(clips(40, 3), "audio")):
        views = padded(rows)
        for kind in ("scores", "anomaly", "effective"):
            before, after = getattr(check, kind)(views), getattr(loaded, kind)(views)
            assert before.keys() == after.keys()
            assert all(np.array_equal(before[key], after[key]) for key in before)
    assert loaded.config == check.config
    assert loaded.fit_warnings() == check.fit_warnings()


def test_a_check_of_steps_comes_back_as_one(tmp_path: Path) -> None:
    config = configure("plus", {"check": {"representation": "step", "steps": 5}})
    check = ModalityCheck.fit(padded(clips(60, 1)), padded(clips(30, 2)), config)
    save_check(check, tmp_path / "check.h5")
    loaded = load_check(tmp_path / "check.h5")
    assert loaded.representation == check.representation
    views = padded(corrupted(clips(40, 3), "audio"))
    before, after = check.effective(views), loaded.effective(views)
    assert all(np.array_equal(before[m], after[m]) for m in DIMS)


def test_its_limits_and_its_origin_come_along(check: ModalityCheck, tmp_path: Path) -> None:
    save_check(check, tmp_path / "check.h5")
    loaded = load_check(tmp_path / "check.h5")
    assert check.provenance is not None
    assert loaded.provenance is not None
    assert loaded.provenance.ids == check.provenance.ids
    assert loaded.provenance.features == check.provenance.features
    assert loaded.provenance.fingerprints == check.provenance.fingerprints
    assert loaded.provenance.manifest == "manifest"
    for modality in DIMS:
        assert loaded.limits[modality] == check.limits[modality]
        for kind in ("mean", "std"):
            np.testing.assert_array_equal(
                getattr(loaded.provenance.standardiser, kind)[modality],
                getattr(check.provenance.standardiser, kind)[modality],
            )


def test_without_an_origin_it_is_saved_too(check: ModalityCheck, tmp_path: Path) -> None:
    save_check(replace(check, provenance=None), tmp_path / "check.h5")
    assert load_check(tmp_path / "check.h5").provenance is None


def test_a_header_of_another_make_is_one_line(tmp_path: Path) -> None:
    container.write(tmp_path / "check.h5", {"config": {"score": "new"}}, {})
    with pytest.raises(StoreError, match="is not a check this version understands") as caught:
        load_check(tmp_path / "check.h5")
    assert "\n" not in str(caught.value)


def edited(check: ModalityCheck, path: Path, change: Callable[[Any, Any], object]) -> Path:
    """Save a check with something changed in it, and its digest."""
    header, arrays = pack(check)
    header, arrays = json.loads(json.dumps(header)), dict(arrays)
    change(header, arrays)
    container.write(path, header, arrays)
    return path


BROKEN: dict[str, Callable[[Any, Any], object]] = {
    "a pair of nobody": lambda h, a: h["pairs"][0].update(modalities=["audio", "smell"]),
    "a pair of one": lambda h, a: h["pairs"][0].update(modalities=["audio", "audio"]),
    "a pair twice": lambda h, a: h["pairs"].__setitem__(1, h["pairs"][0]),
    "no pairs": lambda h, a: h.update(pairs=[]),
    "pairs of another type": lambda h, a: h.update(pairs={"a": 1}),
    "one modality": lambda h, a: h["modalities"].__delitem__(slice(1, None)),
    "a threshold that is none": lambda h, a: h["pairs"][0].update(tau="high"),
    "a setting of another type": lambda h, a: h["config"].update(steps=-1),
    "more": lambda h, a: h.update(more=1),
    "no configuration": lambda h, a: h.pop("config"),
    "a missing array": lambda h, a: a.pop("pair/0/mean_x"),
    "an array of another shape": lambda h, a: a.update({"pair/0/mean_x": np.ones(99)}),
    "an array of another type": lambda h, a: a.update({"pair/0/mean_x": np.ones(4, "f4")}),
    "an array of texts": lambda h, a: a.update({"modality/0/mean": np.array([b"a"])}),
    "not finite": lambda h, a: a.update({"pair/0/mean_x": a["pair/0/mean_x"] * np.nan}),
    "no variance": lambda h, a: a.update({"modality/0/variances": a["modality/0/variances"] * 0}),
    "nothing usual": lambda h, a: a.update({"modality/0/usual": np.zeros((0, 2))}),
    "ids of another type": lambda h, a: a.update(ids=np.arange(3)),
    "ids that are no text": lambda h, a: a.update(ids=np.array([b"\xff"])),
    "no statistics": lambda h, a: a.pop("standardise.std.audio"),
    "statistics of another width": lambda h, a: a.update(
        {"standardise.mean.audio": np.ones(99, "f4")}
    ),
    "a spread of 0": lambda h, a: a.update(
        {"standardise.std.audio": a["standardise.std.audio"] * 0}
    ),
    "an unknown feature": lambda h, a: h["features"].pop("audio"),
    "a feature of another type": lambda h, a: h["features"].update(audio=3),
    "a modality twice": lambda h, a: h["modalities"][1].update(name=h["modalities"][0]["name"]),
    "endless steps": lambda h, a: h["modalities"][0].update(steps=10**9),
    "a setting that is true": lambda h, a: h["config"].update(quantile=True),
    "features of others": lambda h, a: h.update(features={"smell": "nose"}),
    "no row of components": lambda h, a: a.update(
        {"modality/0/components": a["modality/0/components"].reshape(-1)}
    ),
    "a projection cut short": lambda h, a: a.update(
        {"pair/0/projection_x": a["pair/0/projection_x"][:-1]}
    ),
    "steps of another kind": lambda h, a: h["modalities"][0].update(steps=7),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_parts_that_do_not_fit(check: ModalityCheck, tmp_path: Path, name: str) -> None:
    path = edited(check, tmp_path / "check.h5", lambda header, arrays: None)
    load_check(path)
    edited(check, path, BROKEN[name])
    with pytest.raises(StoreError, match=r"not a check this .*; run emocli fit-cca again") as told:
        load_check(path)
    assert "\n" not in str(told.value)
