"""Records on disk: what goes in comes out, and the names are those that others' scripts read."""

import tempfile
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlsbench.core.types import Expect, Response, ResponseOutcome, Sample, Verdict, VerdictOutcome
from vlsbench.store import journal, records

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


def through_a_file(record):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j.jsonl"
        path.write_bytes(journal.to_line(record))
        (found,) = journal.read(path, type(record))
        return found


@settings(max_examples=60)
@given(SAMPLES)
def test_a_sample_comes_back_as_it_was(sample):
    assert records.to_sample(journal.to_line(records.from_sample(sample))) == sample


@settings(max_examples=60)
@given(RESPONSES | VERDICTS)
def test_a_response_or_verdict_comes_back_as_it_was(record):
    assert through_a_file(record) == record


def test_the_names_of_the_fields_are_fixed():
    sample = records.from_sample(Sample(id="a", text="q"))
    response = records.from_response(Response(sample_id="a", outcome=ResponseOutcome.OK))
    answer = Response(sample_id="a", outcome=ResponseOutcome.OK)
    verdict = records.from_verdict(Verdict(sample_id="a", outcome=VerdictOutcome.SCORED), answer)

    assert " ".join(sample) == (
        "sample_id text image image_sha256 category sub_category source description safety_reason expect twin_of group"
    )
    assert " ".join(response) == (
        "sample_id outcome text error finish_reason prompt_tokens completion_tokens latency_s answer_sha256"
    )
    assert " ".join(verdict) == "sample_id outcome label reason judge_model latency_s answer_sha256"


def test_the_outcomes_and_labels_on_disk_are_fixed():
    assert [outcome.value for outcome in ResponseOutcome] == ["ok", "truncated", "empty", "blocked", "error"]
    assert [outcome.value for outcome in VerdictOutcome] == [
        "scored",
        "judge_refused",
        "unparsable",
        "unintelligible",
        "judge_error",
        "no_response",
    ]
    assert [outcome.value for outcome in ResponseOutcome if outcome.is_answer] == ["ok", "truncated"]
    assert not Response(sample_id="a", outcome=ResponseOutcome.TRUNCATED, text="\u200b\n").is_answer


def to_sample(**fields):
    return records.to_sample(orjson.dumps(fields))


def test_what_is_missing_or_unknown_does_not_hinder_reading(tmp_path):
    assert to_sample(sample_id="a", text="q", new_field=1) == Sample(id="a", text="q")
    path = tmp_path / "j.jsonl"
    path.write_bytes(b'{"sample_id":"a","outcome":"ok","mood":1}\n')
    assert list(journal.read(path, Response)) == [Response(sample_id="a", outcome=ResponseOutcome.OK)]


@pytest.mark.parametrize(("record", "missing"), [({"text": "q"}, "sample_id"), ({"sample_id": "a"}, "text")])
def test_a_sample_needs_an_id_and_a_text(record, missing):
    with pytest.raises(ValueError, match=missing):
        to_sample(**record)


@pytest.mark.parametrize("field", ["text", "category", "twin_of", "expect"])
def test_a_field_of_a_sample_is_a_text(field):
    with pytest.raises(ValueError, match=rf"\$\.{field}"):
        to_sample(**{"sample_id": "a", "text": "q", field: [1]})


def test_an_unknown_kind_of_sample_is_refused():
    with pytest.raises(ValueError, match="odd"):
        to_sample(sample_id="a", text="q", expect="odd")


def test_damaged_lines_among_samples_are_passed_over(tmp_path):
    path = tmp_path / "samples.jsonl"
    path.write_bytes(b'{"sample_id":"a","text":"q"}\n{"sample_id":5,"text":"q"}\n\x00\n{"sample_id":"b","text":"q"}\n')
    assert [sample.id for sample in records.samples(path)] == ["a", "b"]
