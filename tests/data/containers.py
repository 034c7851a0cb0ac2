"""The container table: times as emocli reads them beside those of an independent decoder.

Every row is a small recording that the ffmpeg on PATH writes: `media_factory.pictures` and
`media_factory.tone`. ffprobe tells when each picture is shown, ffmpeg decodes the sound onto an
axis that begins where the file's first stream begins (``start_time``), which is emocli's time 0.
``python -m tests.data.containers`` writes ``docs/containers.md`` again.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.media.content import read_frames, read_sound
from emocli.errors import MediaError
from tests import media_factory as factory

SECONDS = 6.0
COUNT = round(SECONDS * factory.FPS)
CLIPS = ((1.3, 2.2), (3.1, 4.3), (4.45, 5.6))
"""Parts of the recording that are read after a seek."""

PROGRAM_STREAMS = ("mpg", "vob")
"""Few of their pictures have a stamp, and ffprobe's guesses for the others leap back and forth."""

PROGRAMS = ("ffmpeg", "ffprobe")
TABLE = Path(__file__).with_suffix(".csv")
PAGE = Path(__file__).parents[2] / "docs" / "containers.md"


@dataclass(frozen=True)
class Row:
    """A recording to be written: a file name's suffix, codings and further options of ffmpeg.

    Attributes
    ----------
    counted : bool
        Whether picture k is known to be at k / fps although the file has no stamps to tell, so
        that ffprobe can only guess.
    copy : bool
        Whether the pictures are coded into an mp4 file first, and copied from there.
    pipe : bool
        Whether it is written where the program cannot go back to fill in lengths.
    """

    suffix: str
    pictures: str = ""
    sound: str = ""
    options: str = ""
    counted: bool = False
    copy: bool = False
    pipe: bool = False

    @property
    def name(self) -> str:
        notes = [self.suffix, self.pictures, self.sound, self.options]
        notes += [word for word in ("copy", "pipe") if getattr(self, word)]
        return " ".join(filter(None, notes))


def table() -> tuple[Row, ...]:
    """The recordings of ``containers.csv``; its column ``flags`` names what is true of them."""
    with TABLE.open(newline="") as file:
        return tuple(
            Row(**row, **dict.fromkeys(flags.split(), True))
            for row in csv.DictReader(file)
            for flags in [row.pop("flags")]
        )


ROWS = table()


@dataclass(frozen=True)
class Times:
    """When pictures are shown, in seconds, and the sound from time 0 on at its own rate."""

    pictures: NDArray[np.float64]
    sound: NDArray[np.float32]
    rate: int


@dataclass(frozen=True)
class Error:
    """How far emocli is from the reference, in seconds; nan where there is nothing to compare."""

    first_picture: float = np.nan
    last_picture: float = np.nan
    sound_begin: float = np.nan
    sound_end: float = np.nan
    seek_picture: float = np.nan
    seek_sound: float = np.nan

    @property
    def worst(self) -> float:
        values = np.abs([*vars(self).values()])
        return float(np.nanmax(values)) if np.isfinite(values).any() else np.inf


def run(*words: str | Path, **more: Any) -> bytes:
    return subprocess.run(
        [str(word) for word in words], check=True, capture_output=True, **more
    ).stdout


def source(folder: Path) -> Path:
    """Pictures and sound without loss, from which every row is coded."""
    path, wav = folder / "source.nut", folder / "source.wav"
    import soundfile

    soundfile.write(wav, factory.tone(SECONDS, 48000), 48000)
    images = b"".join(image.tobytes() for image in factory.pictures(SECONDS))
    side = f"{factory.SIDE}x{factory.SIDE}"
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", side, "-r", f"{factory.FPS}", "-i", "-"]
    coded = ["-c:v", "ffv1", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", path]
    run("ffmpeg", "-v", "error", "-y", *raw, "-i", wav, *coded, input=images)
    return path


def write(row: Row, original: Path, folder: Path) -> Path:
    path = folder / f"a.{row.suffix}"
    path.unlink(missing_ok=True)
    head = ["ffmpeg", "-v", "error", "-y", "-fflags", "+bitexact"]
    coded = ["-threads", "1"]
    options = row.options.split()
    if row.copy:
        between = folder / "between.mp4"
        codings = ["-c:v", row.pictures, "-c:a", "copy", "-strict", "-2"]
        run(*head, "-i", original, "-an", *codings, *options, between)
        coded += ["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", row.sound]
        run(*head, "-i", between, "-i", original, *coded, path)
        return path
    coded += ["-map", "0:v", "-c:v", row.pictures] if row.pictures else []
    coded += ["-map", "0:a", "-c:a", row.sound] if row.sound else []
    if not {"-pix_fmt"} & set(options) and row.pictures in ("mjpeg", "gif", "qtrle"):
        coded += ["-pix_fmt", {"mjpeg": "yuvj420p", "gif": "pal8", "qtrle": "rgb24"}[row.pictures]]
    if row.pipe:
        kind = run_format(row.suffix)
        out = run(*head, "-i", original, *coded, *options, "-f", kind, "-")
        path.write_bytes(out)
    else:
        run(*head, "-i", original, *coded, "-strict", "-2", *options, path)
    return path


def run_format(suffix: str) -> str:
    names = {"mkv": "matroska", "wmv": "asf", "ts": "mpegts"}
    return names.get(suffix, suffix)


def reference(row: Row, path: Path) -> Times:
    """What ffprobe and ffmpeg say."""
    pictures, sound, rate = np.zeros(0), np.zeros(0, np.float32), 0
    entries = "format=start_time:stream=codec_type,sample_rate"
    probe = json.loads(run("ffprobe", "-v", "error", "-show_entries", entries, "-of", "json", path))
    zero = float(probe["format"].get("start_time", 0))
    if zero < 0 or row.sound.startswith("wma"):  # what decoders leave out at the start
        zero = first_time(path)
    if row.counted:
        pictures = np.arange(COUNT) / factory.FPS
    elif row.pictures:
        show = ["-select_streams", "v:0", "-show_entries", "frame=best_effort_timestamp_time"]
        values = json.loads(run("ffprobe", "-v", "error", *show, "-of", "json", path))
        shown = [frame.get("best_effort_timestamp_time", np.nan) for frame in values["frames"]]
        pictures = followed(np.array(shown, float)) - zero
        if row.suffix in PROGRAM_STREAMS:
            pictures = pictures[0] + np.arange(len(pictures)) / factory.FPS
    if row.sound:
        rate = next(int(s["sample_rate"]) for s in probe["streams"] if s["codec_type"] == "audio")
        one = [
            "-map",
            "0:a:0",
            "-af",
            f"aresample=async=1:min_hard_comp=0.01:first_pts={round(zero * rate)}",
            "-ac",
            "1",
            "-f",
            "f32le",
        ]
        data = run("ffmpeg", "-v", "error", "-copyts", "-i", path, *one, "-c:a", "pcm_f32le", "-")
        sound = np.frombuffer(data, np.float32)
    return Times(pictures, sound, rate)


def followed(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Let pictures without a stamp follow those before them."""
    for k in np.flatnonzero(np.isnan(times)):
        times[k] = times[k - 1] + 1 / factory.FPS
    return times


def first_time(path: Path) -> float:
    """When the first frame of any stream begins, after what decoders leave out at the start."""
    show = [
        "-read_intervals",
        "%+1",
        "-show_entries",
        "frame=media_type,best_effort_timestamp_time",
    ]
    data = json.loads(run("ffprobe", "-v", "error", *show, "-of", "json", path))
    key = "best_effort_timestamp_time"
    return min((float(frame[key]) for frame in data["frames"] if key in frame), default=0.0)


def compare(row: Row, path: Path) -> Error:
    told = reference(row, path)
    errors: dict[str, float] = {}
    if row.pictures:
        errors |= compare_pictures(row, path, told)
    if row.sound:
        errors |= compare_sound(path, told)
    return Error(**errors)


def compare_pictures(row: Row, path: Path, told: Times) -> dict[str, float]:
    every = list(read_frames(path))
    if len(every) != len(told.pictures):
        raise MediaError(f"{len(every)} pictures for {len(told.pictures)}", where=path)
    times = np.array([frame.time for frame in every])
    late = times - told.pictures
    if row.pictures in ("mpeg4", "libx264") and "-s" not in row.options.split():
        seen = [factory.seen_at(frame.image) for frame in every]
        if seen != [factory.square_at(k) for k in range(len(every))]:
            raise MediaError("other pictures", where=path)
    worst = 0.0
    for begin, end in CLIPS:
        some = [frame.time + begin for frame in read_frames(path, begin, end)]
        inside = [k for k, t in enumerate(times) if begin - 0.0005 <= t < end - 0.0005]
        if len(some) != len(inside):
            raise MediaError(f"{len(some)} pictures for {len(inside)} after a seek", where=path)
        worst = max([worst, *(np.array(some) - told.pictures[inside])], key=abs)
    middle = np.abs(late).argmax()
    last = late[-1] if abs(late[middle]) <= abs(late[-1]) + 1e-9 else late[middle]
    return {"first_picture": late[0], "last_picture": last, "seek_picture": worst}


def compare_sound(path: Path, told: Times) -> dict[str, float]:
    rate, wanted = told.rate, told.sound
    heard = read_sound(path, rate)
    clips = [
        late(
            read_sound(path, rate, begin, end),
            wanted[round(begin * rate) : round(end * rate)],
            rate,
        )
        for begin, end in CLIPS
    ]
    return {
        "sound_begin": late(heard[: 2 * rate], wanted[: 2 * rate], rate),
        "sound_end": late(heard[4 * rate :], wanted[4 * rate :], rate)
        if abs(len(heard) - len(wanted)) < rate * 0.06
        else np.inf,
        "seek_sound": max(clips, key=abs),
    }


def late(heard: NDArray[np.float32], wanted: NDArray[np.float32], rate: int) -> float:
    samples, alike = factory.lag(heard, wanted)
    return samples / rate if alike > 0.9 else np.inf


def missing() -> list[str]:
    """Programs that are not on PATH."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def measure(rows: Iterable[Row] = ROWS) -> dict[Row, Error]:
    """Write every row's recording and compare."""
    errors = {}
    with tempfile.TemporaryDirectory() as folder:
        original = source(Path(folder))
        for row in rows:
            errors[row] = compare(row, write(row, original, Path(folder)))
    return errors


HEAD = """# Times of pictures and sound, by container

What emocli reads beside what an independent decoder reads (ffmpeg and ffprobe, {version}): when
the first picture is shown, the worst of all later pictures, where sound begins and ends, and
pictures and sound of clips from the middle ({clips}), which are come to by a seek; the
worst of them. Milliseconds, + is later; each row is a recording of {seconds:g} s that ffmpeg wrote
with the options given. Worst of all rows: **{worst:.2f} ms**.

Time 0 is where the first stream of a file begins: the `start_time` that ffprobe tells, with two
exceptions. Where it is negative (Opus in Matroska), or where the first packets decode to nothing
(wma), time 0 is the first picture shown or the first sound heard. Half a millisecond is the
resolution of Matroska, flv and asf. In rows marked *k/fps* the file has no stamps that tell when a
picture is shown (ffprobe guesses): picture k belongs at k / fps. In MPEG program streams (mpg, vob)
few pictures have one: from the first on they belong at k / fps. Sound is placed to the sample by
`ffmpeg -copyts -af aresample=async=1:min_hard_comp=0.01`.

Repeat with `python -m tests.data.containers`; `pytest -m slow tests/data/test_containers.py` checks
every row against {bound:g} ms.

| recording | first picture | worst picture | sound begins | sound ends | in clips | their sound |
|---|---:|---:|---:|---:|---:|---:|
"""
BOUND = 0.0011
"""Seconds a row may be off: the coarsest stamps are whole milliseconds, rounded twice."""


def page(errors: dict[Row, Error]) -> str:
    """The table as Markdown."""
    version = run("ffmpeg", "-version").decode().split()[2]
    worst = 1000 * max(error.worst for error in errors.values())
    clips = ", ".join(f"{begin:g} to {end:g} s" for begin, end in CLIPS)
    head = HEAD.format(
        version=version, clips=clips, seconds=SECONDS, worst=worst, bound=1000 * BOUND
    )
    return head + "".join(line(row, error) for row, error in errors.items())


def line(row: Row, error: Error) -> str:
    cells = [
        "" if np.isnan(value) else f"{1000 * value + 0.0:.2f}" for value in vars(error).values()
    ]
    note = ", *k/fps*" if row.counted else ""
    return f"| `{row.name}`{note} | {' | '.join(cells)} |\n".replace("-0.00", "0.00")


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=PAGE)
    output = parser.parse_args().output
    if missing():
        parser.error(f"{' and '.join(missing())} must be on PATH (Debian: apt install ffmpeg)")
    output.parent.mkdir(exist_ok=True)
    output.write_text(page(measure()))


if __name__ == "__main__":
    main()
