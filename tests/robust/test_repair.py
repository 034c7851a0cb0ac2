from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from emocli.data.batch import Batch
from emocli.data.samples import Samples
from emocli.data.standardise import Standardiser
from emocli.data.store import open_features
from emocli.errors import ConfigError
from emocli.plugin.robustness import RepairOptions, RobustOptions, on, read
from emocli.robust.check.model import ModalityCheck
from emocli.robust.check.settings import CheckConfig
from emocli.robust.corrupt import Corrupter
from emocli.robust.proxy.generator import ProxyGenerator
from emocli.robust.proxy.settings import ProxyConfig, configure
from emocli.robust.repair import Repair, RepairConfig, Repaired, RobustConfig
from tests import toy

SIZES = {"train": 60, "valid": 30, "test": 40}
MODALITIES = ("audio", "text", "visual")
CHECK = CheckConfig(representation="mean", score="llr", tau="youden")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Samples]:
    corpus = toy.build(tmp_path_factory.mktemp("toy"), sizes=SIZES, noise=0.1)
    stores = open_features(corpus.store, None, corpus.manifest)
    splits = {split: Samples.of(corpus.manifest, split, stores) for split in SIZES}
    standardiser = Standardiser.fit(splits["train"])
    return {split: samples.then(standardiser) for split, samples in splits.items()}


def whole(samples: Samples) -> Batch:
    return samples.batch(samples.clips)


def standardiser(samples: Samples) -> Standardiser:
    (result,) = samples.transforms
    assert isinstance(result, Standardiser)
    return result


def repaired(
    clean: dict[str, Samples], config: RepairConfig, corrupt: str = "m3er75", size: int = 7
) -> tuple[Samples, Corrupter, Repaired]:
    test = clean["test"]
    corrupter = Corrupter(on(read([corrupt]), MODALITIES), 0, test)
    views = {split: whole(clean[split]).views for split in ("train", "valid")}
    check = ModalityCheck.fit(views["train"], views["valid"], CHECK)
    generator = ProxyGenerator.fit(views["train"], config.proxy)
    repair = Repair.of(config, standardiser(test), check, corrupter, generator)
    noisy = test.then(corrupter)
    return noisy, corrupter, repair(noisy, size)


# -- what is asked for


def test_the_options_of_a_command_become_settings() -> None:
    def asked(base: RepairConfig | None = None, **options: object) -> tuple[str, str, str]:
        result = (base or RepairConfig()).with_options(RepairOptions(**options))
        return result.trust, result.fill, result.proxy.mode

    assert asked() == ("all", "discard", "knn_ls")
    assert asked(check=True) == ("check", "discard", "knn_ls")
    assert asked(check=True, proxy="ridge") == ("check", "proxy", "ridge")
    assert asked(oracle=True, fill="zero") == ("oracle", "zero", "knn_ls")
    assert asked(check=True, fill="mean") == ("check", "proxy", "mean")
    assert asked(proxy="paper") == ("all", "proxy", "knn_ls")
    assert asked(check=True, fill="proxy") == ("check", "proxy", "ridge")
    assert asked(settings={"fill": "proxy"}) == ("all", "proxy", "ridge")
    assert asked(settings={"fill": "proxy", "proxy": {"mode": "nn1"}}) == ("all", "proxy", "nn1")
    more = RepairConfig().with_options(RepairOptions(settings={"fill": "proxy", "proxy": {"k": 3}}))
    assert more.proxy == configure("plus", {"k": 3})
    trained = RobustConfig(trust="check", fill="proxy", proxy=ProxyConfig(mode="ridge", k=3))
    assert asked(trained) == ("check", "proxy", "ridge")
    assert asked(trained, check=False) == ("all", "discard", "ridge")
    assert asked(trained, fill="missing") == ("check", "missing", "ridge")
    assert asked(trained, oracle=True) == ("oracle", "proxy", "ridge")
    changed = trained.with_options(RepairOptions(settings={"proxy": {"ridge": 2.0}}))
    assert changed.proxy == ProxyConfig(mode="ridge", k=3, ridge=2.0)
    assert (
        trained.with_options(RepairOptions(proxy="ridge")).proxy.k == 200
    )  # a kind that is named starts afresh


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"check": True, "oracle": True}, "--check and --oracle"),
        ({"check": True, "proxy": "ridge", "fill": "zero"}, "--proxy and --fill zero"),
        ({"fill": "zero"}, "--fill zero would fill nothing; add --check or --oracle"),
        ({"proxy": "best"}, "no kind of proxy 'best'"),
        ({"check": True, "fill": "noise"}, "setting 'robust.fill' = 'noise'"),
        ({"settings": {"proxy": {"n": 3}}}, "unknown setting 'robust.proxy.n'"),
        ({"settings": 0}, r"'robust' is a section, not a setting \(now 0\)"),
    ],
)
def test_contradictions_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RepairConfig().with_options(RepairOptions(**options))


def test_training_discards_unless_it_is_to_learn_from_proxies() -> None:
    config = RobustConfig(trust="check", fill="proxy")
    assert config.at_training.fill == "discard"
    assert config.model_copy(update={"train_on_proxy": True}).at_training.fill == "proxy"
    assert RobustConfig(trust="check", fill="zero").at_training.fill == "zero"


def test_a_table_says_what_was_done() -> None:
    assert RepairConfig().label == ""
    assert RepairConfig(trust="check").label == "check, discard"
    assert RepairConfig(trust="oracle", fill="proxy").label == "oracle, proxy knn_ls"
    options = RepairOptions(check=True, proxy="plus", settings={"proxy": {"ridge": 0.5}})
    result = RepairConfig().with_options(options)
    assert result.label == "check, proxy ridge sources=joint ridge=0.5"


# -- what is done


def test_the_oracle_finds_exactly_what_was_corrupted(clean: dict[str, Samples]) -> None:
    _, corrupter, result = repaired(clean, RepairConfig(trust="oracle"))
    assert result.flagged == corrupter.clips
    assert 20 <= sum(map(len, result.flagged.values())) <= 38  # three of forty clips in four
    assert not any(result.regenerated.values())


def test_the_check_finds_most_of_it(clean: dict[str, Samples]) -> None:
    noisy, corrupter, result = repaired(clean, RepairConfig(trust="check"))
    corrupted = {(m, c.id) for c in noisy.clips for m in corrupter.corrupted(c.id)}
    flagged = {(m, clip_id) for m, ids in result.flagged.items() for clip_id in ids}
    assert len(flagged & corrupted) >= 0.5 * len(corrupted)


@pytest.mark.parametrize("fill", ["discard", "missing", "zero", "proxy"])
def test_what_is_trusted_stays_bit_identical_and_the_rest_changes(
    clean: dict[str, Samples], fill: str
) -> None:
    noisy, _, result = repaired(clean, RepairConfig(trust="oracle", fill=fill))
    for clip in noisy.clips:
        for modality in MODALITIES:
            before, after = (s.array(clip.id, modality) for s in (noisy, result.samples))
            assert np.array_equal(before, after) == (clip.id not in result.flagged[modality])


def test_each_way_to_fill(clean: dict[str, Samples]) -> None:
    def filled(fill: str, mode: str = "ridge") -> list[tuple[str, np.ndarray, np.ndarray]]:
        config = RepairConfig(trust="oracle", fill=fill, proxy=ProxyConfig(mode=mode))
        _, _, result = repaired(clean, config)
        return [
            (m, clean["test"].array(i, m), result.samples.array(i, m))
            for m, ids in result.flagged.items()
            for i in ids
        ]

    for modality, true, built in filled("discard"):
        assert built.shape == true.shape, modality
        assert not built.any()
    assert all(not len(built) for _, _, built in filled("missing"))
    known = standardiser(clean["test"])
    for modality, true, built in filled("zero"):
        assert built.shape == true.shape
        np.testing.assert_allclose(built * known.std[modality] + known.mean[modality], 0, atol=1e-5)
    proxies, means = filled("proxy"), filled("proxy", "mean")
    assert all(built.shape == true.shape for _, true, built in (*proxies, *means))

    def error(rows: list[tuple[str, np.ndarray, np.ndarray]]) -> float:
        return sum(float(np.square(true - built).sum()) for _, true, built in rows)

    assert error(proxies) < 0.97 * error(means)


def test_proxies_fill_what_is_missing_too(clean: dict[str, Samples]) -> None:
    config = RepairConfig(fill="proxy")
    _, corrupter, result = repaired(clean, config, "m3er75@missing")
    assert not any(result.flagged.values())
    assert 20 <= sum(map(len, result.regenerated.values())) <= 38
    assert result.regenerated == corrupter.clips
    for modality, ids in result.regenerated.items():
        assert all(len(result.samples.array(i, modality)) for i in ids)


def test_a_feature_the_store_lacks_is_filled_as_well(clean: dict[str, Samples]) -> None:
    class Lacking(Samples):
        """The same clips, whose sound was never extracted."""

    test = clean["test"]
    store = type(
        "Store", (), {"dim": 5, "length": lambda s, i: 0, "__contains__": lambda s, i: False}
    )()
    lacking = Lacking(test.manifest, test.clips, {**test.stores, "audio": store}, test.transforms)
    generator = ProxyGenerator.fit(whole(clean["train"]).views)
    repair = Repair.of(RepairConfig(fill="proxy"), standardiser(test), None, None, generator)
    result = repair(lacking, 7)
    assert len(result.regenerated["audio"]) == len(test)
    assert all(len(result.samples.array(c.id, "audio")) for c in test.clips)


def test_what_cannot_be_regenerated_is_discarded(clean: dict[str, Samples]) -> None:
    config = RepairConfig(trust="oracle", fill="proxy")
    _, _, result = repaired(clean, config, "audio,text,visual")
    assert not any(result.regenerated.values())
    for modality in MODALITIES:
        assert len(result.flagged[modality]) == 40
        assert not any(result.samples.array(c.id, modality).any() for c in clean["test"].clips)


def test_the_size_of_the_batches_does_not_matter(clean: dict[str, Samples]) -> None:
    config = RepairConfig(trust="check", fill="proxy")
    one, two = (repaired(clean, config, size=size)[2] for size in (1, 40))
    assert (one.flagged, one.regenerated) == (two.flagged, two.regenerated)
    for clip in clean["test"].clips:
        for modality in MODALITIES:
            first, second = (f.samples.array(clip.id, modality) for f in (one, two))
            np.testing.assert_allclose(first, second, atol=1e-5)


def test_dialogues_see_the_same(clean: dict[str, Samples]) -> None:
    _, _, result = repaired(clean, RepairConfig(trust="oracle"))
    (batch,) = result.samples.batches(100, "dialogue")
    for modality, view in batch.views.items():
        zero = {i for i, row in zip(batch.ids, view.values, strict=True) if not torch.any(row)}
        assert zero == result.flagged[modality]


def test_nothing_is_repaired_by_default(clean: dict[str, Samples], tmp_path: Path) -> None:
    noisy, _, result = repaired(clean, RepairConfig())
    assert not any(result.flagged.values())
    assert not any(result.regenerated.values())
    for clip in noisy.clips:
        for m in MODALITIES:
            np.testing.assert_array_equal(noisy.array(clip.id, m), result.samples.array(clip.id, m))


# -- one threshold for all pairs


def test_a_threshold_takes_the_place_of_every_pair_s_own(clean: dict[str, Samples]) -> None:
    """As high as no score is, nothing agrees with anything; as low, everything does."""
    flagged = {}
    for tau in (-1e4, None, 1e4):
        config = RepairConfig(trust="check", tau=tau)
        _, _, done = repaired(clean, config)
        flagged[tau] = sum(len(ids) for ids in done.flagged.values())
    assert 0 == flagged[-1e4] < flagged[None] < flagged[1e4]


def test_a_threshold_is_part_of_what_a_table_says() -> None:
    options = RepairOptions(check=True, settings={"tau": 0.25})
    assert RepairConfig().with_options(options).label == "check at tau 0.25, discard"
    trained = RobustConfig().trained_with(RobustOptions(check=True, settings={"tau": 0.25}))
    assert trained.repair.tau == 0.25
    with pytest.raises(ConfigError, match="tau is the check's, and nothing is checked"):
        RepairConfig().with_options(RepairOptions(settings={"tau": 0.25}))
