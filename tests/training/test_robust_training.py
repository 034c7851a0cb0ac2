"""Corruption, check, proxies and modality dropout reach the training and are remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli.config import merge
from emocli.errors import ConfigError, RunError, StoreError
from emocli.evaluation.evaluate import evaluate
from emocli.models import rundir
from emocli.plugin.network import Network
from emocli.plugin.robustness import RepairOptions, RobustOptions
from emocli.training.fit_cca import fit_cca
from emocli.training.prepare import prepare
from emocli.training.train import TrainRequest
from tests import toy

SIZES = {"train": 36, "valid": 18, "test": 24}
ONCE = merge(toy.QUICK, {"train": {"epochs": 1}})
BOTH = {"corrupt": ["m3er75"], "check": True, "proxy": "ridge"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> toy.Toy:
    corpus = toy.build(tmp_path_factory.mktemp("toy"), sizes=SIZES)
    fit_cca(corpus.manifest, corpus.store)
    return corpus


def trained(corpus: toy.Toy, name: str, **options: Any) -> Path:
    return corpus.trained(name, settings=merge(ONCE, options.pop("settings", {})), **options)


def weights(run: Path) -> np.ndarray:
    state = rundir.load(run).network.state_dict()
    return np.concatenate([value.numpy().ravel() for value in state.values()])


CASES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "corrupt": {"robust": {"corrupt": ["m3er75"]}},
    "seed": {
        "robust": {"corrupt": ["m3er75"]},
        "settings": {"robust": {"corruption_seed": 1}},
    },
    "check": {"robust": {"corrupt": ["m3er75"], "check": True}},
    "oracle": {"robust": {"corrupt": ["m3er75"], "oracle": True}},
    "zero": {"robust": {"corrupt": ["m3er75"], "check": True, "fill": "zero"}},
    "missing": {"robust": {"corrupt": ["m3er75"], "check": True, "fill": "missing"}},
    "learns proxies": {"robust": BOTH, "settings": {"robust": {"train_on_proxy": True}}},
    "other proxies": {
        "robust": {**BOTH, "proxy": "nn1"},
        "settings": {"robust": {"train_on_proxy": True}},
    },
    "dropout": {"settings": {"train": {"modality_dropout": 0.5}}},
}


@pytest.fixture(scope="module")
def runs(corpus: toy.Toy) -> dict[str, Path]:
    return {name: trained(corpus, name, **options) for name, options in CASES.items()}


def test_each_of_them_changes_what_is_learnt(runs: dict[str, Path]) -> None:
    result = {name: weights(run) for name, run in runs.items()}
    assert all(np.isfinite(value).all() for value in result.values())
    alike = [
        (a, b) for a in result for b in result if a < b and np.array_equal(result[a], result[b])
    ]
    assert set(alike) <= {("check", "oracle")}  # where the check makes no mistake


def test_proxies_are_for_validation_unless_they_are_to_be_learnt_from(corpus: toy.Toy) -> None:
    def ready(**options: Any) -> tuple[Any, Any]:
        settings = merge(toy.QUICK, options.pop("settings", {}))
        options["robust"] = RobustOptions(**options["robust"])
        return prepare(
            corpus.manifest, corpus.store, "late", None, "paper", settings, **options
        ).ready(Network())

    def arrays(samples: Any) -> list[np.ndarray]:
        return [samples.array(c.id, m) for c in samples.clips for m in samples.stores]

    def same(a: Any, b: Any) -> bool:
        return all(np.array_equal(x, y) for x, y in zip(arrays(a), arrays(b), strict=True))

    discarded = ready(robust={"corrupt": ["m3er75"], "check": True})
    regenerated = ready(robust=BOTH)
    learnt = ready(robust=BOTH, settings={"robust": {"train_on_proxy": True}})
    assert same(discarded[0], regenerated[0])
    assert not same(discarded[1], regenerated[1])
    assert not same(regenerated[0], learnt[0])
    assert same(regenerated[1], learnt[1])


def test_a_proxy_that_is_learnt_from_never_saw_its_clip(corpus: toy.Toy) -> None:
    """One nearest neighbour of a clip that is in the bank is the clip itself."""
    robust = {"corrupt": ["m3er75"], "oracle": True, "proxy": "nn1"}
    settings = merge(toy.QUICK, {"robust": {"train_on_proxy": True}})
    prepared = prepare(
        corpus.manifest, corpus.store, "late", None, "paper", settings, RobustOptions(**robust)
    )
    clean = prepared.train.then(prepared.standardiser)
    _, corrupter = prepared.repair_factory.corrupted(clean)
    learnt, _ = prepared.ready(Network())
    struck = [(c.id, m) for c in clean.clips for m in corrupter.corrupted(c.id)]
    assert len(struck) > 15
    for clip_id, modality in struck:
        result, true = learnt.array(clip_id, modality), clean.array(clip_id, modality)
        assert result.shape == true.shape
        assert not np.allclose(result.mean(axis=0), true.mean(axis=0), atol=1e-3)


def test_the_run_remembers_and_evaluation_does_alike(corpus: toy.Toy) -> None:
    run = trained(corpus, "remembers", robust=BOTH)
    config = rundir.read_config(run)
    assert config.robust == {
        "trust": "check",
        "fill": "proxy",
        "proxy": {"mode": "ridge"},
        "corrupt": ["m3er75"],
    }
    assert len(config.check) == 64
    card = (run / "README.md").read_text()
    assert 'robust.corrupt = ["m3er75"]' in card
    evaluation = evaluate(run, corrupt=["m3er75"], figures=False).data
    assert evaluation["repair"] == "check, proxy ridge"
    flags = evaluation["corrupted"]["flagged"]
    assert sum(f["regenerated"] for f in flags.values()) > 8
    assert sum(f["detected"] for f in flags.values()) >= 0.9 * sum(
        f["corrupted"] for f in flags.values()
    )
    off = evaluate(run, corrupt=["m3er75"], repair=RepairOptions(check=False), figures=False).data
    assert off["repair"] == ""
    assert off["corrupted"]["confusion"] != evaluation["corrupted"]["confusion"]


def test_a_run_is_resumed_under_the_same_conditions_only(corpus: toy.Toy) -> None:
    trained(corpus, "again", robust=BOTH)
    assert trained(corpus, "again", robust=BOTH)
    with pytest.raises(RunError, match=r"was trained with robust\.corrupt"):
        trained(corpus, "again", robust={"check": True, "proxy": "ridge"})
    with pytest.raises(RunError, match=r"train.modality_dropout = 0.0 and not 0.3"):
        trained(corpus, "again", robust=BOTH, settings={"train": {"modality_dropout": 0.3}})


def test_every_fold_is_repaired_by_its_own_check(corpus: toy.Toy) -> None:
    request = corpus.request("cross", robust=RobustOptions(**BOTH))
    with pytest.raises(StoreError, match=r"fold-0-of-3.h5: there is no such file"):
        request.cross_validate(3)
    for index in range(3):
        fit_cca(corpus.manifest.folded(index, 3), corpus.store)
    run = request.cross_validate(3).run
    evaluation = evaluate(run, corrupt=["m3er75"], figures=False).data
    assert evaluation["n"] == sum(SIZES.values())
    assert sum(f["regenerated"] for f in evaluation["corrupted"]["flagged"].values()) > 30


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"robust": {"corrupt": ["m3er57"]}}, "did you mean 'm3er75'"),
        ({"robust": {"proxy": "rigde"}}, "did you mean 'ridge'"),
        ({"robust": {"fill": "zero"}}, "would fill nothing"),
        ({"settings": {"robust": {"proxi": {}}}}, "unknown setting 'robust.proxi'"),
        ({"settings": {"train": {"modality_dropout": 1.0}}}, "train.modality_dropout"),
    ],
)
def test_mistakes_are_refused_before_anything_is_written(
    corpus: toy.Toy, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        trained(corpus, "refused", **options)
    assert message in str(caught.value)
    assert not (corpus.folder / "refused").exists()


def test_one_modality_is_trained_without_proxies_and_a_note_says_so(corpus: toy.Toy) -> None:
    robust = {"corrupt": ["m3er75"], "oracle": True, "proxy": "ridge"}
    learning = merge(toy.QUICK, {"robust": {"train_on_proxy": True}})
    parts = (
        corpus.manifest,
        corpus.store,
        "unimodal",
        ["mel"],
        "paper",
        learning,
        RobustOptions(**robust),
    )
    assert any("audio alone: what is bad is discarded" in note for note in prepare(*parts).notes)
    options = {"features": ["mel"], "settings": learning, "robust": robust}
    assert corpus.trained("alone", "unimodal", **options).is_dir()


def test_a_plan_says_what_would_be_done(corpus: toy.Toy, tmp_path: Path) -> None:
    how = {
        "fusion": "late",
        "run": tmp_path / "run",
        "settings": toy.QUICK,
        "robust": RobustOptions(**BOTH),
    }
    result = TrainRequest(manifest=corpus.manifest, store=corpus.store, **how).plan()
    assert result.robust["trust"] == "check"
    assert result.robust["proxy"]["mode"] == "ridge"
