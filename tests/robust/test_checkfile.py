from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli.data.standardise import Standardiser
from emocli.errors import StoreError
from emocli.robust import container
from emocli.robust.check import ModalityCheck
from emocli.robust.checkfile import pack
from emocli.robust.origin import Origin
from emocli.robust.settings import configure
from tests.robust.latent import DIMS, clips, padded, spoilt

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
    return replace(check, origin=Origin(names, digests, "manifest", ids, statistics))


def test_a_check_judges_the_same_after_saving(check: ModalityCheck, tmp_path: Path) -> None:
    check.save(tmp_path / "check.h5")
    loaded = ModalityCheck.load(tmp_path / "check.h5")
    for rows in (clips(40, 3), spoilt(clips(40, 3), "audio")):
        views = padded(rows)
        for kind in ("scores", "unusual", "effective"):
            before, after = getattr(check, kind)(views), getattr(loaded, kind)(views)
            assert before.keys() == after.keys()
            assert all(np.array_equal(before[key], after[key]) for key in before)
    assert loaded.config == check.config
    assert loaded.doubts() == check.doubts()


def test_a_check_of_steps_comes_back_as_one(tmp_path: Path) -> None:
    config = configure("plus", {"check": {"representation": "step", "steps": 5}})
    check = ModalityCheck.fit(padded(clips(60, 1)), padded(clips(30, 2)), config)
    check.save(tmp_path / "check.h5")
    loaded = ModalityCheck.load(tmp_path / "check.h5")
    assert loaded.representation == check.representation
    views = padded(spoilt(clips(40, 3), "audio"))
    before, after = check.effective(views), loaded.effective(views)
    assert all(np.array_equal(before[m], after[m]) for m in DIMS)


def test_its_limits_and_its_origin_come_along(check: ModalityCheck, tmp_path: Path) -> None:
    check.save(tmp_path / "check.h5")
    loaded = ModalityCheck.load(tmp_path / "check.h5")
    assert check.origin is not None
    assert loaded.origin is not None
    assert loaded.origin.ids == check.origin.ids
    assert loaded.origin.features == check.origin.features
    assert loaded.origin.fingerprints == check.origin.fingerprints
    assert loaded.origin.manifest == "manifest"
    for modality in DIMS:
        assert loaded.limits[modality] == check.limits[modality]
        for kind in ("mean", "std"):
            np.testing.assert_array_equal(
                getattr(loaded.origin.standardiser, kind)[modality],
                getattr(check.origin.standardiser, kind)[modality],
            )


def test_without_an_origin_it_is_saved_too(check: ModalityCheck, tmp_path: Path) -> None:
    replace(check, origin=None).save(tmp_path / "check.h5")
    assert ModalityCheck.load(tmp_path / "check.h5").origin is None


def test_a_header_of_another_make_is_one_line(tmp_path: Path) -> None:
    container.write(tmp_path / "check.h5", {"config": {"score": "new"}}, {})
    with pytest.raises(StoreError, match="is not a check this version understands") as caught:
        ModalityCheck.load(tmp_path / "check.h5")
    assert "\n" not in str(caught.value)


def _swapped(header: Tree, arrays: Arrays) -> None:
    header["pairs"][0]["modalities"] = ["audio", "smell"]


def _doubled(header: Tree, arrays: Arrays) -> None:
    header["pairs"][1]["modalities"] = header["pairs"][0]["modalities"]


def _missing(header: Tree, arrays: Arrays) -> None:
    del header["pairs"][2]


def _alone(header: Tree, arrays: Arrays) -> None:
    header["modalities"], header["pairs"] = header["modalities"][:1], []


def _named_twice(header: Tree, arrays: Arrays) -> None:
    header["modalities"][1]["name"] = header["modalities"][0]["name"]


def _stepped(header: Tree, arrays: Arrays) -> None:
    header["modalities"][0]["steps"] = 10**9


def _of_others(header: Tree, arrays: Arrays) -> None:
    header["features"] = {"smell": "nose"}


def _cut(header: Tree, arrays: Arrays) -> None:
    arrays["pair/0/projection_x"] = arrays["pair/0/projection_x"][:-1]


def _flat(header: Tree, arrays: Arrays) -> None:
    arrays["modality/0/components"] = arrays["modality/0/components"].reshape(-1)


def _texts(header: Tree, arrays: Arrays) -> None:
    arrays["modality/0/mean"] = arrays["modality/0/mean"].astype("S8")


def _true(header: Tree, arrays: Arrays) -> None:
    header["config"]["quantile"] = True


@pytest.mark.parametrize(
    "change",
    [
        *(_swapped, _doubled, _missing, _alone, _named_twice, _stepped),
        *(_of_others, _cut, _flat, _texts, _true),
    ],
)
def test_a_check_whose_parts_do_not_fit_each_other_is_one_line(
    check: ModalityCheck, tmp_path: Path, change: Callable[[Tree, Arrays], None]
) -> None:
    header, arrays = pack(check)
    header, arrays = deepcopy(dict(header)), dict(arrays)
    change(header, arrays)
    container.write(tmp_path / "check.h5", header, arrays)
    with pytest.raises(StoreError, match="is not a check this version understands") as caught:
        ModalityCheck.load(tmp_path / "check.h5")
    assert "\n" not in str(caught.value)
