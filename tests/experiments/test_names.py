"""What a corpus calls its modalities and features does not change what a table runs."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from emocli import plugins
from emocli.config import build
from emocli.errors import ConfigError
from emocli.fusion import m2fnet
from emocli.plugin.experiment import Names, Table

NEW = {
    "text": "zz words",
    "audio": "mm sound",
    "visual": "aa face",
    "scene": "s1",
    "face": "s2",
    "both": "s3",
}
"""Another order of the alphabet, too."""


def module_of(name: str) -> Any:
    return plugins.load("experiments", name)


NAMED = [n for n in plugins.names("experiments") if issubclass(module_of(n).Config, Names)]

WIDTHS = {"text": 24, "audio": 12, "visual": 6}


def table(name: str, **settings: Any) -> Table:
    module = module_of(name)
    result: Table = module.table(build(module.Config, settings, "experiment"))
    return result


def names_of(name: str) -> dict[str, str]:
    fields = module_of(name).Config.model_fields
    return {key: fields[key].default for key in NEW if key in fields}


def test_every_experiment_with_names_is_here() -> None:
    assert {"rrnn_t1", "rrnn_t2", "rrnn_t3", *(f"m2f_{k}" for k in ("t2", "t3", "t4"))} <= {*NAMED}


@pytest.mark.parametrize("name", NAMED)
def test_renaming_gives_the_same_rows(name: str) -> None:
    """Modalities, features, conditions and settings: nothing but the names is other."""
    old = names_of(name)

    def rows(made: Table) -> str:
        return json.dumps([repr(row) for row in made.rows])

    renamed = rows(table(name, **{key: NEW[key] for key in old}))
    for key, was in sorted(old.items(), key=lambda item: -len(item[1])):
        # As a value, as a key, and in a corruption: 'visual:gaussian@0dB'.
        for mark in ("'", ":"):
            renamed = renamed.replace(f"'{NEW[key]}{mark}", f"'{was}{mark}")
    assert renamed == rows(table(name))


@pytest.mark.parametrize("name", [n for n in NAMED if n.startswith("m2f")])
def test_networks_of_m2fnet_query_the_text_whatever_it_is_called(name: str) -> None:
    def shapes(names: dict[str, str]) -> list[Any]:
        result = []
        for row in (r for r in table(name, **names).rows if r.fusion):
            back = {names.get(key, key): key for key in WIDTHS}
            config = build(m2fnet.Config, row.settings["network"], "network")
            dims = {modality: WIDTHS[back[modality]] for modality in row.modalities}
            model = m2fnet.Model(dims, 3, config)
            # Queries with the text where there is one, else with the sound (eq. 6).
            kinds = [back[modality] for modality in row.modalities]
            wanted = next(k for k in ("text", "audio", "visual") if k in kinds)
            assert back[model.query] == wanted
            result.append((row.name, sorted(p.shape for p in model.parameters())))
        return result

    assert shapes({}) == shapes({key: NEW[key] for key in WIDTHS})


def test_a_network_by_itself_says_which_modality_it_queries_in_the_place_of_another() -> None:
    for query, said in (("text", ()), ("words", ("no modality is called 'words'",))):
        model = m2fnet.Model(WIDTHS, 3, m2fnet.Config(query=query))
        assert [line.split(",")[0] for line in model.remarks] == [*said]
    assert not m2fnet.Model({"audio": 4}, 3, m2fnet.Config()).remarks
    assert not m2fnet.Model(WIDTHS, 3, m2fnet.Config(query="words", fusion="concat")).remarks


@pytest.mark.parametrize("name", NAMED)
def test_two_settings_of_one_name_are_refused(name: str) -> None:
    keys = [key for key in names_of(name) if key in WIDTHS]
    for first, second in pairwise(keys):
        with pytest.raises(ConfigError, match=f"{first} and {second} are both called 'x'"):
            table(name, **{first: "x", second: "x"})
    with pytest.raises(ConfigError, match=f"{keys[0]} has to be a name"):
        table(name, **{keys[0]: " "})


def test_two_features_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="scene and both are both called 'visual_embedding'"):
        table("m2f_t3", scene="visual_embedding")
