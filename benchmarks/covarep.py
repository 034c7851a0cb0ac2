"""COVAREP's 74 features: agreement with the original, and speed.

    python benchmarks/covarep.py REFERENCE_FOLDER [--creak-weights CHECKOUT] [--rd v1.4.1]
    python benchmarks/covarep.py [REFERENCE_FOLDER] --speed [--repeats 5]

REFERENCE_FOLDER holds outputs of the original, a NAME.npz (`features`, `names`, `fs`) beside each
recording NAME.wav; --speed does without.

Agreement is that of frames the original calls voiced, in recordings of 16 kHz where these are at
least a tenth: Pearson's correlation, for the phases HMPDM that of angles, |mean exp(j difference)|.
The largest difference is that of all frames. Below the columns it says which groups of them keep
the bounds they must keep and the closer ones; if one breaks the former, the exit status is 1.
``creak`` is compared with --creak-weights only: without them it is 0.

--speed prints seconds of one core per second of sound, for each stage by itself and for the whole
vector, of the recordings in the folder or else of a generated voice.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import soundfile
from numpy.typing import NDArray
from options import make_parser
from scipy.signal import lfilter
from threadpoolctl import threadpool_limits

from emocli import config
from emocli.features.covarep import COLUMNS, Config, covarep
from emocli.features.covarep.creak import creak
from emocli.features.covarep.envelope import mel_cepstra
from emocli.features.covarep.gci import sedreams
from emocli.features.covarep.harmonics import harmonic_blocks
from emocli.features.covarep.hmpd import hmpd
from emocli.features.covarep.iaif import glottal_flow
from emocli.features.covarep.polarity import polarity
from emocli.features.covarep.pulses import pulse_parameters
from emocli.features.covarep.rd import rd
from emocli.features.covarep.residual import lp_residual, vocal_tract_order
from emocli.features.covarep.srh import srh
from emocli.features.covarep.wavelet import mdq, peak_slope

FS = 16000
LEAST_VOICED = 0.1

Real = NDArray[np.float64]
Flags = NDArray[np.bool_]
T = TypeVar("T")


def main() -> None:
    parser = make_parser(__doc__, repeats=5)
    parser.add_argument("folder", type=Path, nargs="?", metavar="REFERENCE_FOLDER")
    parser.add_argument("--creak-weights", type=Path, help="a checkout of COVAREP")
    parser.add_argument("--rd", choices=("newest", "v1.4.1"), default="newest")
    parser.add_argument("--speed", action="store_true")
    options = parser.parse_args()
    values = {"rd": options.rd, "creak": {"weights": options.creak_weights}}
    settings = config.build(Config, values, "covarep")
    found = read(options.folder, options.rd) if options.folder else []
    recordings = [each for each in found if each.fs == FS]
    if options.speed:
        time_stages(recordings or [generated()], options.repeats, settings)
        return
    recordings = [each for each in recordings if each.voiced.mean() >= LEAST_VOICED]
    if not recordings:
        where = f"{options.folder}: no outputs" if options.folder else "no folder with outputs"
        sys.exit(f"{where} of the original; give their folder, or --speed")
    if not compare(recordings, settings):
        sys.exit(1)


@dataclass(frozen=True)
class Score:
    """How one column of one recording agrees.

    ``near`` is the share of frames that differ by less than 1: by 1 Hz in F0, not at all in VUV.
    """

    agreement: float
    largest: float
    near: float


@dataclass(frozen=True)
class Bounds:
    """What agreement is asked: of the median recording, of the worst, and of single frames."""

    median: float = -1
    worst: float = -1
    largest: float = np.inf
    near: float = 0

    def hold(self, scores: Sequence[Score]) -> bool:
        """Say whether a column keeps them, given a score for each recording."""
        agreement = [score.agreement for score in scores]
        return bool(
            np.median(agreement) >= self.median
            and min(agreement) >= self.worst
            and max(score.largest for score in scores) <= self.largest
            and min(score.near for score in scores) >= self.near
        )


@dataclass(frozen=True)
class Group:
    """Columns of one kind, the bounds that must hold and the closer ones."""

    name: str
    columns: tuple[str, ...]
    must: Bounds
    stretch: Bounds
    circular: bool = False


def numbered(name: str, stop: int, start: int = 0) -> tuple[str, ...]:
    return tuple(f"{name}_{k}" for k in range(start, stop))


EXACT = 1e-6
GROUPS = (
    Group("F0", ("F0",), Bounds(worst=0.999, near=0.99), Bounds(largest=1e-9)),
    Group("VUV", ("VUV",), Bounds(near=0.99), Bounds(largest=0)),
    Group(
        "pulses",
        ("NAQ", "QOQ", "H1H2", "PSP", "MDQ"),
        Bounds(median=0.98, worst=0.92),
        Bounds(worst=0.999),
    ),
    Group("peakSlope", ("peakSlope",), Bounds(worst=0.999), Bounds(largest=EXACT)),
    Group("Rd", ("Rd", "Rd_conf"), Bounds(worst=0.99), Bounds(worst=0.9999)),
    Group("creak", ("creak",), Bounds(worst=0.95), Bounds(worst=0.99)),
    Group("MCEP", numbered("MCEP", 25), Bounds(worst=0.999), Bounds(largest=EXACT)),
    Group("HMPDM", numbered("HMPDM", 24), Bounds(worst=0.999), Bounds(largest=EXACT), True),
    Group("HMPDM_24", ("HMPDM_24",), Bounds(worst=0.90), Bounds(worst=0.96), True),
    Group("HMPDD", numbered("HMPDD", 13), Bounds(median=0.97, worst=0.80), Bounds(median=0.99)),
)


@dataclass(frozen=True)
class Recording:
    """Sound, and what the original makes of it."""

    name: str
    x: Real
    fs: int
    matrix: Real = field(default_factory=lambda: np.zeros((0, len(COLUMNS))))

    @property
    def voiced(self) -> Flags:
        """Frames the original calls voiced."""
        return np.asarray(self.matrix[:, COLUMNS.index("VUV")] == 1)


def read(folder: Path, convention: str) -> list[Recording]:
    recordings = []
    for path in sorted(folder.glob("*.npz")):
        x, fs = soundfile.read(path.with_suffix(".wav"))
        with np.load(path) as stored:
            if tuple(stored["names"]) != COLUMNS:
                sys.exit(f"{path}: other columns than COVAREP's 74")
            matrix = stored["features"].copy()
            if convention != "newest":
                matrix[:, [COLUMNS.index("Rd"), COLUMNS.index("Rd_conf")]] = stored["rd_v141"]
        recordings.append(Recording(path.stem, x, fs, matrix))
    return recordings


def compare(recordings: Sequence[Recording], settings: Config) -> bool:
    """Print the tables; say whether all that must hold does."""
    groups = [each for each in GROUPS if each.name != "creak" or settings.creak.weights]
    scores: dict[str, list[Score]] = {name: [] for group in groups for name in group.columns}
    for each in recordings:
        ours, _ = covarep(each.x, each.fs, settings)
        for group in groups:
            for name in group.columns:
                k = COLUMNS.index(name)
                theirs = each.matrix[:, k]
                scores[name].append(score(ours[:, k], theirs, each.voiced, group.circular))
    print(f"{'column':10} {'median':>9} {'worst':>9} {'largest difference':>19}")
    for name, found in scores.items():
        agreement = [each.agreement for each in found]
        largest = max(each.largest for each in found)
        print(f"{name:10} {np.median(agreement):9.6f} {min(agreement):9.6f} {largest:19.1e}")
    print(f"\n{'group':10} {'must':>5} {'stretch':>9}")
    kept = True
    for group in groups:
        must, stretch = (
            all(bounds.hold(scores[name]) for name in group.columns)
            for bounds in (group.must, group.stretch)
        )
        kept &= must
        print(f"{group.name:10} {yes(must):>5} {yes(stretch):>9}")
    return kept


def score(ours: Real, theirs: Real, voiced: Flags, circular: bool) -> Score:
    if circular:
        apart = np.angle(np.exp(1j * (ours - theirs)))
        agreement = np.abs(np.exp(1j * apart[voiced]).mean())
    else:
        apart = ours - theirs
        agreement = correlation(ours[voiced], theirs[voiced])
    apart = np.abs(apart)
    return Score(float(agreement), float(apart.max()), float((apart < 1).mean()))


def correlation(ours: Real, theirs: Real) -> float:
    """Pearson's correlation; of a constant, whether both are the same."""
    if np.ptp(ours) == 0 or np.ptp(theirs) == 0:
        return float(np.array_equal(ours, theirs))
    return float(np.corrcoef(ours, theirs)[0, 1])


def yes(kept: bool) -> str:
    return "yes" if kept else "NO"


class Stopwatch:
    """Seconds of processor time by stage."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def __call__(self, stage: str, function: Callable[..., T], *arguments: object) -> T:
        """Call a function and add up its time."""
        start = time.process_time()
        result = function(*arguments)
        elapsed = time.process_time() - start
        self.spent[stage] = self.spent.get(stage, 0) + elapsed
        return result


def run_stages(x: Real, settings: Config, watch: Stopwatch) -> None:
    """Run every stage once, and the whole."""
    upright = x * watch("polarity", polarity, x, FS)
    pitch = watch("SRH: F0, VUV", srh, upright, FS)
    residual = watch("residual", lp_residual, upright, FS, vocal_tract_order(FS))
    gcis = watch("SEDREAMS", sedreams, upright, FS, pitch, residual)
    flow, derivative = watch("IAIF", glottal_flow, upright, FS, gcis)
    watch("NAQ, QOQ, H1H2, PSP", pulse_parameters, flow, derivative, FS, gcis)
    watch("MDQ", mdq, residual, FS, gcis)
    watch("peakSlope", peak_slope, upright, FS)
    blocks = watch("harmonics", lambda: list(harmonic_blocks(upright, FS, pitch.times, pitch.f0)))
    watch("Rd", lambda: [rd(frames, FS, settings.rd) for frames in blocks])
    watch("MCEP", lambda: [mel_cepstra(frames, FS) for frames in blocks])
    watch("HMPDM, HMPDD", hmpd, blocks, FS, settings.seed)
    if settings.creak.weights is not None:
        watch("creak", creak, upright, FS, settings.creak.weights, residual)
    watch("all 74 columns", covarep, x, FS, settings)


def time_stages(recordings: Sequence[Recording], repeats: int, settings: Config) -> None:
    seconds = sum(len(each.x) for each in recordings) / FS
    rates: dict[str, list[float]] = {}
    with threadpool_limits(1):
        for _ in range(repeats + 1):
            watch = Stopwatch()
            for each in recordings:
                run_stages(each.x, settings, watch)
            for stage, spent in watch.spent.items():
                rates.setdefault(stage, []).append(spent / seconds)
    print(f"{len(recordings)} recordings, {seconds:.1f} s: seconds of one core per second of sound")
    for stage, found in rates.items():
        warm = sorted(found[1:])
        print(f"{stage:20} {statistics.median(warm):.4f}  ({warm[0]:.4f} to {warm[-1]:.4f})")


def generated() -> Recording:
    """Ten seconds of a voice whose pitch goes up and down, with pauses."""
    t = np.arange(10 * FS) / FS
    phase = np.cumsum(140 + 40 * np.sin(2 * np.pi * t / 3)) / FS
    x = np.diff(np.floor(phase), prepend=0) * (t % 1 < 0.7)
    for formant, bandwidth in ((0, 200), (700, 80), (1200, 90), (2600, 120), (3500, 150)):
        radius = np.exp(-np.pi * bandwidth / FS)
        x = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * formant / FS), radius**2], x)
    noise = np.random.default_rng(0).normal(size=len(x))
    return Recording("generated", x / np.abs(x).max() / 2 + 1e-4 * noise, FS)


if __name__ == "__main__":
    main()
