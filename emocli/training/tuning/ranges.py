"""The ranges of a search: what a network and the training declare, and a command adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emocli import plugins
from emocli.config import Plain, build, leaves
from emocli.errors import ConfigError
from emocli.models.settings import TrainConfig
from emocli.space import Range, Space
from emocli.training.fusion_task import check_targets
from emocli.training.train import TrainRequest


def declared(fusion: str, settings: Mapping[str, Plain], own: Space) -> Space:
    """Return a network's search space: what it and the training declare, and a command adds.

    What the settings fix, or the network refuses, is not searched.

    Raises
    ------
    ConfigError
        If there is no such network, or a setting has a value and a range of the command's own.
    """
    module = plugins.load("fusion", fusion)
    network: Space = module.Config.SPACE
    space = {
        **{f"network.{name}": each for name, each in network.items()},
        **{f"train.{name}": e for name, e in TrainConfig.SPACE.items() if _fits(module, name, e)},
    }
    fixed = [f"{name}." for name, _ in leaves(settings)]
    for name in own:
        if any(value.startswith(f"{name}.") for value in fixed):
            what = f"'{name}' has a value and a range"
            hint = f"leave out --space {name} or what --set or --config says of it"
            raise ConfigError(what, hint=hint)
    free = {
        name: each
        for name, each in space.items()
        if not any(set_.startswith(f"{name}.") for set_ in fixed)
    }
    return {**free, **own}


def _fits(module: Any, name: str, each: Range) -> bool:
    """Whether a network can learn with every value of a setting of the training."""
    try:
        for value in each.ends():
            check_targets(module.Model, "single", build(TrainConfig, {name: value}, "train"))
    except ConfigError:
        return False
    return True


def with_default(space: Space, base: TrainRequest) -> Space:
    """Return a space that holds the default, so that a search can try it, and choose it.

    The rules of the corpus' size, and presets, may set what is outside a range that the network or
    the training declares. Other ranges, which a command has named, stay as they are.

    Raises
    ------
    ConfigError
        If the settings of ``base`` are none.
    """
    default = dict(leaves(base.resolved()))
    own = declared(base.fusion, base.settings, {})
    return {
        name: each.including(default.get(name)) if each == own.get(name) else each
        for name, each in space.items()
    }
