from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from emocli.data.pool import THREADS, Pool, open_pool
from emocli.errors import ConfigError, MediaError


def square(number: int) -> int:
    return number * number


def fail(number: int) -> int:
    if number == 3:
        raise MediaError("is odd", where="three", hint="add one")
    return number


def threads(number: int) -> tuple[int, set[str | None], set[int]]:
    """Return where this runs, and how many threads its libraries may use."""
    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    limits = {os.environ.get(name) for name in THREADS}
    return os.getpid(), limits, {library["num_threads"] for library in threadpool_info()}


@pytest.mark.parametrize("workers", [1, 2])
def test_all_results_come(workers: int) -> None:
    with open_pool(workers) as pool:
        assert sorted(pool.results(square, range(20))) == [n * n for n in range(20)]
        assert list(pool.results(square, [])) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_arrive_as_they_are(workers: int) -> None:
    with open_pool(workers) as pool, pytest.raises(MediaError, match="three: is odd; add one"):
        list(pool.results(fail, range(6)))


def test_one_worker_is_this_process() -> None:
    with open_pool(1) as pool:
        assert {result[0] for result in pool.results(threads, range(2))} == {os.getpid()}


def test_workers_share_the_cores() -> None:
    workers = 2
    share = max(1, (os.cpu_count() or 1) // workers)
    with open_pool(workers) as pool:
        for process, limits, used in pool.results(threads, range(4)):
            assert process != os.getpid()
            assert limits == {str(share)}
            assert max(used) <= share


def test_few_calls_are_in_flight() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(50):
            taken += 1
            yield number

    with open_pool(2) as pool:
        room = Pool(pool.executor, 3)
        for done, _ in enumerate(room.results(square, items())):
            assert taken - done <= 3
    assert taken == 50


def test_work_is_done_beside_a_block() -> None:
    done = threading.Event()
    with ThreadPoolExecutor(2) as executor:
        pool = Pool(executor, 2)

        def work() -> None:
            assert sorted(pool.results(square, range(3))) == [0, 1, 4]
            done.set()

        with pool.background(work):
            assert done.wait(20)

        def fails() -> None:
            list(pool.results(fail, range(6)))

        with pytest.raises(MediaError, match="three"), pool.background(fails):
            done.set()


def test_work_ends_with_the_block_that_fails() -> None:
    begun, go_on, computed = threading.Event(), threading.Event(), []

    def compute(number: int) -> None:
        computed.append(number)
        begun.set()
        go_on.wait(20)

    with ThreadPoolExecutor(1) as executor:
        pool = Pool(executor, 2)

        def work() -> None:
            list(pool.results(compute, range(50)))

        def interrupted() -> None:
            with pool.background(work):
                assert begun.wait(20)
                threading.Timer(0.05, go_on.set).start()
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
    assert len(computed) < 5


@pytest.mark.parametrize("workers", [0, -1])
def test_no_worker_is_refused(workers: int) -> None:
    message = f"workers = {workers}; give 1 or more"
    with pytest.raises(ConfigError, match=message), open_pool(workers):
        pass
