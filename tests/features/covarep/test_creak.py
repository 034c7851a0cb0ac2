from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat

from emocli import config
from emocli.errors import ConfigError
from emocli.features.covarep import COLUMNS, Config, covarep, prepare
from emocli.features.covarep import _creak_inputs as inputs
from emocli.features.covarep import creak as detector
from emocli.features.covarep._signal import hanning
from tests.features.covarep.voices import FS, voice

Real = NDArray[np.float64]
UNITS = 32


def cells(*matrices: Any) -> NDArray[np.object_]:
    result = np.empty((len(matrices), 1), object)
    for row, matrix in enumerate(matrices):
        result[row, 0] = matrix
    return result


def checkout(root: Path, **changed: Any) -> Path:
    """A checkout with made-up weights, stored as MATLAB stores a network's."""
    rng = np.random.default_rng(0)
    empty = np.zeros((0, 0))
    network = {
        "numInputs": 1,
        "IW": cells(0.3 * rng.standard_normal((UNITS, 36)), empty),
        "LW": cells(empty, rng.standard_normal((1, UNITS))),
        "b": cells(rng.standard_normal((UNITS, 1)), np.array([[0.25]])),
        **changed,
    }
    folder = root / detector.FOLDER
    folder.mkdir(parents=True)
    savemat(folder / detector.NETWORK, {"net": network})
    limits = np.sort(rng.uniform(-5, 5, (2, 36)), axis=0)
    savemat(folder / detector.LOWEST, {"Minis": limits[:1]})
    savemat(folder / detector.HIGHEST, {"Maxis": limits[1:]})
    return root


def test_the_network_is_the_defined_sum(tmp_path: Path) -> None:
    network = detector.read_network(checkout(tmp_path))
    rows = np.random.default_rng(1).uniform(-5, 5, (4, 36))
    rows[2, 5] = np.nan
    for row, result in zip(rows, network(rows), strict=True):
        total = network.output_bias
        for unit in range(UNITS):
            inner = network.hidden_bias[unit]
            for k in range(36):
                low, high = network.lowest[k], network.highest[k]
                value = low if np.isnan(row[k]) else row[k]
                inner += network.hidden[unit, k] * (-1 + 2 * (value - low) / (high - low))
            total += network.output[unit] * np.tanh(inner)
        assert result == pytest.approx(1 / (1 + np.exp(-total)))
    assert network.output_bias == 0.25


def test_the_files_may_lie_in_the_folder_itself(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    one, other = (detector.read_network(path) for path in (root, root / detector.FOLDER))
    np.testing.assert_array_equal(one.hidden, other.hidden)


def test_the_column_is_the_networks_posterior(tmp_path: Path) -> None:
    x = voice(seconds=1.0)
    without, notes = covarep(x, FS)
    settings = config.build(Config, {"creak": {"weights": checkout(tmp_path)}}, "covarep")
    matrix, said = covarep(x, FS, settings)
    place = COLUMNS.index("creak")
    np.testing.assert_array_equal(np.delete(matrix, place, 1), np.delete(without, place, 1))
    assert not without[:, place].any()
    assert "clips.without_creak" in notes
    assert "clips.without_creak" not in said
    times, posterior = detector.creak(x, FS, tmp_path)
    np.testing.assert_allclose(times, np.arange(1, 101) / 100)
    assert ((posterior > 0) & (posterior < 1)).all()
    assert np.ptp(posterior) > 0.01
    wanted = np.interp(np.arange(80, FS + 1, 160), 160 * np.arange(1, 101), posterior)
    np.testing.assert_allclose(matrix[1:, place], wanted[1:])
    assert matrix[0, place] == 0


@pytest.mark.parametrize("size", [0, 1, 100, 2000, 6000])
def test_what_has_no_voice_has_no_creak(tmp_path: Path, size: int) -> None:
    root = checkout(tmp_path)
    times, posterior = detector.creak(np.zeros(size), FS, root)
    assert len(times) == size // 160
    assert not posterior.any()


def test_creak_of_odd_sound_is_finite(tmp_path: Path) -> None:
    settings = config.build(Config, {"creak": {"weights": checkout(tmp_path)}}, "covarep")
    for x in (voice()[:1700], np.concatenate([np.zeros(FS), voice()]), voice() + 0.5):
        assert np.isfinite(covarep(x, FS, settings)[0]).all()


def absent(root: Path) -> None:
    (root / detector.FOLDER / detector.LOWEST).unlink()


def damaged(root: Path) -> None:
    (root / detector.FOLDER / detector.NETWORK).write_bytes(b"no matrices here")


def without_limits(root: Path) -> None:
    savemat(root / detector.FOLDER / detector.HIGHEST, {"Maxis": np.zeros((1, 35))})


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (absent, "no such file"),
        (damaged, "cannot be read"),
        (without_limits, "does not hold the limits of 36 inputs"),
    ],
)
def test_bad_weights_are_refused_before_any_clip(
    tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    root = checkout(tmp_path)
    spoil(root)
    with pytest.raises(ConfigError, match=said):
        prepare(config.build(Config, {"creak": {"weights": root}}, "covarep"), [])


def test_another_network_is_refused(tmp_path: Path) -> None:
    root = checkout(tmp_path, IW=cells(np.zeros((UNITS, 35))))
    with pytest.raises(ConfigError, match="weights 'IW' of a network with 36 inputs"):
        detector.read_network(root)
    with pytest.raises(ConfigError, match="no such file"):
        detector.read_network(tmp_path / "nowhere")


# The inputs.


def test_inputs_are_twelve_measures_and_their_differences() -> None:
    values = inputs.creak_inputs(voice(seconds=0.8), FS)
    assert values is not None
    assert values.shape == (80, 36)
    np.testing.assert_allclose(values[1:, 12:24], np.diff(values[:, :12], axis=0), atol=1e-9)
    np.testing.assert_allclose(values[1:, 24:], np.diff(values[:, 12:24], axis=0), atol=1e-9)
    assert not values[0, 12:].any()
    np.testing.assert_allclose(values[:, 8], 120, atol=1)
    np.testing.assert_allclose(values[:, 7], 120, atol=1)
    assert values[:, 9].max() == pytest.approx(0, abs=0.1)


def test_blocks_of_frames_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x = voice(seconds=0.8, noise=0.01)
    whole = inputs.creak_inputs(x, FS)
    monkeypatch.setattr(inputs, "BLOCK", 7)
    assert whole is not None
    np.testing.assert_allclose(inputs.creak_inputs(x, FS), whole, atol=1e-9)


def test_rows_are_every_ten_milliseconds() -> None:
    rows = inputs.InputRows(1000, FS)
    assert rows.at.tolist() == [160, 320, 480, 640, 800, 960]
    assert rows.spread.tolist() == [1, 201, 401, 600, 800, 1000]
    result = rows.stretched(np.array([1.0, 1000.0]))
    np.testing.assert_allclose(result, rows.at)
    assert np.isnan(rows.stretched(np.zeros(0))).all()


def test_autocorrelation_is_the_defined_sum() -> None:
    frames = np.random.default_rng(0).standard_normal((3, 40))
    wanted = [[sum(f[: 40 - k] * f[k:]) for k in range(40)] for f in frames]
    np.testing.assert_allclose(inputs.autocorrelation(frames), wanted, atol=1e-10)


def test_the_pitch_of_a_frame_is_after_the_first_positive_stretch() -> None:
    time = np.arange(800) / FS
    frames = np.stack([np.cos(2 * np.pi * f * time) for f in (100, 160, 250)]) * hanning(800)
    own = inputs._own_pitch(inputs.autocorrelation(frames), FS)
    np.testing.assert_allclose(own, [100, 160, 250], rtol=0.03)


def test_secondary_peaks_raise_the_second_harmonic() -> None:
    pulses, doubled = np.zeros(FS), np.zeros(FS)
    pulses[::160] = 1
    doubled[::160] = 1
    doubled[80::160] = 0.8
    plain, _ = inputs.second_harmonic(pulses, FS, 100)
    double, _ = inputs.second_harmonic(doubled, FS, 100)
    assert double.mean() > plain.mean() + 6


def test_a_lone_peak_is_prominent_and_one_of_two_is_not() -> None:
    rows, energy = inputs.InputRows(FS, FS), np.zeros(100)
    alone, paired = np.zeros(FS), np.zeros(FS)
    alone[::320] = 1
    paired[::320] = 1
    paired[120::320] = 0.9
    one = inputs.residual_peaks(rows, alone, 100, energy)[20:-20]
    two = inputs.residual_peaks(rows, paired, 100, energy)[20:-20]
    np.testing.assert_allclose(one, 1)
    np.testing.assert_allclose(two, 0.1, atol=1e-9)
    quiet = np.repeat([0.0, -5.0], 50)
    hushed = inputs.residual_peaks(rows, alone, 100, quiet)
    assert hushed[20] == pytest.approx(1)
    assert hushed[60] == 0


@pytest.mark.parametrize(("f0", "lowest"), [(101, 90), (100, 80), (99, 65), (85, 65), (84, 55)])
def test_the_window_of_prominence_follows_the_pitch(f0: float, lowest: float) -> None:
    assert inputs._lowest_pitch(f0) == lowest


def test_zero_crossings_of_a_tone() -> None:
    rate = inputs.zero_crossings(
        inputs.InputRows(FS, FS), np.sin(2 * np.pi * 500 * np.arange(FS) / FS)
    )
    np.testing.assert_allclose(rate[2:90], 1, atol=0.07)


def test_a_periodic_sound_is_like_itself() -> None:
    rows = inputs.InputRows(FS, FS)
    pulses = np.zeros(FS)
    pulses[::200] = 1
    shaped = np.convolve(pulses, np.hanning(40), "same")
    noise = inputs.band(np.random.default_rng(0).standard_normal(FS), FS)
    assert inputs.periodicity(rows, shaped)[10:80].min() > 0.8
    assert inputs.periodicity(rows, noise).mean() < 0.4


def test_pulses_are_compared_with_those_before() -> None:
    rows = inputs.InputRows(FS, FS)
    spaced, far = np.zeros(FS), np.zeros(FS)
    spaced[::640] = 1
    far[::3200] = 1
    shape = np.hanning(60)
    likeness, fall, rise = inputs.pulse_measures(rows, np.convolve(spaced, shape, "same"))
    assert likeness[20:80][likeness[20:80] > 0].min() > 0.99
    assert (likeness[20:80] > 0).mean() > 0.8
    assert fall.max() > 20
    assert rise.max() > 20
    assert not inputs.pulse_measures(rows, np.convolve(far, shape, "same"))[0].any()
    assert not np.any(inputs.pulse_measures(rows, np.zeros(FS)))


def test_powers_are_the_defined_means() -> None:
    x = np.random.default_rng(0).standard_normal(2000)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, 513) / 513)
    energy = [np.log(np.mean((x[k : k + 512] * window) ** 2)) for k in range(0, 1489, 80)]
    np.testing.assert_allclose(inputs.log_energy(x, FS), energy)
    power = np.array([20 * np.log10(np.mean(x[k : k + 64] ** 2)) for k in range(0, 1937, 32)])
    np.testing.assert_allclose(inputs.short_power(x, FS), power)
    spreads = [np.std(power[max(0, k - 16) : k + 17], ddof=1) for k in range(len(power))]
    padded = np.pad(spreads, 6)
    wanted = [np.median(padded[k : k + 13]) for k in range(len(power))]
    np.testing.assert_allclose(inputs.power_spread(x, FS), wanted)
