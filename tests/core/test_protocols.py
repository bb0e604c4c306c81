"""What a custom object is told that does not fit."""

from __future__ import annotations

import pytest

from vlsbench.core.errors import RequestFailed, UserError
from vlsbench.core.protocols import Closing, Dataset, Judge, Model, require, returned
from vlsbench.core.types import Reply


class Half:
    """A judge in the making, and a model whose `generate` is no method."""

    name = "half"
    settings = "none"
    generate = "later"


def test_the_message_names_all_that_is_missing_and_nothing_else() -> None:
    with pytest.raises(UserError, match=r"The judge is .* of type Half lacks `labels`, `judge\(\)`\."):
        require(Half(), Judge, "judge")


def test_a_dataset_has_to_be_iterable() -> None:
    with pytest.raises(UserError, match="lacks `root`, `revision`, `__iter__`"):
        require(Half(), Dataset, "dataset")


def test_a_method_has_to_be_callable() -> None:
    with pytest.raises(UserError, match=r"lacks `generate\(\)`"):
        require(Half(), Model, "model")


def test_a_class_is_no_object_of_it() -> None:
    with pytest.raises(UserError, match=r"The model is the class Half; pass an object of it: Half\(\.\.\.\)"):
        require(Half, Model, "model")


def test_what_fits_passes_and_need_not_have_what_is_optional() -> None:
    class Echo:
        name = "echo"

        async def generate(self, prompt: object) -> None:
            """Answer."""

    require(Echo(), Model, "model")
    assert not isinstance(Echo(), Closing)


def test_what_an_object_gives_back_is_checked() -> None:
    assert returned(3, int, "counter") == 3
    with pytest.raises(RequestFailed, match="the model gave back, instead of a Reply, something of type str"):
        returned("Yes.", Reply, "model")
