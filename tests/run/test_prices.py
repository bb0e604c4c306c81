"""Files of prices, and what is said of those that cannot be used."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vlsbench.core.errors import UserError
from vlsbench.core.usage import Price
from vlsbench.run import prices

GOOD = """
currency = "USD"

["openai:gpt-4o"]
input = 2.50
output = 10
cached = 1.25

["anthropic:claude"]
input = 3
output = 15
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        (tmp_path / "prices.toml").write_text(text)
        return tmp_path / "prices.toml"

    return write


def test_a_table_for_each_model(file):
    found = prices.read(file(GOOD))
    assert found.of_target("openai:gpt-4o") == Price(input=2.5, output=10.0, cached=1.25, currency="USD")
    assert found.of_judge("anthropic:claude") == Price(input=3.0, output=15.0, currency="USD")


def test_a_model_that_is_not_there_is_told_with_those_that_are(file):
    found = prices.read(file(GOOD))
    said = prices.missing(found, "openai:gpt-4", "anthropic:claude")
    assert list(said) == ["openai:gpt-4"]
    assert "Did you mean 'openai:gpt-4o'?" in said["openai:gpt-4"]
    assert "Known: anthropic:claude, openai:gpt-4o." in said["openai:gpt-4"]
    assert prices.missing(found, "openai:gpt-4o", None) == {}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "name no model"),
        ('currency = "USD"', "name no model"),
        ("[[", "no TOML"),
        ("currency = 3\n" + GOOD.replace('currency = "USD"', ""), "currency should be a short text"),
        ('["openai:x"]\ninput = 1\n', "'output' is missing"),
        ('["openai:x"]\ninput = 1\noutput = "2"\n', "price of 0 or more, not '2'"),
        ('["openai:x"]\ninput = 1\noutput = nan\n', "price of 0 or more"),
        ('["openai:x"]\ninput = -1\noutput = 1\n', "price of 0 or more, not -1"),
        ('["openai:x"]\ninput = true\noutput = 1\n', "price of 0 or more, not True"),
        ('["openai:x"]\ninput = 1\noutput = 1\nimages = 1\n', "nothing is called 'images'"),
        ("[gpt-4o]\ninput = 1\noutput = 1\n", '["openai:gpt-4o"]'),
        ('["openai:x@http://host/v1"]\ninput = 1\noutput = 1\n', "leave out the address"),
        ('["openai:x"]\noutput = 1\ncached = 1\n', "'input' is missing"),
        ('["openai:x"]\ninput = 1\noutput = 1\ncached = 2\n', "cached should be no more than input"),
        ('["openai:x"]\ninput = 1\noutput = 1\nbatch = 50\n', "batch is the share"),
        ("[openai.gpt]\ninput = 1\noutput = 1\n", "models are tables called as in --model"),
    ],
)
def test_what_is_no_price_is_named(file, text, complaint):
    with pytest.raises(UserError) as told:
        prices.read(file(text))
    assert complaint in str(told.value)
    assert "prices.toml" in str(told.value)


def test_a_judge_that_grades_costs_what_its_model_does(file):
    found = prices.read(file(GOOD))
    assert found.of_judge("graded/3:openai:gpt-4o@https://host/v1") == found.of_judge("openai:gpt-4o")
    assert prices.missing(found, None, "graded:openai:gpt-4o", "guard:anthropic:claude") == {}


@pytest.mark.parametrize(
    ("price", "said"),
    [
        (Price(input=2.5e-6, output=1e-5), "looks like one of a token"),
        (Price(input=2.5e6, output=1e7), "unusual for a million tokens"),
        (Price(input=2.5, output=10), None),
        (Price(input=0, output=0), None),
        (Price(input=65_000, output=260_000, currency="VND"), None),
    ],
)
def test_a_price_of_another_unit_is_doubted(price, said):
    found = prices.doubts([price], from_file=False)
    assert found == [] if said is None else said in found[0]


def test_a_file_without_a_currency_is_told_so():
    price = Price(input=2.5, output=10)
    assert "name no currency" in prices.doubts([price], from_file=True)[0]
    assert prices.doubts([replace(price, currency="USD")], from_file=True) == []
    assert prices.doubts([price], from_file=False) == []
