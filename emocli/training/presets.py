"""The presets of a network's module, checked: what is wrong in them is nobody's setting."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from emocli.config import Settings, Tree, build, require_known, section
from emocli.errors import ConfigError
from emocli.models.settings import TrainConfig
from emocli.plugins import REPAIR
from emocli.robust.repair import RobustConfig


def presets_of(fusion: str, module: ModuleType) -> Mapping[str, Tree]:
    """Return the presets of a network.

    Raises
    ------
    ConfigError
        If one has another form, an unknown setting or an impossible value; it names the module.
    """
    kinds = {"network": module.Config, "train": TrainConfig, "robust": RobustConfig}
    for preset, tree in module.PRESETS.items():
        try:
            _check(preset, tree, kinds)
        except ConfigError as error:
            what = f"preset '{preset}' of plug-in '{fusion}': {error.what}"
            raise ConfigError(what, where=module.__name__, hint=REPAIR) from None
    presets: Mapping[str, Tree] = module.PRESETS
    return presets


def _check(preset: object, tree: object, kinds: Mapping[str, type[Settings]]) -> None:
    if not isinstance(preset, str):
        raise ConfigError("its name is no text")
    for name, values in section(tree, preset).items():
        if name not in kinds:
            raise ConfigError(f"unknown section '{name}'; there are {', '.join(kinds)}")
        kind = kinds[name]
        require_known(kind, values, name)
        required = any(field.is_required() for field in kind.model_fields.values())
        if kind is not RobustConfig and not required:  # else it is made with what the user says
            build(kind, values, name)
