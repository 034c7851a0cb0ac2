"""Analyses of a whole cross-validation: every clip by the fold that tests it, all together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli.config import merge
from emocli.errors import RunError, StoreError
from emocli.training.fit_cca import fit_cca
from emocli.training.summaries import CrossSummary
from tests import toy
from tests.training.test_m3er import SETTINGS

check = toy.analysis("check")
gates = toy.analysis("gates")
proxies = toy.analysis("proxies")
weights = toy.analysis("weights")

FOLDS = 3
SIZES = {"train": 36, "valid": 18, "test": 24}
SPEC = "visual@0.01"


corpus = toy.fixture(sizes=SIZES)
"""Folds of different sizes, so that a mean of the folds' means is another number."""


def crossed(corpus: toy.Toy, fusion: str, settings: dict[str, Any]) -> CrossSummary:
    settings = merge(settings, {"train": {"epochs": 1, "threads": 1}})
    return corpus.request(fusion, fusion, settings=settings, seeds=2).cross_validate(FOLDS)


@pytest.fixture(scope="module")
def gated(corpus: toy.Toy) -> CrossSummary:
    return crossed(corpus, "rrnn", merge(toy.QUICK, {"network": {"hops": 2}}))


@pytest.fixture(scope="module")
def checked(corpus: toy.Toy) -> toy.Toy:
    for index in range(FOLDS):
        fit_cca(corpus.manifest.folded(index, FOLDS), corpus.store)
    return corpus


def pooled(alone: list[dict[str, Any]], *keys: Any) -> Any:
    """Average over the folds what the keys lead to, by the number of their clips."""
    values = []
    for data in alone:
        result: Any = data
        for key in keys:
            result = result[key]
        values.append(np.array(result, float))
    return np.average(values, axis=0, weights=[data["n"] for data in alone])


def test_gates_are_means_over_the_clips_of_all_folds(gated: CrossSummary) -> None:
    analysis = gates(gated.run, corrupt=[SPEC], figures=False)
    assert analysis.path.parent == gated.run / "reports"
    alone = [gates(fold.run, corrupt=[SPEC], figures=False).data for fold in gated.folds]
    assert len({data["n"] for data in alone}) > 1
    assert analysis.data["n"] == sum(data["n"] for data in alone) == sum(SIZES.values())
    for condition, views in analysis.data["gates"].items():
        for view, result in views.items():
            wanted = pooled(alone, "gates", condition, view)
            np.testing.assert_allclose(np.array(result), wanted, rtol=1e-4)


def test_weights_are_means_over_the_clips_of_all_folds(corpus: toy.Toy) -> None:
    cross = crossed(corpus, "m3er", SETTINGS)
    data = weights(cross.run, corrupt=[SPEC], figures=False).data
    alone = [weights(fold.run, corrupt=[SPEC], figures=False).data for fold in cross.folds]
    for condition, kinds in data["conditions"].items():
        assert list(kinds) == ["weights", "oracle"]
        for kind, modalities in kinds.items():
            for modality, result in modalities.items():
                wanted = pooled(alone, "conditions", condition, kind, modality)
                np.testing.assert_allclose(np.array(result), wanted, rtol=1e-4)


def test_every_fold_is_judged_by_its_own_check(checked: toy.Toy, gated: CrossSummary) -> None:
    analysis = check(gated.run, levels="-20dB", figures=False).data
    alone = [check(f.run, levels="-20dB", figures=False).data for f in gated.folds]
    assert analysis["n"] == sum(SIZES.values())
    for name in ("fitted", "literal", "paper"):
        for k in range(len(analysis["points"])):
            got = analysis["points"][k]["rates"][name]["detected"]
            assert got == pytest.approx(pooled(alone, "points", k, "rates", name, "detected"))
        counts = [
            [list(row.values()) for row in data["confusion"][name].values()]
            for data in [analysis, *alone]
        ]
        assert counts[0] == np.sum(counts[1:], axis=0).tolist()
    for point in analysis["points"]:
        if point["level"] == "-20dB":
            assert point["roc"]["area"] > 0.9


def test_checks_of_different_kinds_are_not_counted_together(
    checked: toy.Toy, gated: CrossSummary
) -> None:
    fit_cca(checked.manifest.folded(1, FOLDS), checked.store, preset="paper")
    with pytest.raises(StoreError, match="its folds have different settings; run emocli fit-cca"):
        check(gated.run, levels="-20dB", figures=False)
    fit_cca(checked.manifest.folded(1, FOLDS), checked.store)


def test_proxies_of_each_fold_are_tried_on_its_own_clips(gated: CrossSummary) -> None:
    analysis = proxies(gated.run, kind=("ridge",), figures=False).data
    alone = [proxies(f.run, kind=("ridge",), figures=False).data for f in gated.folds]
    assert analysis["n"]["held out"] == sum(SIZES.values())
    assert analysis["n"]["learnt"] == sum(data["n"]["learnt"] for data in alone)
    for k, row in enumerate(analysis["errors"]):
        own = [data["errors"][k]["held out"] for data in alone]
        assert min(own) <= row["held out"] <= max(own)
        assert len(set(own)) == FOLDS
    assert analysis["curves"] == alone[0]["curves"]


@pytest.mark.parametrize("stage", [gates, check, proxies])
def test_training_clips_are_those_of_several_folds(gated: CrossSummary, stage: Any) -> None:
    with pytest.raises(RunError, match="train split of several folds; name one of them"):
        stage(gated.run, split="train")


def test_a_fold_is_no_place_for_another_corpus(gated: CrossSummary, tmp_path: Path) -> None:
    other = toy.build(tmp_path, sizes={"train": 24, "valid": 12, "test": 18})
    with pytest.raises(RunError, match="those of another corpus; name one of them"):
        gates(gated.run, manifest=tmp_path / "toy.csv", store=other.store)
