from pathlib import Path

from vlsbench.datasets import CATALOG
from vlsbench.datasets.overview import HEADS, lines, markdown

PAGE = Path(__file__).parents[2] / "docs" / "datasets.md"
BEGIN, END = "<!-- catalogue: made by vlsbench.datasets.overview -->\n", "\n<!-- end of the catalogue -->"


def test_the_table_has_every_dataset():
    assert [line.name for line in lines()] == list(CATALOG)
    assert all(len(line.cells) == len(HEADS) and all(line.cells) for line in lines())


def test_the_table_of_the_documentation_is_current():
    text = PAGE.read_text(encoding="utf-8")
    shown = text.partition(BEGIN)[2].partition(END)[0]
    assert shown == markdown(), f"put into {PAGE.name} what vlsbench.datasets.overview.markdown() gives"


def test_every_dataset_has_a_section_of_the_documentation_or_shares_one():
    text = PAGE.read_text(encoding="utf-8")
    missing = [name for name in CATALOG if f"`{name}:" not in text and f"`{name}/" not in text]
    assert missing == []
