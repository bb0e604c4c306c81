from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from builders import ListedDataset, make_set, texts, tiny_png
from vlsbench import datasets
from vlsbench.core.errors import DatasetError, RubricError, UnknownName, UserError
from vlsbench.core.types import Sample, Sees
from vlsbench.core.usage import Price
from vlsbench.run.estimate import VERDICT_TOKENS, Estimate, estimate, image_tokens
from vlsbench.run.flow import Generation
from vlsbench.run.plan import Evaluation

JUDGE = "openai:gpt-4o"

MILLIONS = Estimate(
    samples=1,
    answer_requests=1,
    judge_requests=1,
    image_bytes=0,
    image_problems=0,
    input_tokens=3_000_000,
    output_tokens=500_000,
)


def size_up(dataset, *, judge=JUDGE, sees=Sees.IMAGE, rubric=None, limit=None, system=None):
    asked = Evaluation(
        model=JUDGE,
        dataset=dataset,
        judge=judge,
        judge_sees=sees,
        rubric=rubric,
        limit=limit,
        generation=Generation(system=system),
    )
    return estimate(asked)


def test_every_sample_is_one_request_to_the_model_and_one_to_the_judge(tmp_path):
    data = datasets.load(make_set(tmp_path, 3))
    found = size_up(data)
    assert (found.samples, found.answer_requests, found.judge_requests, found.image_problems) == (3, 3, 3, 0)
    assert found.output_tokens == 3 * (128 + VERDICT_TOKENS)
    assert size_up(data, limit=2).answer_requests == 2


def test_the_keyword_baseline_asks_nobody(tmp_path):
    found = size_up(datasets.load(make_set(tmp_path, 3)), judge="refusal")
    assert (found.answer_requests, found.judge_requests) == (3, 0)
    assert found.output_tokens == 3 * 128


def test_images_are_sent_to_whoever_sees_them(tmp_path):
    data = datasets.load(make_set(tmp_path, 3))
    once = sum(len(tiny_png(number)) for number in range(3))
    assert size_up(data, judge="refusal").image_bytes == once
    assert size_up(data, sees=Sees.DESCRIPTION).image_bytes == once
    assert size_up(data, sees=Sees.IMAGE).image_bytes == 2 * once
    assert size_up(data, sees=Sees.BOTH).image_bytes == 2 * once


def test_what_more_is_told_costs_more_tokens(tmp_path):
    data = datasets.load(make_set(tmp_path, 3))
    plain = size_up(data).input_tokens
    assert size_up(data, system="x" * 400).input_tokens == plain + 3 * 100
    assert size_up(data, sees=Sees.BOTH).input_tokens > plain > size_up(data, sees=Sees.DESCRIPTION).input_tokens


def test_an_image_that_cannot_be_used_is_counted_and_not_asked_about(tmp_path):
    ref = make_set(tmp_path, 3)
    (tmp_path / "1.png").unlink()
    found = size_up(datasets.load(ref))
    assert (found.samples, found.answer_requests, found.image_problems) == (3, 2, 1)


def test_an_image_inside_its_record_counts_as_well():
    uri = "data:image/png;base64," + base64.b64encode(tiny_png()).decode()
    found = size_up(ListedDataset([Sample(id="a", text="?", image=uri)]), judge="refusal")
    assert found.image_bytes == len(tiny_png())


def test_samples_without_an_image_cost_only_text():
    found = size_up(texts(1), judge="refusal")
    assert found.image_bytes == 0
    assert found.input_tokens == 3  # "Question 0?": eleven characters


@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    [
        (1, 1, 255),
        (512, 512, 255),
        (1024, 1024, 765),
        (2048, 4096, 1105),
        (4000, 10, 85 + 170 * 4),
        (20_000, 20_000, 765),
    ],
)
def test_images_are_counted_by_the_published_rule(width, height, tokens):
    assert image_tokens(width, height) == tokens


def test_the_cost_is_that_of_tokens_at_prices_per_million():
    found = MILLIONS
    price = Price(input=2.5, output=10)
    assert found.cost is None
    assert found.priced(price, price).cost == 12.5


def test_the_model_and_the_judge_have_prices_of_their_own():
    found = replace(MILLIONS, judge_input_tokens=1_000_000, judge_output_tokens=400_000)
    target, judge = Price(input=1, output=10), Price(input=100, output=1000, currency="EUR")
    assert found.priced(target, judge).cost == 2 + 1 + 100 + 400
    assert found.priced(target, None).cost == 2 + 1
    assert found.priced(None, judge).currency == "EUR"


@pytest.mark.parametrize(
    ("options", "error"), [({"rubric": "no-such-rubric"}, UserError), ({"rubric": "/nowhere/r.md"}, RubricError)]
)
def test_a_rubric_that_cannot_be_used_is_named(options, error):
    with pytest.raises(error):
        size_up(texts(1), **options)


def test_a_set_without_samples_is_named():
    with pytest.raises(DatasetError, match="holds no samples"):
        size_up(texts(0))


def test_a_judge_is_not_asked_about_a_sample_without_the_description_it_would_see():
    dataset = texts(3)
    dataset.samples[1] = replace(dataset.samples[1], description="A table.")
    found = size_up(dataset, sees=Sees.DESCRIPTION)
    assert (found.answer_requests, found.judge_requests) == (3, 1)


def test_an_unknown_dataset_is_named():
    with pytest.raises(UnknownName):
        datasets.load("figstp")


def test_the_estimate_reads_a_real_layout(make_vlsbench):
    found = size_up(datasets.load(f"vlsbench:{make_vlsbench()}"))
    assert json.dumps([found.samples, found.image_problems]) == "[3, 0]"
