"""The pool that runs parts of a long computation: this process, several, or a cluster."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from emocli.errors import ConfigError, EmocliError, EmocliWarning

T = TypeVar("T")
R = TypeVar("R")

Progress = Callable[[int, int], None]
"""Told how many pieces of work are done, and how many there are."""
Say = Callable[[str], None]
"""Told in words what is being done."""

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)
"""Environment variables by which libraries are told how many threads to use."""


@dataclass(frozen=True)
class Pool:
    """An executor, and how many calls are kept in flight there (``room``)."""

    executor: Executor
    in_flight: int

    @property
    def is_parallel(self) -> bool:
        """Whether it computes in other processes than this one, which waits for calls in turn."""
        return self.in_flight > 1

    def results(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Call a function on every item; results come as they are ready.

        Raises
        ------
        EmocliError
            If a worker dies or the cluster fails, and whatever EmocliError the function raises.
        """
        pending: set[Future[R]] = set()
        try:
            for item in items:
                pending.add(self.executor.submit(function, item))
                if len(pending) >= self.in_flight:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        except (BrokenExecutor, CancelledError) as error:
            if isinstance(error, BrokenExecutor):
                self.executor.shutdown()  # the others, which are ended too, write no more after it
            what = f"a worker process died, perhaps for want of memory ({type(error).__name__})"
            hint = (
                "run the same command again, with fewer --workers: it goes on where it stopped; "
                'a script starts workers under `if __name__ == "__main__":`'
            )
            raise EmocliError(what, hint=hint) from None

    @contextmanager
    def background(self, work: Callable[[], None]) -> Iterator[None]:
        """Do work in a thread of this process while the block runs.

        What it raises is raised when the block ends. If the block fails, nothing more is computed.
        """
        # All processes start now: they take over the module path, which a library that the block
        # imports may have changed for a moment (OpenCV does).
        for _ in range(self.in_flight):
            self.executor.submit(_nothing)
        with ThreadPoolExecutor(1, "background") as thread:
            done = thread.submit(work)
            try:
                yield
            except BaseException:
                self.executor.shutdown(wait=False, cancel_futures=True)
                raise
            done.result()


def _nothing() -> None:
    """Do nothing."""


@contextmanager
def open_pool(workers: int = 1, scheduler: str | None = None) -> Iterator[Pool]:
    """Open a place to compute.

    Parameters
    ----------
    workers : int
        Processes on this machine; 1 is this process.
    scheduler : str, optional
        Address of a Dask scheduler to compute on instead. Its workers need emocli and the same
        paths to the store and the recordings.

    Raises
    ------
    ConfigError
        If there would be no worker, or the scheduler does not answer.
    """
    if workers < 1:
        raise ConfigError(f"workers = {workers}", hint="give 1 or more; 1 is this process")
    if scheduler is not None:
        with _cluster(scheduler) as pool:
            yield pool
    elif workers == 1:
        yield Pool(_SerialExecutor(), 1)
    else:
        with _processes(workers) as pool:
            yield pool


class _SerialExecutor(Executor):
    """An executor that calls at once, in this process."""

    def submit(self, function: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        future: Future[R] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def _processes(workers: int) -> Iterator[Pool]:
    """Open a pool whose processes end as soon as this one stops, is interrupted or is killed."""
    context = multiprocessing.get_context("spawn")
    watched, ours = context.Pipe(duplex=False)
    threads = max(1, (os.cpu_count() or 1) // workers)
    executor = ProcessPoolExecutor(workers, context, _start_worker, (watched, threads))
    try:
        yield Pool(executor, 2 * workers)
    except BaseException:
        ours.close()  # what is being computed is not wanted any more
        raise
    finally:
        executor.shutdown(cancel_futures=True)
        ours.close()
        watched.close()


def _start_worker(watched: Connection, threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, args=(watched,), daemon=True).start()
    _limit_threads(threads)
    warnings.simplefilter("ignore", EmocliWarning)  # what every worker would say again


def _follow(watched: Connection) -> None:
    """End this process when the other end of the pipe is closed, by whatever happened there."""
    watched.poll(None)
    os._exit(1)


def _limit_threads(threads: int) -> None:
    from threadpoolctl import threadpool_limits

    os.environ.update(dict.fromkeys(THREADS, str(threads)))  # for libraries not loaded yet
    threadpool_limits(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def _require_address(address: str) -> None:
    """Refuse what is no address; Dask's client leaves a traceback behind."""
    comm: Any = importlib.import_module("distributed.comm")
    try:
        comm.get_address_host_port(address if "://" in address else f"tcp://{address}")
    except ValueError as error:
        what, hint = f"'{address}' is no address ({error})", "write tcp://HOST:PORT"
        raise ConfigError(what, where="--scheduler", hint=hint) from None


@contextmanager
def _cluster(address: str) -> Iterator[Pool]:
    try:
        dask: Any = importlib.import_module("distributed")
    except ImportError:
        hint = "pip install 'emocli[cluster]'"
        raise ConfigError("needs Dask", where="--scheduler", hint=hint) from None
    _require_address(address)
    try:
        client = dask.Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ConfigError(f"no Dask scheduler answers ({error})", where=address) from None
    with client, client.get_executor(pure=False) as executor:
        try:
            yield Pool(executor, max(2, 2 * sum(client.nthreads().values())))
        except (dask.KilledWorker, ImportError, OSError) as error:
            what = f"the cluster failed ({type(error).__name__}: {error})"
            hint = "run the same command again: it goes on where it stopped"
            raise EmocliError(what, where=address, hint=hint) from None
        finally:
            executor.shutdown(wait=False)
