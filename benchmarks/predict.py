"""Real-time factors of `emocli predict`: seconds of work per second of recording, step by step.

    python benchmarks/predict.py RUN RECORDING [RECORDING ...] [--window 4 --hop 2]

Both the time on the clock and the processor's time (of this process; one worker) are measured, for
the clock also counts what other programs do. With windows that overlap, a second of recording is
computed ``window / hop`` times.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emocli.data.media.length import length_of
from emocli.prediction.clips import manifest_of
from emocli.prediction.extracted import _extract, _Part
from emocli.prediction.inputs import pieces_for
from emocli.prediction.predict import PredictOptions, Predictor
from emocli.prediction.segment import SegmentOptions
from emocli.prediction.writers import write_all

Times = dict[str, tuple[float, float]]


@contextmanager
def timed(step: str, times: Times) -> Iterator[None]:
    """Measure a step: seconds on the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    yield
    times[step] = time.perf_counter() - clock, time.process_time() - processor


def measure(run: Path, recordings: list[Path], options: PredictOptions) -> Times:
    """Predict recordings step by step, and once as a whole."""
    times: Times = {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        with timed("open the run", times):
            predictor = Predictor.open(run, options)
        config = predictor.ensemble.config
        with timed("cut", times):
            pieces = pieces_for(recordings, config.classes, options.segments, work).pieces
        clips = [piece.clip for piece in pieces]
        part = _Part(work / "steps", manifest_of(clips, config), predictor.features.recipes)
        for index, recipe in enumerate(part.recipes):
            with timed(recipe.name, times):
                _extract(part, recipe, index, 1, lambda done: None)
        with timed("all, features included", times):
            report = predictor.predict(recordings, work / "whole")
        with timed("write table, data and page", times):
            write_all(report, work)
    return times


def main() -> None:
    """Print a line per step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("recordings", type=Path, nargs="+")
    parser.add_argument("--window", type=float, default=4.0)
    parser.add_argument("--hop", type=float, default=2.0)
    given = parser.parse_args()
    windows = {"windows": {"window": given.window, "hop": given.hop}}
    options = PredictOptions(segments=SegmentOptions(way="windows", settings=windows))
    seconds = sum(length_of(path).seconds for path in given.recordings)
    times = measure(given.run, given.recordings, options)
    sys.stdout.write(
        f"{'step':28} {'clock':>8} {'processor':>10}   per second of {seconds:.1f} s\n"
    )
    for step, (clock, processor) in times.items():
        sys.stdout.write(f"{step:28} {clock / seconds:8.3f} {processor / seconds:10.3f}\n")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"peak memory {peak:.0f} MB\n")


if __name__ == "__main__":
    main()
