from __future__ import annotations

import pickle

import pytest

from emocli.errors import ConfigError
from emocli.plugin.robustness import (
    UNCORRUPTED,
    CorruptionSpec,
    RepairOptions,
    RobustOptions,
    on,
    read,
    texts,
)

MODALITIES = ("text", "audio", "visual")


@pytest.mark.parametrize(
    ("spec", "name", "label"),
    [
        ("visual", "gaussian", "visual gaussian 0 dB"),
        ("visual:gaussian", "gaussian", "visual gaussian 0 dB"),
        ("visual:gaussian@0.01", "gaussian", "visual gaussian SNR 0.01"),
        (" visual:gaussian@-10dB ", "gaussian", "visual gaussian -10 dB"),
        ("visual@-10dB", "gaussian", "visual gaussian -10 dB"),
        ("m3er75", "m3er75", "m3er75 one SNR 0.01"),
        ("m3er75@iid+missing", "m3er75", "m3er75 iid missing"),
        ("m3er75@subset+-10dB", "m3er75", "m3er75 subset -10 dB"),
        ("face100", "face100", "face100 SNR 0.01"),
        ("audio:zero", "zero", "audio zero"),
        ("text:dropout@0.5", "dropout", "text dropout 0.5"),
        ("text:drop", "drop", "text drop"),
    ],
)
def test_what_may_be_written(spec: str, name: str, label: str) -> None:
    (corruption,) = on(read([spec]), MODALITIES)
    assert (corruption.name, corruption.label) == (name, label)
    assert corruption.subject == label.split()[0]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("visul", "there is no modality or protocol 'visul'; did you mean 'visual'?"),
        (
            "smell@0.01",
            "there is no modality or protocol 'smell'; modalities: text, audio, visual; "
            "protocols: face100, m3er75",
        ),
        ("smell:zero", "there is no modality 'smell'; there are: text, audio, visual"),
        ("visual:gausian@1", "did you mean 'gaussian'?"),
        ("m3er57", "there is no modality or protocol 'm3er57'; did you mean 'm3er75'?"),
        ("m3er75@most", "level 'most'; allowed is any of one, iid, subset, missing and an SNR"),
        ("m3er75@one+iid", "level 'one+iid'"),
        ("m3er75@missing+0.1", "level 'missing+0.1'"),
        ("m3er75:gaussian", "there is no modality 'm3er75'"),
        ("face100@missing", "level 'missing'; allowed is an SNR"),
        ("visual:gaussian@loud", "level 'loud'; allowed is an SNR"),
        ("audio:zero@3", "level '3'; this corruption takes no level"),
        ("audio:", "is not of the form modality:name@level"),
        ("audio:gaussian@", "is not of the form modality:name@level"),
        ("", "is not of the form modality:name@level"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(spec: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        on(read([spec]), MODALITIES)
    assert f"corruption '{spec}'" in str(caught.value)
    assert message in str(caught.value)


def test_several_may_be_given_one_by_one_or_in_one_text() -> None:
    several = on(read(["visual:zero,audio", "text:drop"]), MODALITIES)
    assert [c.label for c in several] == ["visual zero", "audio gaussian 0 dB", "text drop"]


@pytest.mark.parametrize(
    ("spec", "level", "text"),
    [
        ("visual", "10dB", "visual@10dB"),
        ("visual@0.1", "0.01", "visual@0.01"),
        ("m3er75@iid", "0dB", "m3er75@0dB"),
        ("text:dropout@0.1", "0.5", "text:dropout@0.5"),
    ],
)
def test_a_sweep_is_the_same_corruption_at_every_level(spec: str, level: str, text: str) -> None:
    (corruption,) = read([spec])
    assert str(corruption) == spec
    assert str(corruption.at(level)) == text


def test_a_modality_wins_over_a_protocol_of_its_name() -> None:
    (protocol,) = read(["face100"])
    assert protocol.on(MODALITIES).drawn
    modality = protocol.on(("face100", "text"))
    assert not modality.drawn
    assert modality.label == "face100 gaussian 0 dB"


def test_a_form_is_read_without_the_plugin_that_is_named() -> None:
    (corruption,) = read(["visual:of_another_package@3"])
    assert corruption == CorruptionSpec("visual", "of_another_package", "3")
    with pytest.raises(ConfigError, match="of_another_package"):
        corruption.on(MODALITIES)


def test_processes_hand_corruptions_to_each_other() -> None:
    whole = on(read(["visual@0.01", "m3er75"]), MODALITIES)
    again = pickle.loads(pickle.dumps(whole))
    assert again == whole
    assert [each.label for each in again] == [each.label for each in whole]


def test_what_is_stated_differs_from_the_defaults() -> None:
    repair = RepairOptions(check=True, proxy="knn_ls")
    assert repair.stated() == {"check": True, "proxy": "knn_ls"}
    robust = repair.corrupting("m3er75", "text:drop")
    assert list(robust.stated().items()) == [
        ("corrupt", ["m3er75", "text:drop"]),
        ("check", True),
        ("proxy", "knn_ls"),
    ]
    assert texts(robust.corrupt) == ["m3er75", "text:drop"]
    assert UNCORRUPTED.stated() == RobustOptions().stated() == {}
