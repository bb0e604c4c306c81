from __future__ import annotations

import pytest

from vlsbench.core.types import Verdict, VerdictOutcome
from vlsbench.core.usage import Price, Prices, Usage

PRICE = Price(input=2.0, output=10.0)


def recorded(*records):
    usage = Usage()
    for requests, retried, prompt, completion, cached, replied in records:
        usage.record(requests, retried, prompt, completion, cached, replied=replied)
    return usage


def test_tokens_that_no_server_told_are_unknown_and_not_0():
    usage = recorded((1, 0, None, None, None, True))
    assert (usage.prompt_tokens, usage.uncounted) == (None, 1)
    told = usage.to_json()
    assert (told["prompt"], told["completion"], told["cached"]) == (None, None, None)


def test_where_nobody_was_asked_nothing_was_taken():
    assert recorded((0, 0, None, None, None, True)) == Usage()
    assert Usage().to_json()["prompt"] == 0


def test_a_request_that_failed_for_good_took_no_tokens():
    usage = recorded((6, 5, None, None, None, False), (1, 0, 10, 2, None, True))
    assert (usage.requests, usage.retried, usage.uncounted) == (7, 5, 0)
    assert (usage.prompt_tokens, usage.completion_tokens) == (10, 2)


def test_cached_tokens_have_their_own_price():
    usage = recorded((1, 0, 1_000_000, 100_000, 400_000, True))
    assert PRICE.of(usage) == pytest.approx(2.0 + 1.0)
    assert Price(input=2.0, output=10.0, cached=0.5).of(usage) == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 1.0)


def test_a_server_that_claims_more_cached_than_there_was_makes_nothing_cheaper_than_free():
    usage = recorded((1, 0, 100, 0, 10**9, True))
    assert Price(input=1.0, output=0.0, cached=0.0).of(usage) == 0.0


def test_a_verdict_is_counted_as_it_says():
    verdict = Verdict(
        sample_id="a", outcome=VerdictOutcome.SCORED, requests=2, retried=1, prompt_tokens=5, completion_tokens=1
    )
    usage = Usage()
    usage.count(verdict)
    assert usage == Usage(records=1, requests=2, retried=1, prompt_tokens=5, completion_tokens=1)


def test_a_model_costs_the_same_wherever_it_is_asked_for():
    listed = Prices(models={"openai:m": PRICE})
    assert listed.of_target("openai:m@http://any:1/v1") is PRICE
    assert listed.of_judge("guard:openai:m") is PRICE
    assert listed.of_target("openai:n@http://any:1/v1") is None
    named = Price(input=1, output=1)
    assert Prices(models={"openai:m": PRICE}, target=named).of_target("openai:m") is named


def test_what_comes_by_batches_costs_half_or_the_share_that_was_named():
    usage = Usage()
    usage.record(1, 0, 1_000_000, 0, None, replied=True, batched=True)
    usage.record(1, 0, 1_000_000, 0, 500_000, replied=True)
    total = Usage()
    total.add(usage)
    assert PRICE.of(total) == pytest.approx(1.0 + 2.0)
    assert Price(input=2.0, output=10.0, cached=0.0, batch=0.25).of(total) == pytest.approx(0.5 + 1.0)
    assert total.to_json()["batched"] == 1
