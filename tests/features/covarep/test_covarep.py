"""The whole vector: against the original, and on sound the original fails on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from threadpoolctl import threadpool_info, threadpool_limits

from emocli import config, plugins
from emocli.data.clip import Clip
from emocli.data.track import Absent
from emocli.errors import MediaError
from emocli.features import covarep as feature
from emocli.features.covarep import COLUMNS, Config, _vector, covarep, iaif
from tests.features.covarep.conftest import Reference
from tests.features.covarep.voices import FS, voice

Real = NDArray[np.float64]
WHISPER = "syn_whisper"
VOICE = ("NAQ", "QOQ", "H1H2", "PSP", "MDQ")


@pytest.fixture(scope="module")
def matrices(references: list[Reference]) -> dict[str, Real]:
    return {each.name: covarep(recorded(each), FS)[0] for each in references}


def recorded(reference: Reference) -> Real:
    """The recording as it is, not turned upright."""
    return reference.x * float(reference.arrays["polarity"])


def column(matrix: Real, name: str) -> Real:
    return matrix[:, COLUMNS.index(name)]


def likeness(reference: Reference, values: Mapping[str, Real] | Real, name: str) -> float:
    """Correlation with the original where it finds voice; of angles, the mean resultant length."""
    voiced = reference.features["VUV"] > 0
    result = (column(values, name) if isinstance(values, np.ndarray) else values[name])[voiced]
    wanted = reference.features[name][voiced]
    if name.startswith("HMPDM"):
        return float(np.abs(np.exp(1j * (result - wanted)).mean()))
    return float(np.corrcoef(result, wanted)[0, 1])


def spread(references: list[Reference], matrices: dict[str, Real], name: str) -> list[float]:
    compared = [each for each in references if each.name != WHISPER]
    return [likeness(each, matrices[each.name], name) for each in compared]


def test_the_columns_are_covareps(references: list[Reference]) -> None:
    for each in references:
        assert each.arrays["names"].tolist() == list(COLUMNS)


@pytest.mark.parametrize("name", [*COLUMNS[:2], *VOICE, "peakSlope"])
def test_pitch_and_voice_quality_are_identical(
    references: list[Reference], matrices: dict[str, Real], name: str
) -> None:
    for each in references:
        result = column(matrices[each.name], name)
        np.testing.assert_allclose(result, each.features[name], atol=1e-8, err_msg=each.name)


@pytest.mark.parametrize(("convention", "key"), [("newest", None), ("v1.4.1", "rd_v141")])
def test_the_glottal_shape_is_that_of_either_version(
    references: list[Reference],
    matrices: dict[str, Real],
    convention: str,
    key: str | None,
) -> None:
    for each in references[:1] if key else references:
        settings = config.build(Config, {"rd": convention}, "covarep")
        matrix = covarep(recorded(each), FS, settings)[0] if key else matrices[each.name]
        wanted = each.arrays[key] if key else each.arrays["features"][:, 8:10]
        np.testing.assert_allclose(matrix[:, 8], wanted[:, 0], atol=5e-3)
        np.testing.assert_allclose(matrix[:, 9], wanted[:, 1], atol=1e-5)


def test_envelope_and_mean_phase_are_identical(
    references: list[Reference], matrices: dict[str, Real]
) -> None:
    for each in references:
        result, wanted = matrices[each.name], each.arrays["features"]
        np.testing.assert_allclose(result[:, 11:36], wanted[:, 11:36], atol=1e-6)
        turned = np.angle(np.exp(1j * (result - wanted)[:, 36:60]))
        np.testing.assert_allclose(turned, 0, atol=1e-6)


def test_what_is_random_or_ill_conditioned_is_alike(
    references: list[Reference], matrices: dict[str, Real]
) -> None:
    assert min(spread(references, matrices, "HMPDM_24")) >= 0.96
    for name in COLUMNS[61:]:
        each = spread(references, matrices, name)
        assert np.median(each) >= 0.97
        assert min(each) >= 0.80


def test_another_seed_changes_only_what_is_random() -> None:
    x = voice(130, 1.2)
    one, other = (covarep(x, FS, Config(seed=seed))[0] for seed in (0, 1))
    np.testing.assert_array_equal(one[:, :11], other[:, :11])
    np.testing.assert_allclose(one[:, 11:60], other[:, 11:60], atol=1e-9)
    assert np.abs(one[:, 60] - other[:, 60]).max() > 0.01
    np.testing.assert_array_equal(one, covarep(x, FS)[0])


# What goes wrong unnoticed: each mistake costs what it costs the original.


def pulses_of(whole: _vector.Preanalysis) -> dict[str, Real]:
    tracks = _vector.pulse_tracks(whole, 60)
    rows = np.arange(80, len(whole.x) + 1, 160)
    values = [*tracks["pulses"].at(rows).T, tracks["mdq"].at(rows)[:, 0]]
    names = ("NAQ", "QOQ", "H1H2", "PSP", "MDQ")
    return {name: np.nan_to_num(track) for name, track in zip(names, values, strict=True)}


def test_a_wrong_polarity_would_be_detected(references: list[Reference]) -> None:
    result: dict[str, list[float]] = {"NAQ": [], "QOQ": [], "PSP": []}
    for each in references[:2]:
        whole = _vector.preanalyse(recorded(each), 60)
        residual = -whole.residual
        gcis = _vector.sedreams(-whole.x, FS, whole.pitch, residual)
        wrong = pulses_of(replace(whole, x=-whole.x, residual=residual, gcis=gcis))
        for name, values in result.items():
            assert likeness(each, pulses_of(whole), name) > 0.999
            values.append(likeness(each, wrong, name))
    assert max(np.median(values) for values in result.values()) < 0.6


def test_pitch_that_is_not_a_mean_of_two_frames_would_be_detected(
    references: list[Reference], matrices: dict[str, Real]
) -> None:
    result = []
    for each in references:
        if each.name == WHISPER:
            continue
        f0 = np.zeros(len(matrices[each.name]))
        f0[5 : 5 + len(each.arrays["srh_f0"])] = each.arrays["srh_f0"][: len(f0) - 5]
        result.append(likeness(each, {"F0": f0}, "F0"))
    assert min(result) < 0.98
    assert min(spread(references, matrices, "F0")) > 0.999


def test_an_envelope_that_is_not_stretched_in_time_would_be_detected(
    references: list[Reference],
) -> None:
    each = references[0]
    tracks = _vector.harmonic_tracks(_vector.preanalyse(recorded(each), 60), Config())
    unstretched = replace(tracks["mcep"], positions=tracks["rd"].positions)
    result = []
    for track in (tracks["mcep"], unstretched):
        values = np.nan_to_num(track.at(np.arange(80, len(each.x) + 1, 160))[:, 1])
        result.append(likeness(each, {"MCEP_1": values}, "MCEP_1"))
    assert result[0] > 0.9999
    assert result[1] < 0.9


def test_the_other_hann_window_would_be_detected(
    references: list[Reference], monkeypatch: pytest.MonkeyPatch
) -> None:
    each = references[0]
    whole = _vector.preanalyse(recorded(each), 60)
    assert min(likeness(each, pulses_of(whole), name) for name in VOICE) > 0.9999
    monkeypatch.setattr(iaif, "windows", partial(flipped, iaif.windows))
    assert min(likeness(each, pulses_of(whole), name) for name in VOICE) < 0.99


def flipped(windows: Callable[..., Real], lengths: Real, raised: float, *, ends: bool) -> Real:
    return windows(lengths, raised, ends=not ends)


def test_the_other_version_of_rd_would_be_detected(
    references: list[Reference], matrices: dict[str, Real]
) -> None:
    result = [
        likeness(each, {"Rd": each.arrays["rd_v141"][:, 0]}, "Rd")
        for each in references
        if each.name != WHISPER
    ]
    assert np.median(result) < 0.8
    assert min(spread(references, matrices, "Rd")) > 0.9999


def test_the_pitch_of_a_known_voice() -> None:
    glide = np.linspace(110, 190, 2 * FS)
    matrix, notes = covarep(voice(glide, 2.0), FS)
    rows = slice(10, -10)
    wanted = glide[79 + 160 * np.arange(len(matrix))]
    assert np.abs(column(matrix, "F0") - wanted)[rows].max() < 5
    assert (column(matrix, "VUV")[rows] == 1).all()
    assert not matrix[:4, :2].any()
    assert notes == {"clips": 1, "clips.without_creak": 1}


def closing_once() -> Real:
    """A single pulse in faint noise, with two voiced frames."""
    x = 1e-4 * np.random.default_rng(0).standard_normal(FS)
    x[8000:9700] += voice(100)[8000:9700]
    return x


SHORT = "too_short_for_covarep"
ODD: dict[str, tuple[Real, int, set[str]]] = {
    "silence": (np.zeros(FS), FS, {"dithered"}),
    "silence at a level": (np.full(FS, 0.25), FS, {"dithered", "with_an_offset"}),
    "silence, then a voice": (np.concatenate([np.zeros(FS), voice()]), FS, {"dithered"}),
    "noise": (np.random.default_rng(1).standard_normal(FS), FS, set()),
    "inverted": (-voice(), FS, {"inverted"}),
    "clipped": (np.clip(20 * voice(), -0.5, 0.5), FS, {"clipped"}),
    "offset": (voice() + 0.5, FS, {"with_an_offset"}),
    "one click": (np.eye(1, FS, 8000)[0], FS, {"dithered"}),
    "a short voice": (closing_once(), FS, set()),
    "stereo": (np.stack([voice(), -voice(90)], 1), FS, {"of_several_channels"}),
    "8 kHz": (voice(fs=8000), 8000, {"resampled"}),
    "22.05 kHz": (voice(fs=22050), 22050, {"resampled"}),
    "44.1 kHz": (voice(fs=44100), 44100, {"resampled"}),
    "48 kHz": (voice(fs=48000), 48000, {"resampled"}),
    "very faint": (1e-30 * voice(), FS, set()),
    "far too loud": (1e30 * voice(), FS, set()),
    "a ramp": (np.linspace(-1, 1, FS), FS, set()),
    "the highest frequency": (np.tile([1.0, -1.0], FS // 2), FS, set()),
    **{
        f"{size} samples": (voice()[8000 : 8000 + size], FS, {SHORT})
        for size in (0, 1, 2, 80, 400, 402, 1000, 1598, 1599, 1700, 2400, 6000, 13000)
    },
}


@pytest.mark.parametrize("case", ODD)
@pytest.mark.filterwarnings("error")
def test_it_never_fails(case: str) -> None:
    x, fs, said = ODD[case]
    matrix, notes = covarep(x, fs)
    samples = round(len(x) * 16000 / fs)
    assert matrix.shape == (max(0, (samples - 80) // 160 + 1), 74)
    assert np.isfinite(matrix).all()
    assert np.abs(matrix).max(initial=0) < 1e4
    assert {f"clips.{name}" for name in said} <= notes.keys()
    assert (f"clips.{SHORT}" in notes) == (samples < 0.83 * FS)
    assert notes["clips"] == 1


def test_what_has_no_voice_has_no_pulses() -> None:
    rng = np.random.default_rng(1)
    matrix, notes = covarep(np.cumsum(rng.standard_normal(4000)) / 100, FS)
    assert "clips.without_voice" in notes
    assert not matrix[:, 1:7].any()
    assert matrix[:, 7:10].any(axis=0).all()


def test_digital_silence_shorter_than_a_prediction_frame_has_an_envelope() -> None:
    x = voice(480, seconds=0.9)
    x[7000:7390] = 0
    matrix, notes = covarep(x, FS)
    assert "clips.dithered" not in notes
    assert column(matrix, "MCEP_0").min() > -20


def test_one_closure_has_no_period() -> None:
    matrix, notes = covarep(voice()[8000:9600], FS)
    assert "clips.with_fewer_than_two_closures" in notes
    assert not matrix[:, 2:7].any()


def test_whole_numbers_and_channels_are_the_same_sound() -> None:
    x = np.round(voice(seconds=0.9) * 32767).astype(np.int16)
    wanted = covarep(x / 32768, FS)[0]
    np.testing.assert_array_equal(covarep(x, FS)[0], wanted)
    np.testing.assert_array_equal(covarep(x[:, None], FS)[0], wanted)
    np.testing.assert_array_equal(covarep(np.stack([x, -x], 1), FS)[0], wanted)
    unsigned = np.round(voice(seconds=0.9) * 127 + 128).astype(np.uint8)
    np.testing.assert_allclose(
        covarep(unsigned, FS)[0], covarep(unsigned / 128 - 1, FS)[0], atol=1e-9
    )


@pytest.mark.parametrize(
    ("x", "fs", "said"),
    [
        (np.zeros((2, 2, 2)), FS, r"shape \(2, 2, 2\)"),
        (np.zeros((5, 0)), FS, r"shape \(5, 0\)"),
        (np.zeros(5, complex), FS, "complex128"),
        (np.array([0.0, np.nan]), FS, "not finite"),
        (np.zeros(5), 0, "no sampling rate: 0"),
        (np.zeros(5), np.nan, "no sampling rate: nan"),
    ],
)
def test_what_is_no_sound_is_refused(x: Real, fs: float, said: str) -> None:
    with pytest.raises(MediaError, match=said):
        covarep(x, fs)


def test_its_products_are_of_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are small: threads that share one wait for each other."""
    threads: list[int] = []
    polarity = _vector.polarity

    def watched(*arguments: Any) -> int:
        libraries = threadpool_info()
        threads.extend(each["num_threads"] for each in libraries if each["user_api"] == "blas")
        return polarity(*arguments)

    monkeypatch.setattr(_vector, "polarity", watched)
    with threadpool_limits(2, "blas"):
        covarep(voice()[:4000], FS)
    assert threads
    assert set(threads) == {1}


def test_a_long_recording_in_blocks_is_the_same() -> None:
    pitches = np.repeat(np.random.default_rng(0).uniform(90, 200, 12), FS)
    x = voice(pitches, 12.0, noise=1e-3)
    x[2 * FS : 3 * FS] *= 1e-3  # a pause, and one at a seam
    x[8 * FS - 4000 : 8 * FS + 4000] *= 1e-3
    whole, notes = covarep(x, FS)
    parts, said = covarep(x, FS, Config(block_s=4))
    np.testing.assert_allclose(parts, whole, atol=1e-7)
    assert "clips.in_blocks" in said
    assert "clips.in_blocks" not in notes


def test_extracting_a_file(tmp_path: Path) -> None:
    left = voice(fs=44100, seconds=0.9)
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([left, voice(200, 0.9, 44100)], 1), 44100, subtype="FLOAT")
    module = plugins.load("features", "covarep")
    extractor = module.prepare(config.build(module.Config, {}, "covarep"), [])
    track = extractor(Clip("a", media={"audio": path}), {})
    wanted, _ = covarep(left.astype(np.float32), 44100)
    np.testing.assert_array_equal(track.values, wanted.astype(np.float32))
    assert track.times == pytest.approx(0.0049375 + 0.01 * np.arange(90))
    assert {"clips.of_several_channels", "clips.resampled"} <= track.notes.keys()
    assert (extractor.names, extractor.rate) == (COLUMNS, 100)
    with pytest.raises(Absent):
        extractor(Clip("a", text="hi"), {})


def test_loading_the_plugin_loads_no_signal_processing() -> None:
    loaded = "import sys, emocli.features.covarep; print('scipy' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
    assert feature.MODALITY == "audio"
