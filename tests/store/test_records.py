"""Records on disk: what goes in comes out, and the names are those that others' scripts read."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlsbench.core.types import Expect, Response, ResponseOutcome, Sample, Verdict, VerdictOutcome
from vlsbench.store import records

TEXT = st.text(max_size=30)
MAYBE = st.none() | TEXT
COUNT = st.none() | st.integers(0, 2**53)
SECONDS = st.floats(0, 1e6)

SAMPLES = st.builds(
    Sample,
    id=TEXT,
    text=TEXT,
    image=MAYBE,
    image_sha256=MAYBE,
    category=TEXT,
    sub_category=TEXT,
    source=TEXT,
    description=TEXT,
    safety_reason=TEXT,
    expect=st.sampled_from(Expect),
    twin_of=MAYBE,
)
RESPONSES = st.builds(
    Response,
    sample_id=TEXT,
    outcome=st.sampled_from(ResponseOutcome),
    text=TEXT,
    error=TEXT,
    finish_reason=MAYBE,
    prompt_tokens=COUNT,
    completion_tokens=COUNT,
    latency_s=SECONDS,
)
VERDICTS = st.builds(
    Verdict,
    sample_id=TEXT,
    outcome=st.sampled_from(VerdictOutcome),
    label=MAYBE,
    reason=TEXT,
    judge_model=TEXT,
    latency_s=SECONDS,
)


def through_json(record):
    return orjson.loads(orjson.dumps(record))


@settings(max_examples=60)
@given(SAMPLES)
def test_a_sample_comes_back_as_it_was(sample):
    assert records.to_sample(through_json(records.from_sample(sample))) == sample


@settings(max_examples=60)
@given(RESPONSES)
def test_a_response_comes_back_as_it_was(response):
    assert records.to_response(through_json(records.from_response(response))) == response


@settings(max_examples=60)
@given(VERDICTS)
def test_a_verdict_comes_back_as_it_was(verdict):
    assert records.to_verdict(through_json(records.from_verdict(verdict))) == verdict


def test_the_names_of_the_fields_are_fixed():
    sample = records.from_sample(Sample(id="a", text="q"))
    response = records.from_response(Response(sample_id="a", outcome=ResponseOutcome.OK))
    verdict = records.from_verdict(Verdict(sample_id="a", outcome=VerdictOutcome.SCORED))

    assert " ".join(sample) == (
        "sample_id text image image_sha256 category sub_category source description safety_reason expect twin_of group"
    )
    assert " ".join(response) == (
        "sample_id outcome text error finish_reason prompt_tokens completion_tokens latency_s"
    )
    assert " ".join(verdict) == "sample_id outcome label reason judge_model latency_s"


def test_the_outcomes_and_labels_on_disk_are_fixed():
    assert [outcome.value for outcome in ResponseOutcome] == ["ok", "truncated", "empty", "blocked", "error"]
    assert [outcome.value for outcome in VerdictOutcome] == [
        "scored",
        "judge_refused",
        "unparsable",
        "judge_error",
        "no_response",
    ]
    assert [outcome.value for outcome in ResponseOutcome if outcome.is_answer] == ["ok", "truncated"]


def test_what_is_missing_or_unknown_does_not_hinder_reading():
    sample = records.to_sample({"sample_id": "a", "text": "q", "new_field": 1, "category": None})
    assert sample == Sample(id="a", text="q")
    assert records.to_response({"sample_id": "a", "outcome": "ok"}).text == ""
    assert records.to_verdict({"sample_id": "a", "outcome": "scored", "label": "unsafe"}).label == "unsafe"


@pytest.mark.parametrize("record", [{"text": "q"}, {"sample_id": "a"}])
def test_a_sample_needs_an_id_and_a_text(record):
    with pytest.raises(KeyError):
        records.to_sample(record)


@pytest.mark.parametrize("field", ["text", "category", "twin_of", "expect"])
def test_a_field_of_a_sample_is_a_text(field):
    with pytest.raises(TypeError, match=field):
        records.to_sample({"sample_id": "a", "text": "q", field: [1]})


def test_unknown_values_are_refused():
    with pytest.raises(ValueError, match="odd"):
        records.to_sample({"sample_id": "a", "text": "q", "expect": "odd"})
    with pytest.raises(ValueError, match="odd"):
        records.to_response({"sample_id": "a", "outcome": "odd"})
    with pytest.raises(ValueError, match="odd"):
        records.to_verdict({"sample_id": "a", "outcome": "odd"})
