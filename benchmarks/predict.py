"""Real-time factors of `emocli predict`: seconds of work per second of recording, step by step.

    python benchmarks/predict.py RUN RECORDING [--minutes 60] [--window 4 --hop 2]
        [--search every|track] [--face main] [--workers 2] [--json FILE]

With --minutes the recording is brought to 640 x 360 and 25 frames per second by ffmpeg first, and
repeated until it is that long. All steps are measured within one prediction: the time on the clock
and the processor's time, for the clock also counts what other programs do. Decoding is measured by
itself; it is part of `people` and of `faces`.

With several workers the sound is analysed while people are looked for: the clocks of both run at
once, and the processor's time of a step is that of this process, in all of its threads; that of the
workers is added to the whole prediction. Memory is the peak of this process and of the largest
worker. (Workers load this file, too: it loads nothing of emocli by itself.)
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from options import make_parser

if TYPE_CHECKING:
    from emocli.config import Tree
    from emocli.prediction.predict import PredictOptions

WHOLE = "the whole prediction"

SIZE = "scale=640:360:force_original_aspect_ratio=decrease,pad=640:360:-1:-1,fps=25"


class Steps:
    """Seconds of steps: on the clock, and of the processor."""

    def __init__(self) -> None:
        self.clock: defaultdict[str, float] = defaultdict(float)
        self.processor: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add what is done to a step."""
        clock, processor = time.perf_counter(), time.process_time()
        yield
        self.clock[step] += time.perf_counter() - clock
        self.processor[step] += time.process_time() - processor

    def watch(self, owner: Any, name: str, step: Callable[..., str]) -> None:
        """Measure a function whenever it is called."""
        real = getattr(owner, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            with self.timed(step(*arguments)):
                return real(*arguments, **options)

        setattr(owner, name, watched)


def measure(run: Path, recording: Path, options: PredictOptions) -> Steps:
    """Predict a recording."""
    from emocli.data.media.content import read_frames
    from emocli.prediction import extracted, people
    from emocli.prediction.networks import Ensemble
    from emocli.prediction.predict import Predictor
    from emocli.prediction.writers import write_all

    steps = Steps()
    steps.watch(people, "find_people", lambda *_: "people")
    steps.watch(extracted, "extract", lambda _, names, *rest: names[0])
    steps.watch(Ensemble, "predict", lambda *_: "network")
    with steps.timed("decoding alone"):
        sum(1 for _ in read_frames(recording))
    before = processor_of(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        with steps.timed("open the run"):
            predictor = Predictor.open(run, options)
        with steps.timed(WHOLE):
            report = predictor.predict([recording], Path(folder) / "work")
        with steps.timed("writing"):
            write_all(report, Path(folder))
    steps.processor[WHOLE] += processor_of(resource.RUSAGE_CHILDREN) - before
    return steps


def processor_of(whose: int) -> float:
    """Return the processor's seconds of this process or of its ended children."""
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


def repeated(source: Path, minutes: float, folder: Path) -> Path:
    """Make a recording of some minutes: it is encoded once, and repeated as it is."""
    once, path = folder / "once.mp4", folder / "repeated.mp4"
    ffmpeg("-i", source, "-vf", SIZE, "-preset", "veryfast", once)
    ffmpeg("-stream_loop", -1, "-i", once, "-t", 60 * minutes, "-c", "copy", path)
    return path


def ffmpeg(*arguments: object) -> None:
    """Run ffmpeg."""
    if shutil.which("ffmpeg") is None:
        sys.exit("--minutes needs ffmpeg, which is not installed")
    subprocess.run(["ffmpeg", "-v", "error", *map(str, arguments)], check=True)


def main() -> None:
    """Print a line per step."""
    from emocli.data.media.length import length_of
    from emocli.prediction.predict import PredictOptions
    from emocli.prediction.segmentation.segmenter import SegmentOptions

    parser = make_parser(__doc__, minutes=0.0, window=4.0, hop=2.0, workers=1)
    parser.add_argument("run", type=Path)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--search", choices=("every", "track"), default="")
    parser.add_argument("--face", default="")
    parser.add_argument("--json", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    windows: Tree = {"windows": {"window": chosen.window, "hop": chosen.hop}}
    options = PredictOptions(
        segments=SegmentOptions(way="windows", settings=windows),
        settings={"faces": {"search": chosen.search}} if chosen.search else {},
        face=chosen.face,
        workers=chosen.workers,
    )
    load = os.getloadavg()
    with tempfile.TemporaryDirectory() as folder:
        recording = chosen.recording
        if chosen.minutes:
            recording = repeated(recording, chosen.minutes, Path(folder))
        seconds = length_of(recording).seconds
        steps = measure(chosen.run, recording, options)
    sys.stdout.write(f"{'step':24}{'clock':>8}{'processor':>11}   per second of {seconds:.1f} s\n")
    for step, clock in steps.clock.items():
        processor = steps.processor[step]
        sys.stdout.write(f"{step:24}{clock / seconds:8.3f}{processor / seconds:11.3f}\n")
    here, worker = (
        resource.getrusage(whose).ru_maxrss / 1024
        for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    sys.stdout.write(f"peak memory {here:.0f} MB, of a worker {worker:.0f} MB\n")
    if chosen.json:
        facts = {
            "seconds": seconds,
            "workers": chosen.workers,
            "load": {"before": load, "after": os.getloadavg()},
            "clock": steps.clock,
            "processor": steps.processor,
            "peak_mb": {"this process": here, "largest worker": worker},
        }
        chosen.json.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
