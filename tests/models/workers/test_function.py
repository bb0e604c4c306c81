"""A function in several processes gives what it gives in one, in the same order."""

import os
import signal
from functools import partial

import pytest

from sleeping import doubled, pid_and, unloadable
from vlsbench.core.errors import RequestFailed, UserError
from vlsbench.models.workers.function import FunctionInWorkers
from vlsbench.models.workers.settings import Workers

pytestmark = [
    pytest.mark.usefixtures("ray_here"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def spread():
    made = []

    def start(make, count=2):
        made.append(FunctionInWorkers(make, Workers(count=count), on_cpu=True))
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_results_come_in_the_order_of_the_items(spread):
    assert list(spread(doubled).each(range(50))) == [2 * number for number in range(50)]


def test_items_are_read_only_as_they_are_needed(spread):
    read = []

    def items():
        for number in range(100):
            read.append(number)
            yield number

    results = spread(doubled).each(items())
    assert next(results) == 0
    assert len(read) == 4


def test_what_a_dead_worker_owed_is_asked_for_again(spread):
    results = spread(partial(pid_and, 0.05)).each(range(40))
    first, number = next(results)
    os.kill(first, signal.SIGKILL)
    assert [number, *(number for _, number in results)] == list(range(40))


def test_errors_are_those_of_one_process(spread):
    with pytest.raises(RequestFailed, match="ValueError: invalid literal"):
        list(spread(doubled, 1).each(["1", "x"]))
    with pytest.raises(UserError, match=r"^There is no such model, and this is what to do\.$"):
        list(spread(unloadable, 1).each([1]))
