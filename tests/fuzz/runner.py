"""Runs cases, every command line in a process of its own that has the libraries loaded already."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random

from tests.fuzz import base, commands, mutate, oracle
from tests.fuzz.oracle import Outcome

CPU_SECONDS = 20
WALL_SECONDS = 240
"""A busy machine needs longer for the same work, so the clock is only for what waits."""
ADDRESS_MB = 8000
"""Address space a case may add to what the libraries hold."""
PEAK_MB = 500
"""Memory a case may add to what the libraries hold."""
LOOKED_AT = 20_000
"""Cases among which those of certain kinds are sought."""
PATIENT = ("train", "reproduce", "fit-encoder", "fit-text", "demo", "fit-cca", "manifest")
"""Commands that may be asked for work without end: many epochs, many clips."""
ASKED = ("setting", "options", "command", "toml")
"""Kinds of cases in which it is the user who asks for that work, by a number that is allowed."""
READING = ("import", "evaluate", "analyze")
"""Commands that read the whole of what they are given, and so cannot miss what is wrong with it."""


@dataclass(frozen=True)
class Case:
    """What is tried: which file is damaged and how, and the command line that comes then."""

    seed: int
    index: int
    kind: str
    target: str
    line: tuple[str, ...]
    damage: str = ""


@dataclass(frozen=True)
class Result:
    """A case, how it ended, and what is wrong with that."""

    case: Case
    outcome: Outcome
    faults: tuple[str, ...]


def source(seed: int, index: int) -> Random:
    """Randomness of one case, whatever the others draw."""
    return Random(f"emocli/{seed}/{index}")


def plan(seed: int, index: int, targets: Sequence[base.Target]) -> tuple[Case, Random]:
    """Decide on a case; its damage is done later, by the same source."""
    rng = source(seed, index)
    way = rng.choices(("file", "options", "command", "setting"), (12, 2, 3, 4))[0]
    if way != "file":
        make = {"options": commands.varied, "command": commands.anything, "setting": commands.set_}
        return Case(seed, index, way, "", tuple(make[way](rng))), rng
    kind = rng.choice(sorted({target.kind for target in targets}))
    target = rng.choice([target for target in targets if target.kind == kind])
    line = tuple(rng.choice(target.lines).split())
    return Case(seed, index, kind, target.path, line), rng


def load() -> None:
    """Import what the commands import, once for all of them."""
    import av
    import cv2
    import h5py
    import librosa
    import matplotlib.pyplot
    import scipy.signal
    import skimage.feature
    import sklearn.linear_model
    import torch
    import transformers

    del av, cv2, h5py, librosa, matplotlib, scipy, skimage, sklearn, transformers
    torch.set_num_threads(1)
    commands.commands()


def in_child(
    work: Callable[[], int], seconds: float = WALL_SECONDS, log: Path | None = None
) -> tuple[int, float, float]:
    """Do something in a forked process; return its wait status, its peak memory and its seconds."""
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        _child(work, log)
    status, usage = _await(child, start + seconds)
    return status, usage, time.monotonic() - start


def _child(work: Callable[[], int], log: Path | None) -> None:
    code = 1
    try:
        os.setsid()
        if log is not None:
            for number, ending in ((1, "out"), (2, "err")):
                os.dup2(
                    os.open(log.with_suffix(f".{ending}"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
                    number,
                )
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        code = work()
        sys.stdout.flush()
        sys.stderr.flush()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                code = code or 1
        os._exit(code)


def _await(child: int, deadline: float) -> tuple[int, float]:
    """Wait for a process, and end its whole group when its time is over."""
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.killpg(child, signal.SIGXCPU)
            done, status, usage = os.wait4(child, 0)
            break
        time.sleep(0.01)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what it has started and left
    return status, usage.ru_maxrss / 1024


def command_line(words: Sequence[str], cwd: Path) -> Outcome:
    """Run one command line in a folder, within limits."""
    log = cwd.parent / "log"
    inherited = _size("VmRSS")

    def work() -> int:
        from emocli.cli import app

        os.chdir(cwd)
        limit = int((_size("VmSize") + ADDRESS_MB) * 2**20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**30, 2**30))
        sys.argv = ["emocli", *words]
        app.main()
        return 0

    status, peak, seconds = in_child(work, log=log)
    ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1
    used = max(0.0, peak - inherited)
    limit = "too slow" if ended in (signal.SIGXCPU, signal.SIGKILL) else ""
    if not limit and used > PEAK_MB:
        limit = "too much memory"
    if ended == signal.SIGXCPU or (limit == "too slow"):
        ended = 0
    out, err = (log.with_suffix(f".{e}").read_text("utf-8", "replace") for e in ("out", "err"))
    return Outcome(tuple(words), code, ended, out, err, seconds, used, limit)


def _size(name: str) -> float:
    """Megabytes of this process, as the kernel counts them."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    return 0.0


def run_case(seed: int, index: int, specimens: Path, room: Path) -> Result:
    """Try one case in a folder of its own, which is emptied before."""
    targets = base.targets(specimens)
    case, rng = plan(seed, index, targets)
    folder = fresh(specimens, room)
    if case.target:
        place = folder / case.target
        case = replace(case, damage=_damaged(place, case.kind, rng, room))
    before = oracle.files(folder)
    outcome = command_line(case.line, folder)
    attack = case.damage.startswith("!") and case.line[0] in READING
    faults = list(oracle.judge(outcome, folder, before, attack))
    if outcome.limit and case.line[0] in PATIENT and case.kind in ASKED:
        faults = [fault for fault in faults if not fault.startswith(outcome.limit)]
    if outcome.code in (0, 3) and not outcome.signal and not outcome.limit:
        faults += _checked(folder, before, room)
    return Result(case, outcome, tuple(faults))


def fresh(specimens: Path, room: Path) -> Path:
    """Copy the specimens, and lay what must not be read beside them."""
    folder = room / "case"
    shutil.rmtree(room, ignore_errors=True)
    shutil.copytree(specimens, folder)
    (folder / "new").mkdir()
    for ending in mutate.SECRETS:
        secret = room / f"secret{ending}"
        shutil.copy(specimens.parent / f"secret{ending}", secret)
        # A time of access that is older than that of change is renewed by the next reading.
        os.utime(secret, (1, 2))
    return folder


def _damaged(place: Path, kind: str, rng: Random, room: Path) -> str:
    """Damage a file in a process of its own: HDF5 and pickles of our own making may be deadly."""
    note = room / "damage.txt"

    def work() -> int:
        note.write_text(mutate.damage(place, kind, rng), "utf-8", "backslashreplace")
        return 0

    status, _, _ = in_child(work, 60, log=room / "damage")
    return note.read_text("utf-8") if note.exists() else f"damage failed ({status})"


def _checked(folder: Path, before: set[str], room: Path) -> list[str]:
    note = room / "checked.json"

    def work() -> int:
        os.chdir(folder)
        note.write_text(json.dumps(list(oracle.outputs(folder, before))))
        return 0

    status, _, _ = in_child(work, 120, log=room / "checked")
    return (
        json.loads(note.read_text())
        if note.exists()
        else [f"reading the outputs ended with {status}"]
    )


def specimens(folder: Path) -> Path:
    """Make the specimens, in a process of its own: threads of libraries do not survive a fork."""
    import numpy as np

    place = folder / "specimens"
    place.mkdir(parents=True)

    def work() -> int:
        import h5py

        os.chdir(place)
        base.build(place)
        with h5py.File(folder / "secret.h5", "w") as file:
            file["values"] = np.full((200, 9), 4711.8086, "f4")
        (folder / "secret.bin").write_bytes(np.full(5000, 4711.8086, "f4").tobytes())
        shutil.copy(place / "table" / "sound.wav", folder / "secret.wav")
        return 0

    status, _, _ = in_child(work, 1200, log=folder / "specimens")
    if status:
        raise RuntimeError(
            f"the specimens cannot be made:\n{(folder / 'specimens.err').read_text()}"
        )
    return place


def sweep(
    seed: int,
    indices: Sequence[int],
    folder: Path,
    jobs: int,
    seconds: float,
    kinds: Collection[str] = (),
) -> Iterator[Result]:
    """Try many cases, some at a time; results come as they are ready.

    Parameters
    ----------
    seed, indices : int, sequence of int
        Which cases.
    folder : Path
        Where; an empty one.
    jobs : int
        Cases at a time.
    seconds : float
        After them no case begins; the specimens are made before.
    kinds : collection of str
        Only cases of these kinds; none given: all.
    """
    place = specimens(folder)
    if kinds:
        found = base.targets(place)
        indices = [i for i in indices[:LOOKED_AT] if plan(seed, i, found)[0].kind in kinds]
    deadline = time.monotonic() + seconds
    jobs_of: dict[int, Path] = {}
    for job in range(jobs):
        results = folder / f"job{job}.jsonl"
        results.touch()
        child = os.fork()
        if child == 0:
            _job(seed, indices[job::jobs], place, folder / f"job{job}", results, deadline)
        jobs_of[child] = results
    with ExitStack() as files:
        streams = [files.enter_context(path.open()) for path in jobs_of.values()]
        waiting, rest = set(jobs_of), [""] * len(streams)
        while waiting:
            time.sleep(0.2)
            ended = {child for child in waiting if _over(child)}
            for number, stream in enumerate(streams):
                *lines, rest[number] = (rest[number] + stream.read()).split("\n")
                yield from (_result(json.loads(line)) for line in lines)
            waiting -= ended


def _over(child: int) -> bool:
    done, status = os.waitpid(child, os.WNOHANG)
    if done and status:
        raise RuntimeError("the harness itself broke: see above")
    return bool(done)


def _job(
    seed: int, indices: Sequence[int], place: Path, room: Path, found: Path, deadline: float
) -> None:
    code = 1
    try:
        for index in indices:
            if time.monotonic() > deadline:
                break
            line = json.dumps(asdict(run_case(seed, index, place, room / "room"))) + "\n"
            with found.open("ab", buffering=0) as stream:
                stream.write(line.encode())  # at once, for it is read meanwhile
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _result(tree: dict) -> Result:
    case = Case(**tree["case"] | {"line": tuple(tree["case"]["line"])})
    outcome = Outcome(**tree["outcome"] | {"line": tuple(tree["outcome"]["line"]), "faults": ()})
    return Result(case, outcome, tuple(tree["faults"]))
