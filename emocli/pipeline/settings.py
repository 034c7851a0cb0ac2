"""All settings by name: meaning, default in every preset, allowed values."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType, ModuleType

from emocli import plugins
from emocli.config import Plain, Settings, Tree, leaves, merge, subsection
from emocli.errors import ConfigError, choice
from emocli.plugins import PluginKind
from emocli.report.tables import ReportTable, as_markdown
from emocli.rules import RULED

PLUGINS: Mapping[str, PluginKind] = MappingProxyType(
    {
        "network": "fusion",
        "feature": "features",
        "dataset": "datasets",
        "format": "formats",
        "corruption": "corruptions",
        "protocol": "protocols",
        "way": "ways",
        "experiment": "experiments",
    }
)
"""What plug-ins are called whose settings are listed by their own names."""


HEAD = """# Settings

Written by `make settings` from the code; `emocli info settings NAME` prints the same. A value is
given with `--set KEY=VALUE` or in a TOML file (`--config`). The default is followed by those of
presets that differ; "by size" is a rule that holds under the preset `plus` where the network's own
preset does not set the value (`emocli.rules`).
"""


@dataclass(frozen=True)
class SettingsSection:
    """Settings of one class.

    Attributes
    ----------
    prefix : str
        What their keys start with on a command line: ``train.``.
    kind : type
        The class.
    presets : mapping
        Preset to what it sets of them.
    whole : bool
        Whether all are listed, or only those that a preset changes.
    """

    prefix: str
    kind: type[Settings]
    presets: Mapping[str, Tree] = field(default_factory=dict)
    whole: bool = True


@dataclass(frozen=True)
class Setting:
    """A setting.

    Attributes
    ----------
    key : str
        As ``--set`` takes it.
    meaning : str
        From the docstring of its class.
    takes : str
        Kind and range of its values.
    default : object
        Without a preset.
    presets : mapping
        Preset to its value there, of presets that set it otherwise.
    """

    key: str
    meaning: str
    takes: str
    default: object
    presets: Mapping[str, object]


def names() -> list[str]:
    """Name everything that has settings."""
    every = [name for kind in PLUGINS.values() for name in plugins.names(kind)]
    return [*_COMMON, *dict.fromkeys(every)]


def settings_of(name: str) -> tuple[Setting, ...]:
    """Return the settings of a network, a feature, a dataset, a command, ...

    Raises
    ------
    ConfigError
        If nothing is called so.
    """
    return tuple(setting for section in _sections(name) for setting in _settings(section))


def settings_lines(name: str, width: int = 80) -> Iterator[str]:
    """Write them to be read, a line break at the width; errors as of `settings_of`."""
    settings = settings_of(name)
    if not settings:
        yield f"{name} has no settings"
    for setting in settings:
        yield from textwrap.wrap(
            f"{setting.key} = {defaults(setting)}", width, subsequent_indent="  "
        )
        for text in (setting.meaning, f"takes: {setting.takes}"):
            yield from textwrap.wrap(
                text.replace("``", ""), width, initial_indent="    ", subsequent_indent="    "
            )


def settings_page() -> str:
    """Write the settings of everything of emocli's own, whatever is installed, in Markdown."""
    parts = [HEAD]
    for name, sections in _own().items():
        rows = tuple(
            (setting.key, defaults(setting), setting.takes, setting.meaning.replace("``", ""))
            for section in sections
            for setting in _settings(section)
        )
        if rows:
            columns = ("setting", "default", "takes", "meaning")
            parts.append(as_markdown(ReportTable(name, columns, rows)))
    return "\n".join(parts)


def keys_called(name: str, sections: Collection[str], network: str | None = None) -> list[str]:
    """Return the settings whose last name is this one, of sections of a command.

    ``network`` is what ``network.KEY`` are settings of; without it they are not looked at. Plug-ins
    that cannot be used have none.
    """
    known = [s for s in sections if s in names()]
    if "network" in sections and network in plugins.names("fusion"):
        known.append(str(network))
    keys: dict[str, None] = {}
    for section in known:
        with suppress(ConfigError):  # the command may have no use for it
            keys |= dict.fromkeys(setting.key for setting in settings_of(section))
    return [key for key in keys if key.rpartition(".")[2] == name]


def _sections(name: str) -> tuple[SettingsSection, ...]:
    if name in _COMMON:
        return _COMMON[name]()
    for what, kind in PLUGINS.items():
        for written in (name, name.replace("-", "_")):
            if written in plugins.names(kind):
                return _plugin(what, written, plugins.load(kind, written))
    raise ConfigError(f"nothing called '{name}' has settings", hint=choice(name, names()))


def _own() -> dict[str, tuple[SettingsSection, ...]]:
    """Return the settings of everything of emocli's own, by name."""
    own = {name: sections() for name, sections in _COMMON.items()}
    for what, kind in PLUGINS.items():
        for module in plugins.load_own(kind):
            name = module.__name__.rpartition(".")[2]
            if name not in own:
                own[name] = _plugin(what, name, module)
    return own


def _plugin(what: str, name: str, module: ModuleType) -> tuple[SettingsSection, ...]:
    if what == "network":
        from emocli.training.presets import presets_of

        presets = presets_of(name, module)
        own, training = (
            {preset: subsection(tree, part) for preset, tree in presets.items()}
            for part in ("network", "train")
        )
        (train,) = _train()
        changed = SettingsSection(train.prefix, train.kind, training, whole=False)
        return (SettingsSection("network.", module.Config, own), changed)
    prefix = {"experiment": "experiment."}.get(what, f"{name}.")
    return (SettingsSection(prefix, module.Config),)


def _train() -> tuple[SettingsSection, ...]:
    from emocli.models.settings import TrainConfig

    return (SettingsSection("train.", TrainConfig),)


def _robust() -> tuple[SettingsSection, ...]:
    from emocli.robust.repair import PRESETS, RobustConfig

    return (_part("robust", RobustConfig, PRESETS),)


def _check() -> tuple[SettingsSection, ...]:
    from emocli.robust.check.settings import PRESETS, CheckConfig

    return (SettingsSection("check.", CheckConfig, PRESETS),)


def _proxy() -> tuple[SettingsSection, ...]:
    from emocli.robust.proxy.settings import PRESETS, ProxyConfig

    return (SettingsSection("robust.proxy.", ProxyConfig, PRESETS),)


def _fit_encoder() -> tuple[SettingsSection, ...]:
    from emocli.models.encoder import EncoderConfig
    from emocli.training.encoders.augment import AugmentConfig
    from emocli.training.encoders.plan import PRESETS, EncoderFitConfig
    from emocli.training.encoders.triplet import TripletConfig

    kinds: Mapping[str, type[Settings]] = {
        "encoder": EncoderConfig,
        "loss": TripletConfig,
        "train": EncoderFitConfig,
        "augment": AugmentConfig,
    }
    return tuple(_part(name, kind, PRESETS) for name, kind in kinds.items())


def _fit_text() -> tuple[SettingsSection, ...]:
    from emocli.models.text_reader import TextConfig
    from emocli.training.encoders.fit_text import PRESETS
    from emocli.training.encoders.text_task import TextFitConfig

    return (_part("text", TextConfig, PRESETS), _part("train", TextFitConfig, PRESETS))


def _part(name: str, kind: type[Settings], presets: Mapping[str, Tree]) -> SettingsSection:
    own = {preset: subsection(tree, name) for preset, tree in presets.items()}
    return SettingsSection(f"{name}.", kind, own)


_COMMON: Mapping[str, Callable[[], tuple[SettingsSection, ...]]] = MappingProxyType(
    {
        "train": _train,
        "robust": _robust,
        "check": _check,
        "proxy": _proxy,
        "fit-encoder": _fit_encoder,
        "fit-text": _fit_text,
    }
)
"""What is no plug-in, and has settings."""


def _settings(section: SettingsSection) -> Iterator[Setting]:
    defaults = _plain_defaults(section.kind)
    presets = {name: dict(leaves(merge(defaults, tree))) for name, tree in section.presets.items()}
    schemas = section.kind.model_json_schema()
    for key, meaning, schema, default in _fields(section.kind, schemas):
        own = {name: tree.get(key, default) for name, tree in presets.items()}
        changed = {name: value for name, value in own.items() if value != default}
        if key in section.kind.RULES and key not in section.presets.get(RULED, {}):
            changed[RULED] = f"by size ({section.kind.RULES[key].text})"
        if section.whole or changed:
            yield Setting(section.prefix + key, meaning, takes(schema), default, changed)


def _plain_defaults(kind: type[Settings]) -> Tree:
    return {
        name: value.model_dump() if isinstance(value, Settings) else value
        for name, each in kind.model_fields.items()
        for value in [each.get_default(call_default_factory=True)]
    }


def _fields(
    kind: type[Settings],
    whole: Mapping[str, Plain],
    prefix: str = "",
    meaning: str = "",
    values: Settings | None = None,
) -> Iterator[tuple[str, str, Mapping[str, Plain], object]]:
    """Go through the fields of a class, those of nested settings in their place.

    ``values`` are the defaults of nested settings, which their class may not have; what is not
    explained there is what the whole is, by its name.
    """
    meanings = _meanings(kind)
    definitions = subsection(whole, "$defs")
    properties = kind.model_json_schema()["properties"]
    for name, each in kind.model_fields.items():
        value = getattr(values, name) if values else each.get_default(call_default_factory=True)
        described = meanings.get(name, f"{meaning} Here: {name}." if meaning else "")
        if isinstance(value, Settings):
            yield from _fields(type(value), whole, f"{prefix}{name}.", described, value)
            continue
        schema = _resolved(properties[name], definitions)
        required = each.is_required() and values is None
        yield prefix + name, described, schema, "(required)" if required else value


def _resolved(schema: Mapping[str, Plain], definitions: Mapping[str, Plain]) -> Mapping[str, Plain]:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return subsection(definitions, name) if name in definitions else schema


HEADING = re.compile(r"^Attributes\n-+\n(.*?)(?=^\S+\n-{3,}\n|\Z)", re.MULTILINE | re.DOTALL)
ENTRY = re.compile(r"^(\w[\w, ]*?)(?: :.*)?\n((?:[ \t]+.*\n?|\n)+)", re.MULTILINE)


def _meanings(kind: type[Settings]) -> dict[str, str]:
    """Read what the docstrings of a class and its bases say of each setting."""
    meanings: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if not issubclass(base, Settings) or base is Settings:
            continue
        section = HEADING.search(inspect.cleandoc(base.__doc__ or "") + "\n")
        for entry in ENTRY.finditer(section[1] if section else ""):
            text = " ".join(entry[2].split())
            meanings |= {name.strip(): text for name in entry[1].split(",")}
    return meanings


def takes(schema: Mapping[str, Plain]) -> str:
    """Say what values a JSON schema allows."""
    if alternatives := _schemas(schema.get("anyOf")):
        return " or ".join(dict.fromkeys(map(takes, alternatives)))
    if isinstance(known := schema.get("enum"), list):
        return ", ".join(map(str, known))
    if "const" in schema:
        return str(schema["const"])
    kind = str(schema.get("type", "object"))
    if kind in ("integer", "number"):
        return _numbers(kind, schema)
    if kind == "array":
        return f"list of {_members(schema)}"
    if kind == "object" and isinstance(others := schema.get("additionalProperties"), Mapping):
        return f"NAME = {takes(others)}"
    text = "path" if str(schema.get("format")).endswith("path") else "text"
    return {"boolean": "true, false", "string": text, "null": "nothing"}.get(kind, kind)


def _members(schema: Mapping[str, Plain]) -> str:
    inner = [*_schemas([schema.get("items")]), *_schemas(schema.get("prefixItems"))]
    return takes(inner[0]) if inner else "values"


def _schemas(value: Plain) -> list[Mapping[str, Plain]]:
    """Return the schemas of a list, if it is one; what is empty says nothing."""
    listed = value if isinstance(value, list) else []
    return [each for each in listed if isinstance(each, Mapping) and each]


def _numbers(kind: str, schema: Mapping[str, Plain]) -> str:
    what = "whole number" if kind == "integer" else "number"
    low = _bound(schema, "minimum", "from") or _bound(schema, "exclusiveMinimum", "above")
    high = _bound(schema, "maximum", "to") or _bound(schema, "exclusiveMaximum", "below")
    return " ".join(filter(None, (what, low, high)))


def _bound(schema: Mapping[str, Plain], name: str, word: str) -> str:
    return f"{word} {schema[name]:.12g}" if name in schema else ""


def defaults(setting: Setting) -> str:
    """Write its default, and the values of presets that have another."""
    others = (f"{name}: {_shown(value)}" for name, value in setting.presets.items())
    return "; ".join([_shown(setting.default), *others])


def _shown(value: object) -> str:
    """Write a value as ``--set`` takes it; nothing is a dash."""
    if value is None or value in ((), {}):
        return "-"
    if value == "":
        return '""'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_shown, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)
