"""M3ER against its definition in plain numbers, and what each of its settings does."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
import torch

from emocli.config import build
from emocli.data.batch import Batch
from emocli.errors import ConfigError
from emocli.fusion import m3er
from emocli.models.losses import base_loss, resolve
from tests.fusion import zadeh
from tests.fusion.batches import DIMS, double, make
from tests.fusion.beard import Parameters, Vector, add, linear, softmax, times
from tests.fusion.test__multiplicative import scalar_terms, scalar_weights
from tests.fusion.test_mfn import WIDE, clips

TARGETS: dict[Any, torch.Tensor] = {
    "single": torch.tensor([0, 2, 1]),
    "multi": torch.tensor([[0.0, 1, 1], [1, 0, 0], [0, 0, 0]]),
    "intensity": torch.tensor([[0.0, 3, 1], [1.5, 0, 0], [0, 0, 2]]),
}
SETTINGS = {
    "fusion": ("hadamard", "hadamard1p", "concat", "sum"),
    "loss": ("orig", "sum_ce"),
    "beta": (0.2, 4.0),
    "predict": ("mult", "mean"),
    "mulmix": (True,),
    "channel": ("ff",),
    "feedback": ("mem",),
    "steps": ("longest", 3),
    "window": (1, 3),
}


def model(settings: dict[str, Any], task: Any = "single") -> m3er.Model:
    torch.manual_seed(2)
    config = build(m3er.Config, {**WIDE, "steps": 4, **settings}, "network")
    network = m3er.Model(DIMS, 3, config).double().eval()
    network.set_task(task, resolve("auto", task))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2)
    return network


def batch(task: Any = "single") -> Batch:
    return replace(double(make()), targets=TARGETS[task])


def loss(network: m3er.Model, whole: Batch, task: Any = "single") -> torch.Tensor:
    return network.loss(network(whole), whole, base_loss("auto", task))


def fuse(kind: str, ends: dict[str, Vector], weights: list[float]) -> Vector:
    states = [ends[name] for name in sorted(ends)]
    if kind == "concat":
        return [x for state in states for x in state]
    if kind == "sum":
        return add(*states)
    if kind == "hadamard":
        return times(*states)
    if kind == "hadamard1p":
        return [x - 1 for x in times(*([1 + x for x in state] for state in states))]
    scaled = [[len(states) * w * x for x in s] for w, s in zip(weights, states, strict=True)]
    return add(*scaled)


def voices(p: Parameters, ends: dict[str, Vector], mixed: bool) -> dict[tuple[str, ...], Vector]:
    """What every modality, or mixture of them, says by itself: logits."""
    said = {}
    for size in range(1, len(ends) + 1) if mixed else [1]:
        for group in combinations(sorted(ends), size):
            state = [x / size for x in add(*(ends[name] for name in group))]
            said[group] = linear(p.under("heads.view_" + "+".join(group)), state)
    return said


def shared(weights: list[float], groups: list[tuple[str, ...]]) -> list[float]:
    """A mixture's weight in equal parts to its modalities."""
    pairs = list(zip(groups, weights, strict=True))
    return [sum(w / len(g) for g, w in pairs if name in g) for name in sorted(DIMS)]


@pytest.mark.parametrize("fusion", ["weighted", "hadamard", "hadamard1p", "concat", "sum"])
@pytest.mark.parametrize("kind", ["mod", "orig"])
@pytest.mark.parametrize("mulmix", [False, True])
def test_the_network_is_its_definition(fusion: str, kind: str, mulmix: bool) -> None:
    network, whole = model({"fusion": fusion, "loss": kind, "mulmix": mulmix}), batch()
    output = network(whole)
    p = Parameters(network.state_dict())
    terms = []
    for index, clip in enumerate(clips(whole)):
        ends, memory = zadeh.core(p.under("core"), clip, DIMS, network.config)
        said = {g: softmax(logits) for g, logits in voices(p, ends, mulmix).items()}
        weights = shared(scalar_weights(list(said.values()), kind, 1.0), list(said))
        joint = zadeh.mlp(p.under("head"), fuse(fusion, ends, weights) + memory)
        assert output.logits[index].tolist() == pytest.approx(joint, abs=1e-10)
        got = [output.weights[name][index].item() for name in sorted(DIMS)]
        assert got == pytest.approx(weights)
        truth = int(TARGETS["single"][index])
        terms.append(
            -math.log(softmax(joint)[truth])
            + scalar_terms([probabilities[truth] for probabilities in said.values()], kind, 1.0)
        )
    assert loss(network, whole).item() == pytest.approx(sum(terms) / 3)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_changes_what_is_predicted(name: str) -> None:
    base = {"predict": "mult"} if name in {"loss", "beta", "mulmix"} else {}
    said = [model({**base, name: v})(batch()).logits for v in SETTINGS[name]]
    said.append(model(base)(batch()).logits)
    for one, other in combinations(said, 2):
        assert not torch.allclose(one, other)


@pytest.mark.parametrize("task", ["single", "multi", "intensity"])
@pytest.mark.parametrize(
    "settings",
    [{"lambda_mult": 0.3}, {"beta": 2.0}, {"loss": "orig"}, {"loss": "sum_ce"}, {"mulmix": True}],
    ids=str,
)
def test_settings_of_the_loss_change_it(task: str, settings: dict[str, Any]) -> None:
    usual = loss(model({}, task), batch(task), task)
    other = loss(model(settings, task), batch(task), task)
    assert usual.isfinite()
    assert not torch.isclose(usual, other)


@pytest.mark.parametrize("task", ["single", "multi"])
def test_boosting_leaves_out_what_is_right_already(task: str) -> None:
    def own(**settings: Any) -> float:
        return float(loss(model(settings, task), batch(task), task).detach())

    without = own(lambda_mult=0.0)
    assert own(boosted=True, margin=1e6) == pytest.approx(own())
    assert without < own(boosted=True) <= own(boosted=True, margin=0.5) <= own()


def test_boosting_leaves_out_everything_where_all_is_right() -> None:
    for margin, left_out in ((0.0, True), (1e6, False)):
        network, whole = model({"boosted": True, "margin": margin}), batch()
        logs = m3er.log_probabilities("single", network(whole).group_logits)
        right = network.combination.scores(logs)[:, 0]
        easy = replace(whole, targets=right.argmax(dim=-1))
        plain = base_loss("ce", "single")(network(easy).logits, easy.targets)
        assert (loss(network, easy).item() == pytest.approx(plain.item())) is left_out


@pytest.mark.parametrize("task", ["single", "multi", "intensity"])
@pytest.mark.parametrize("detach", [True, False])
def test_what_the_loss_teaches(task: str, detach: bool) -> None:
    """Without the loss of the modalities their heads learn nothing; with it everything does."""
    for weight, idle in ((1.0, False), (0.0, True)):
        network = model({"lambda_mult": weight, "detach_weight": detach}, task)
        loss(network, batch(task), task).backward()
        still = {
            n.split(".")[0]
            for n, p in network.named_parameters()
            if p.grad is None or not p.grad.any()
        }
        assert still == ({"heads"} if idle else set())


def test_detaching_changes_the_gradient_and_not_the_loss() -> None:
    values, gradients = [], []
    for detach in (True, False):
        network = model({"detach_weight": detach})
        value = loss(network, batch())
        value.backward()
        values.append(value.item())
        gradients.append(network.heads["text"].weight.grad)
    assert values[0] == values[1]
    assert not torch.allclose(gradients[0], gradients[1])


def test_the_weights_carry_no_gradient() -> None:
    assert not any(w.requires_grad for w in model({})(batch()).weights.values())


@pytest.mark.parametrize("task", ["single", "multi", "intensity"])
def test_with_labels_the_weights_are_other_ones(task: str) -> None:
    network, whole = model({}, task), batch(task)
    output = network(whole)
    known = network.oracle(output, whole)
    for weights in (output.weights, known):
        total = torch.stack(list(weights.values())).sum(dim=0)
        torch.testing.assert_close(total, torch.ones_like(total))
    assert any(not torch.allclose(known[name], output.weights[name]) for name in known)


def test_who_is_sure_weighs_more() -> None:
    network, whole = model({}), batch()
    before = network(whole).weights["visual"]
    with torch.no_grad():
        for parameter in network.heads["visual"].parameters():
            parameter.zero_()
    assert (network(whole).weights["visual"] < before).all()


@pytest.mark.parametrize("predict", ["mult", "mean"])
@pytest.mark.parametrize("task", ["single", "multi"])
def test_the_modalities_may_predict(task: str, predict: str) -> None:
    network, whole = model({"predict": predict, "beta": 2.0}, task), batch(task)
    output = network(whole)
    for index in range(3):
        for k in range(1 if task == "single" else 3):
            said = [logits[index].tolist() for logits in output.group_logits[:3]]
            if task == "single":
                probabilities = [softmax(logits) for logits in said]
            else:
                probabilities = [softmax([0.0, logits[k]]) for logits in said]
            scores = []
            for alternative in range(len(probabilities[0])):
                p = [own[alternative] for own in probabilities]
                mean = math.log(sum(p) / len(p))
                scores.append(mean if predict == "mean" else -scalar_terms(p, "mod", 2.0))
            if task == "single":
                assert output.logits[index].tolist() == pytest.approx(scores)
            else:
                wanted = scores[1] - scores[0]
                assert output.logits[index, k].item() == pytest.approx(wanted)


def test_intensities_are_averaged() -> None:
    whole = batch("intensity")
    output = model({"predict": "mean"}, "intensity")(whole)
    torch.testing.assert_close(output.logits, output.group_logits.mean(dim=0))
    output = model({"predict": "mult"}, "intensity")(whole)
    weights = torch.stack(list(output.weights.values()))[..., None]
    torch.testing.assert_close(output.logits, (weights * output.group_logits).sum(dim=0))


def test_in_training_the_joint_output_speaks() -> None:
    network, whole = model({"predict": "mult"}), batch()
    assert not torch.allclose(network(whole).logits, network(whole).joint)
    output = network.train()(whole)
    assert torch.equal(output.logits, output.joint)


def test_class_weights_act_on_both_losses() -> None:
    network, whole = model({}), batch()
    alone = replace(whole, targets=torch.tensor([1, 1, 1]))
    weights = torch.tensor([1.0, 5.0, 1.0])

    def value(items: Batch, weighted: bool) -> float:
        base = base_loss("ce", "single", weights if weighted else None)
        return float(network.loss(network(items), items, base).detach())

    assert value(alone, True) == pytest.approx(value(alone, False))
    joint = network(whole).joint
    parts = base_loss("ce", "single", weights)(joint, TARGETS["single"]).item()
    own = value(whole, True) - parts
    plain = value(whole, False) - base_loss("ce", "single")(joint, TARGETS["single"]).item()
    assert own != pytest.approx(plain)


@pytest.mark.parametrize(
    ("settings", "task", "name", "message"),
    [
        ({"boosted": True}, "intensity", "huber", "boosted' is for classes"),
        ({"predict": "mult"}, "single", "l2", r"predict' = 'mult'.*train\.loss = 'l2'"),
        ({"predict": "mean"}, "multi", "huber", r"predict' = 'mean'.*train\.loss = 'huber'"),
    ],
)
def test_settings_that_make_no_sense_for_the_task(
    settings: dict[str, Any], task: Any, name: Any, message: str
) -> None:
    network = m3er.Model(DIMS, 3, m3er.Config(**settings))
    with pytest.raises(ConfigError, match=message):
        network.set_task(task, name)


def test_channels_of_unequal_width_can_only_be_put_side_by_side() -> None:
    units = {"hiddens": {"audio": 5}}
    with pytest.raises(ConfigError, match=r"audio 5, text 32, visual 32.*concat"):
        m3er.Model(DIMS, 3, m3er.Config(**units))
    output = m3er.Model(DIMS, 3, m3er.Config(**units, fusion="concat"))(make())
    assert output.logits.shape == (3, 3)


def test_there_are_limits() -> None:
    many = {f"m{k}": 2 for k in range(9)}
    with pytest.raises(ConfigError, match="511 mixtures of 9"):
        m3er.Model(many, 3, m3er.Config(mulmix=True))
    with pytest.raises(ConfigError, match="margin goes with boosted"):
        build(m3er.Config, {"margin": 0.5}, "network")


def test_the_presets_are_the_readings_of_the_paper() -> None:
    def read(preset: str) -> m3er.Config:
        return build(m3er.Config, m3er.PRESETS[preset]["network"], preset)

    assert read("paper") == read("plus") == m3er.Config()
    assert read("literal") == m3er.Config(feedback="mem", fusion="hadamard", detach_weight=False)
    for preset in m3er.PRESETS:
        m3er.Model({"text": 4, "audio": 3, "visual": 2}, 3, read(preset))
    fused = m3er.Model(DIMS, 6, m3er.Config()).head
    assert (fused[0].in_features, fused[0].out_features, fused[3].out_features) == (160, 64, 6)
