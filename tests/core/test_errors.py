"""The error tree: every branch has its exit code, and messages say what to do."""

import inspect

import pytest

from vlsbench.core import errors
from vlsbench.core.errors import MissingExtra, Transient, UnknownName, VLSBenchError
from vlsbench.core.extras import how_to_install

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, VLSBenchError)]


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_error_is_named_in_the_tree_at_the_top_of_the_module(kind):
    assert kind.__name__ in (errors.__doc__ or "")
    assert kind.__doc__


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UserError, 2),
        (errors.DatasetError, 2),
        (errors.RunError, 2),
        (errors.RubricError, 2),
        (errors.AccessDenied, 2),
        (errors.Stopped, 3),
        (errors.Interrupted, 130),
    ],
)
def test_the_kind_of_an_error_decides_the_exit_code(kind, code):
    assert kind("x").exit_code == code


def test_what_is_worth_another_try_is_a_failed_request():
    for kind in (errors.RateLimited, errors.ConnectionFailed):
        assert issubclass(kind, Transient)
    assert issubclass(Transient, errors.RequestFailed)
    assert not issubclass(errors.Blocked, Transient)
    assert not issubclass(errors.AccessDenied, errors.RequestFailed)
    assert not issubclass(errors.Stopped, errors.RequestFailed)


def test_an_unknown_name_suggests_the_closest_and_lists_the_rest():
    assert str(UnknownName("dataset", "Figstp", ["vlsbench", "figstep"])) == (
        "No dataset named 'Figstp'. Did you mean 'figstep'? Known: figstep, vlsbench."
    )


def test_an_unknown_name_that_is_close_to_nothing_only_lists():
    assert "Did you mean" not in str(UnknownName("dataset", "zzz", ["figstep"]))


def test_a_missing_extra_prints_the_install_line():
    assert str(MissingExtra("torch", "hf")) == f"This needs torch. Install it with: {how_to_install('hf')}"


def test_a_time_to_wait_travels_with_the_error():
    assert errors.RateLimited("slow down", retry_after=2.5).retry_after == 2.5
    assert errors.ConnectionFailed("gone").retry_after is None
