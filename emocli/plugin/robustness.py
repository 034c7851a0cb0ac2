"""Corruptions and repairs of clips, as commands, settings and tables of papers state them.

A corruption is written ``modality[:name][@level]``: ``visual``, ``visual@0.01``,
``visual:gaussian@-10dB``, ``audio:zero``, ``text:dropout@0.5``. Without a name it is Gaussian
noise, without a level at 0 dB, as strong as the features themselves. A protocol, which says itself
which modalities of which clips it corrupts, is written ``name[@level]``: ``m3er75``, ``face100``.

>>> noise, lost = read(["visual@0.01,audio:zero"])
>>> str(noise), noise.label, str(noise.at("-10dB")), str(lost)
('visual@0.01', 'visual gaussian SNR 0.01', 'visual@-10dB', 'audio:zero')
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, cast

from emocli import plugins
from emocli.errors import ConfigError, choice, suggestion
from emocli.options import Option as Option
from emocli.parsing import Tree as Tree
from emocli.paths import listed

if TYPE_CHECKING:
    import numpy as np

    from emocli.plugin.corruption import Corruption, LevelSettings
    from emocli.plugin.protocol import CorruptionProtocol

DEFAULT = "gaussian"

PROXY = "plus"
"""The kind of proxies where some are asked for and no kind is named."""


@dataclass(frozen=True)
class CorruptionSpec:
    """A corruption of clips: of what, which one, how strong; its text is ``str(spec)``.

    Attributes
    ----------
    subject : str
        The modality it happens to; of a protocol, which draws them, its name.
    plugin : str
        The plug-in; empty for the default, and of a protocol.
    strength : str, optional
        What is written after ``@``.
    drawn : bool
        Whether it is a protocol.
    """

    subject: str
    plugin: str = ""
    strength: str | None = None
    drawn: bool = False

    def __str__(self) -> str:
        """Return the text that is read as it."""
        name = f":{self.plugin}" if self.plugin else ""
        return f"{self.subject}{name}" + ("" if self.strength is None else f"@{self.strength}")

    @classmethod
    def read(cls, text: str) -> CorruptionSpec:
        """Read one corruption; whether there is all that it names, `on` tells.

        Raises
        ------
        ConfigError
            If it is not of this form.
        """
        before, colon, rest = text.strip().partition(":")
        name, at, level = (rest if colon else before).partition("@")
        subject = before if colon else name
        if not subject or (colon and not name) or (at and not level):
            what = "is not of the form modality:name@level or protocol@level"
            raise ConfigError(what, where=f"corruption '{text}'")
        drawn = not colon and subject in plugins.names("protocols")
        return cls(subject, name if colon else "", level or None, drawn)

    def on(self, modalities: Collection[str]) -> CorruptionSpec:
        """Return the same for clips of these modalities, whose names win over those of protocols.

        Raises
        ------
        ConfigError
            For an unknown modality, corruption or protocol (the nearest is suggested), or an
            impossible level.
        """
        spec = replace(self, drawn=False) if self.subject in modalities else self
        try:
            spec._require(modalities)
        except ConfigError as error:
            where = f"corruption '{self}'"
            raise ConfigError(error.what, where=where, hint=error.hint) from None
        return spec

    def _require(self, modalities: Collection[str]) -> None:
        if self.drawn:
            cast("CorruptionProtocol", self.config).require(modalities)
        elif self.subject in modalities:
            _ = self.config
        else:
            raise self._unknown(modalities)

    def _unknown(self, modalities: Collection[str]) -> ConfigError:
        """Return the error of a subject that there is not."""
        if self.plugin:
            hint = choice(self.subject, [*modalities])
            return ConfigError(f"there is no modality '{self.subject}'", hint=hint)
        protocols = plugins.names("protocols")
        known = f"modalities: {', '.join(modalities)}; protocols: {', '.join(protocols)}"
        hint = suggestion(self.subject, [*modalities, *protocols]) or known
        return ConfigError(f"there is no modality or protocol '{self.subject}'", hint=hint)

    def at(self, level: str) -> CorruptionSpec:
        """Return the same at another level."""
        return replace(self, strength=level)

    @property
    def kind(self) -> plugins.PluginKind:
        """The kind of the plug-in."""
        return "protocols" if self.drawn else "corruptions"

    @property
    def name(self) -> str:
        """The plug-in."""
        return self.subject if self.drawn else self.plugin or DEFAULT

    @cached_property
    def config(self) -> LevelSettings:
        """The plug-in's settings: a `Corruption`, or a `CorruptionProtocol`."""
        module = plugins.load(self.kind, self.name)
        config: LevelSettings = module.Config.parse(self.strength)
        return config

    @property
    def level(self) -> str:
        """How strong, as a table shows it; empty where there is nothing to say."""
        return self.config.describe()

    @property
    def label(self) -> str:
        """All of it, as a table shows it: ``visual gaussian 0 dB``, ``m3er75 one SNR 0.01``."""
        return " ".join(filter(None, dict.fromkeys([self.subject, self.name, self.level])))

    @property
    def ratio(self) -> float | None:
        """The signal-to-noise ratio, linear; None where there is none."""
        return self.config.ratio

    def draw(self, present: Sequence[str], rng: np.random.Generator) -> Mapping[str, Corruption]:
        """Return what happens to a clip that has these modalities, by modality."""
        from emocli.plugin.corruption import Corruption

        if self.drawn:
            drawn = cast("CorruptionProtocol", self.config).draw(present, rng)
            module = type(self.config).__module__
            plugins.require(drawn, Mapping, "the result of draw", self.name, module)
            for corruption in drawn.values():
                plugins.require(corruption, Corruption, "a value of draw", self.name, module)
            return drawn
        return {self.subject: cast("Corruption", self.config)} if self.subject in present else {}


def read(
    corruptions: str | CorruptionSpec | Iterable[str | CorruptionSpec],
) -> tuple[CorruptionSpec, ...]:
    """Read one corruption or several; one text may hold several, separated by commas.

    Raises
    ------
    ConfigError
        If one is not of the form.
    """
    return tuple(spec for each in listed(corruptions) for spec in _read(each))


def _read(each: str | CorruptionSpec) -> Iterable[CorruptionSpec]:
    if isinstance(each, CorruptionSpec):
        return (each,)
    return map(CorruptionSpec.read, each.split(","))


def texts(corruptions: Iterable[CorruptionSpec]) -> list[str]:
    """Return the text of each, as files and settings state it."""
    return list(map(str, corruptions))


def packages(corruptions: Iterable[CorruptionSpec]) -> list[str]:
    """Return the installed packages that add them, for their versions; emocli's own have none."""
    return [name for each in corruptions for name in plugins.packages(each.kind, each.name)]


def on(
    corruptions: Iterable[CorruptionSpec], modalities: Collection[str]
) -> tuple[CorruptionSpec, ...]:
    """Return corruptions of clips of these modalities; see `CorruptionSpec.on`.

    Raises
    ------
    ConfigError
        If one is none of these.
    """
    return tuple(corruption.on(modalities) for corruption in corruptions)


@dataclass(frozen=True, kw_only=True)
class RepairOptions:
    """The options of a repair: each that is given replaces what settings or training chose.

    Attributes
    ----------
    check, oracle : bool
        Whether the modality check, or the truth, says what is not to be trusted.
    proxy : str, optional
        Kind of the proxies: a mode or a preset.
    fill : str, optional
        Another way to fill; ``mean`` is short for proxies of that mode.
    settings : mapping, optional
        What deviates from all that, ``{"proxy": {"k": 50}}``.
    """

    check: Annotated[
        bool | None, Option("Let the modality check decide which modalities are trusted.")
    ] = None
    oracle: Annotated[bool, Option("Let the true corruption decide instead.")] = False
    proxy: Annotated[
        str | None,
        Option(
            "Regenerate what is not trusted or missing: plus (default), paper, literal; or a "
            "mode, such as ridge: `emocli info settings proxy` lists them.",
            "[MODE]",
        ),
    ] = None
    fill: Annotated[
        str | None,
        Option(
            "Instead of proxies: discard (default; Mittal 2020 eq. 1), missing, zero or mean.",
            "WAY",
        ),
    ] = None
    settings: Tree | None = None

    def corrupting(self, *corrupt: str | CorruptionSpec) -> RobustOptions:
        """Return the same with corruptions."""
        own = {field.name: getattr(self, field.name) for field in fields(RepairOptions)}
        return RobustOptions(corrupt=read(corrupt), **own)

    def stated(self) -> Tree:
        """Return what differs from the defaults, by name."""
        values = ((field, getattr(self, field.name)) for field in fields(self))
        return {field.name: value for field, value in values if value != field.default}


TRAINED = RepairOptions()
"""No options: the repair that the network was trained for."""


@dataclass(frozen=True, kw_only=True)
class RobustOptions(RepairOptions):
    """The options of a repair, and the corruptions of the clips before it; texts are read."""

    corrupt: Annotated[
        tuple[CorruptionSpec, ...],
        Option(
            "visual (Gaussian noise at 0 dB), visual@0.01, audio:zero, text:dropout@0.5, or a "
            "protocol, such as m3er75: `emocli info` lists them. Repeat for several at once.",
            "MODALITY[:NAME][@LEVEL]",
        ),
    ] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "corrupt", read(self.corrupt))

    def stated(self) -> Tree:
        """Return what differs from the defaults, the corruptions first and as texts."""
        others = super().stated()
        others.pop("corrupt", None)
        return {"corrupt": texts(self.corrupt), **others} if self.corrupt else others


UNCORRUPTED = RobustOptions()
"""No corruption, and no repair but that of the settings."""
