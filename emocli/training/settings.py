"""The settings of a training: a preset, rules of size, and what is laid over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from emocli import plugins
from emocli.config import Plain, Settings, Tree, build, merge, subsection
from emocli.data.clip import by_dialogue
from emocli.data.manifest import Manifest, Task
from emocli.errors import ConfigError
from emocli.models import losses
from emocli.models.network import network_class
from emocli.models.settings import TrainConfig
from emocli.plugin.robustness import UNCORRUPTED, RobustOptions
from emocli.robust.repair import PRESETS, RobustConfig
from emocli.rules import RULED, CorpusSize
from emocli.training.presets import presets_of

SECTIONS = ("network", "train", "robust")
"""Of the settings of a training."""


def resolve(
    fusion: str,
    preset: str,
    settings: Mapping[str, Plain],
    task: Task,
    classes: Sequence[str],
    robust: RobustOptions = UNCORRUPTED,
    size: CorpusSize | None = None,
) -> tuple[Any, TrainConfig, RobustConfig]:
    """Lay settings over the preset over the defaults; nothing is left ``auto`` but the device.

    Without the size of the corpus, rules that follow from it are not applied.

    Raises
    ------
    ConfigError
        If one is none, or makes no sense for the task.
    """
    network, training, tree = read_settings(fusion, preset, settings, size)
    chosen = {
        "loss": _loss(training, task, settings),
        "monitor": training.monitored(task),
        "class_weights": training.weighed(classes),
    }
    own = subsection(tree, "robust") if "robust" in tree else None
    repairing = RobustConfig().trained_with(replace(robust, settings=own))
    return network, training.model_copy(update=chosen), repairing


def _loss(training: TrainConfig, task: Task, settings: Mapping[str, Plain]) -> losses.LossName:
    """Return the loss; a preset's is made for labels, and not for one class against the rest."""
    if not training.one_vs_rest:
        return losses.resolve(training.loss, task)
    loss = training.loss if "loss" in subsection(settings, "train") else "auto"
    if loss == "ce":
        what = "setting 'train.loss' = 'ce' is one question about all classes"
        raise ConfigError(what, hint="choose train.target=label, or train.loss=auto")
    return losses.resolve(loss, training.logit_task(task))


def corpus_size(manifest: Manifest, fusion: str) -> CorpusSize:
    """Return the size of the training data, the argument of the rules for settings."""
    clips = [clip for clip in manifest.clips if manifest.is_labelled(clip)]
    share = 1.0
    if manifest.fold is None:
        clips = [clip for clip in clips if clip.split == "train"]
    else:
        share = 1 - 2 / manifest.fold.count
    dialogues = network_class(fusion).level == "dialogue"
    items = len(by_dialogue(clips)) if dialogues else len(clips)
    return CorpusSize(round(share * len(clips)), round(share * items), len(manifest.classes))


def read_settings(
    fusion: str, preset: str, settings: Mapping[str, Plain], size: CorpusSize | None = None
) -> tuple[Any, TrainConfig, Tree]:
    """Lay settings over a network's preset; return the network's, the training's, and all of them.

    With the size of the corpus, the rules that the settings declare are laid under the preset.

    Raises
    ------
    ConfigError
        If a name or a value is none.
    """
    module = plugins.load("fusion", fusion)
    presets = presets_of(fusion, module)
    if preset not in presets:
        raise ConfigError(
            f"'{fusion}' has no preset '{preset}'", hint=f"there are: {', '.join(presets)}"
        )
    start: Tree = dict(PRESETS.get(preset, {}))
    if preset == RULED and size is not None:
        kinds = {"network": module.Config, "train": TrainConfig}
        start = merge(start, {name: _by_rules(kind, size) for name, kind in kinds.items()})
    tree = merge(merge(start, presets[preset]), settings)
    for section, values in tree.items():
        if section not in SECTIONS:
            hint = f"there are {', '.join(f'{name}.KEY' for name in SECTIONS)}"
            raise ConfigError(f"unknown setting '{section}'", hint=hint)
        if not isinstance(values, Mapping):
            what = f"'{section}' is a section of settings, not a setting"
            raise ConfigError(what, hint=f"give {section}.KEY")
    network = build(module.Config, tree.get("network", {}), "network")
    return network, build(TrainConfig, tree.get("train", {}), "train"), tree


def _by_rules(kind: type[Settings], size: CorpusSize) -> Tree:
    return {key: rule.value(size) for key, rule in kind.RULES.items()}
