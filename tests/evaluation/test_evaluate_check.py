"""Evaluation with the modality check, and what replaces modalities that are not trusted."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from emocli.data.durable import digest
from emocli.data.manifest import Manifest
from emocli.errors import StoreError
from emocli.evaluation.evaluator import RunEvaluator
from emocli.plugin.robustness import RepairOptions
from emocli.training.fit_cca import fit_cca
from tests import toy
from tests.evaluation import evaluated
from tests.evaluation.evaluated import report

corpus = evaluated.corpus()
single = evaluated.single()


@pytest.fixture
def with_check(corpus: toy.Toy, single: Path, tmp_path: Path) -> Path:
    """A copy whose check trusts only what agrees well."""
    copy = Path(shutil.copytree(corpus.folder, tmp_path / "copy"))
    settings = {"tau": "fixed", "threshold": 0.3, "all_flagged": "zero_all"}
    manifest = Manifest.read(copy / "toy.csv")
    fit_cca(manifest, copy / "store", settings={"check": settings})
    return copy / "one"


def test_the_check_changes_what_the_network_sees(with_check):
    off, on = report(with_check).data, report(with_check, repair=RepairOptions(check=True)).data
    assert "flagged" not in off["clean"]
    flagged = on["clean"]["flagged"]
    assert sum(result["flagged"] for result in flagged.values()) > 20
    assert on["confusion"] != off["confusion"]


def test_the_report_says_which_check_was_asked(with_check):
    first = report(with_check, repair=RepairOptions(check=True)).data["inputs"]["checks"]
    assert first == {"check.h5": digest(with_check.parent / "store/check.h5")}
    fit_cca(Manifest.read(with_check.parent / "toy.csv"), with_check.parent / "store")
    again = report(with_check, repair=RepairOptions(check=True)).data["inputs"]["checks"]
    assert again.keys() == first.keys()
    assert again != first
    assert report(with_check).data["inputs"]["checks"] == {}


def test_flags_are_counted_in_corrupted_and_clean_clips(with_check):
    result = report(
        with_check, corrupt=["visual:gaussian@-30dB"], repair=RepairOptions(check=True)
    ).data
    flags = result["corrupted"]["flagged"]
    assert {m: f["corrupted"] for m, f in flags.items()} == {"audio": 0, "text": 0, "visual": 45}
    assert flags["visual"]["detected"] == flags["visual"]["flagged"]
    assert flags["audio"]["detected"] == 0
    assert flags["visual"]["clips"] == 45
    assert flags["visual"]["flagged"] >= result["clean"]["flagged"]["visual"]["flagged"]


def test_reports_of_different_proxies_stand_side_by_side(with_check):
    usual = report(with_check, repair=RepairOptions(proxy="ridge"))
    joint = report(with_check, repair=RepairOptions(proxy="plus"))
    near = report(with_check, repair=RepairOptions(proxy="knn_ls", settings={"proxy": {"k": 3}}))
    assert len({result.path for result in (usual, joint, near)}) == 3
    assert joint.data["repair"] == "proxy ridge sources=joint"
    assert near.path.name == "test+proxy-knn_ls-k-3.json"


def test_what_the_check_trusts_stays_bit_identical(with_check):
    evaluator = RunEvaluator.open(with_check, "test", None, None, repair=RepairOptions(check=True))
    repaired = evaluator.repair_factory.repaired(evaluator.samples, evaluator.repair, size=7)
    after, flagged = repaired.samples, repaired.flagged
    some = {m: len(ids) for m, ids in flagged.items()}
    assert any(0 < count < 45 for count in some.values())
    for clip in evaluator.samples.clips:
        for modality in evaluator.modalities:
            old, new = evaluator.samples.array(clip.id, modality), after.array(clip.id, modality)
            expected = np.zeros_like(old) if clip.id in flagged[modality] else old
            assert np.array_equal(new, expected)


def test_the_check_works_for_dialogues_too(with_check):
    evaluator = RunEvaluator.open(with_check, "test", None, None, repair=RepairOptions(check=True))
    repaired = evaluator.repair_factory.repaired(evaluator.samples, evaluator.repair, size=7)
    after, flagged = repaired.samples, repaired.flagged
    (batch,) = after.batches(100, "dialogue")
    assert batch.turns is not None
    for modality, view in batch.views.items():
        zero = {i for i, row in zip(batch.ids, view.rows(), strict=True) if not row.any()}
        assert zero == flagged[modality]


def test_a_missing_check_is_one_line(single):
    with pytest.raises(StoreError, match=r"check.h5: .*fit-cca"):
        report(single, repair=RepairOptions(check=True))


def test_a_check_of_other_features_is_refused(with_check):
    store = with_check.parent / "store"
    manifest = Manifest.read(with_check.parent / "toy.csv")
    fit_cca(manifest, store, features=["glove", "face_hog"])
    with pytest.raises(StoreError, match="fit-cca again"):
        report(with_check, repair=RepairOptions(check=True))


def test_one_modality_has_no_proxies_and_a_warning_says_so(corpus, tmp_path):
    robust = {"corrupt": ["m3er75"], "oracle": True, "proxy": "ridge"}
    run = corpus.trained(tmp_path / "run", "unimodal", features=["mel"], robust=robust)
    result = report(run, corrupt=["m3er75"]).data
    (remark,) = result["remarks"]
    assert "there is audio alone: what is bad is discarded" in remark
    flags = result["corrupted"]["flagged"]["audio"]
    assert flags["detected"] == flags["corrupted"] > 20
    assert flags["regenerated"] == 0
    discarded = report(run, corrupt=["m3er75"], repair=RepairOptions(fill="discard")).data
    assert discarded["remarks"] == []
    assert discarded["corrupted"]["confusion"] == result["corrupted"]["confusion"]
