"""The interface of plug-ins as types: what the module of each kind offers, under which names.

`emocli.plugin` says what the offers mean.

>>> str(OFFERS["features"]["Config"]), str(OFFERS["transcripts"]["SUFFIXES"])
('subclass of emocli.config.Settings', 'tuple of str')
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Literal

REQUIRED = object()
"""In place of a default: a module without the offer is refused."""

PluginKind = Literal[
    "datasets",
    "features",
    "formats",
    "corruptions",
    "protocols",
    "fusion",
    "experiments",
    "analyses",
    "ways",
    "transcripts",
    "writers",
    "models",
    "commands",
]


@dataclass(frozen=True)
class Offer:
    """What a module has under a name.

    Attributes
    ----------
    of : str
        A type by its module and name, or two with ``or`` between them; imported when an offer is
        checked, not before.
    form : {'instance', 'subclass', 'tuple'}
        Whether the offer is of that type, a class below it, or a tuple of such.
    default : object
        What stands for it where a module lacks it.
    """

    of: str = "builtins.object"
    form: Literal["instance", "subclass", "tuple"] = "instance"
    default: object = REQUIRED

    def fits(self, value: object) -> bool:
        """Whether a module may offer this; the default always."""
        if value is self.default:
            return True
        base = tuple(_type(name) for name in self.of.split(" or "))
        if self.form == "subclass":
            return isinstance(value, type) and issubclass(value, base)
        if self.form == "tuple":
            return isinstance(value, tuple) and all(isinstance(each, base) for each in value)
        return isinstance(value, base)

    def __str__(self) -> str:
        """Say what it is, as in messages."""
        written = {"instance": "", "subclass": "subclass of ", "tuple": "tuple of "}
        return written[self.form] + self.of.removeprefix("builtins.")


def _type(place: str) -> type:
    """Import a type."""
    module, _, name = place.rpartition(".")
    kind: type = getattr(importlib.import_module(module), name)
    return kind


FUNCTION = Offer("collections.abc.Callable")
NAME = Offer("builtins.str")
FLAG = Offer("builtins.bool")
NAMES = Offer("builtins.str", "tuple")
NO_NAMES = Offer("builtins.str", "tuple", ())
SETTINGS = Offer("emocli.config.Settings", "subclass")
ANYTHING = Offer(default=None)

OFFERS: dict[PluginKind, dict[str, Offer]] = {
    "datasets": {"Config": SETTINGS, "build": FUNCTION},
    "features": {
        "MODALITY": NAME,
        "PER_CLIP": FLAG,
        "Config": SETTINGS,
        "prepare": FUNCTION,
        "REQUIRES": NO_NAMES,
        "LIBRARIES": NO_NAMES,
        "HUB": NO_NAMES,
        "PRETRAINED": Offer("collections.abc.Mapping", default={}),
        "ENCODER": Offer("builtins.str", default=None),
        "PEOPLE": ANYTHING,
        "VECTORS": ANYTHING,
    },
    "formats": {"MODALITY": NAME, "Config": Offer("emocli.plugin.format.Layout", "subclass")},
    "corruptions": {"Config": Offer("emocli.plugin.corruption.Corruption", "subclass")},
    "protocols": {"Config": Offer("emocli.plugin.protocol.CorruptionProtocol", "subclass")},
    "fusion": {
        "Config": SETTINGS,
        "Model": Offer("emocli.plugin.network.Network", "subclass"),
        "PRESETS": Offer("collections.abc.Mapping"),
    },
    "experiments": {"Config": SETTINGS, "table": FUNCTION},
    "analyses": {
        "Options": Offer(
            "emocli.plugin.analysis.OfRun or emocli.plugin.analysis.OfRunOrStore", "subclass"
        ),
        "measure": FUNCTION,
        "PAGE": Offer("emocli.plugin.analysis.AnalysisPage", default=None),
        "Report": Offer("emocli.plugin.analysis.Report", "subclass", None),
    },
    "ways": {"Config": SETTINGS, "cut": FUNCTION},
    "transcripts": {"SUFFIXES": NAMES, "BESIDE": NAMES, "HAS_TIERS": FLAG, "read": FUNCTION},
    "writers": {"SUFFIX": NAME, "write": FUNCTION},
    "models": {"MODEL": Offer("emocli.plugin.model.Model")},
    "commands": {"COMMAND": Offer("emocli.plugin.command.Command")},
}
"""Names that a module of each kind has, with what stands under each."""
