"""Chat templates that ask for more than any real one needs are found before they are run here."""

from __future__ import annotations

import pytest

from vlsbench.models.local import template_trial
from vlsbench.models.local.processors import PLAIN_TEMPLATE
from vlsbench.models.local.template_trial import TemplateTooHungry, try_out


@pytest.mark.parametrize(
    "template",
    [
        PLAIN_TEMPLATE,
        "{{ raise_exception('no') }}",
        "{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}{{ m | tojson }}{% endfor %}",
        "{% this is no template",
    ],
)
def test_a_template_within_its_limits_is_none_of_its_business(template: str) -> None:
    try_out(template)


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'x' * 4000000000 }}",
        "{{ 'x' | center(4000000000) }}",
        "{% set n = namespace(x='x') %}{% for _ in range(40) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}",
    ],
)
def test_a_template_that_allocates_without_limit_is_found(template: str) -> None:
    with pytest.raises(TemplateTooHungry, match="memory"):
        try_out(template)


def test_a_template_that_does_not_end_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_trial, "MOST_S", 1)
    endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    with pytest.raises(TemplateTooHungry, match="does not end"):
        try_out(endless)
