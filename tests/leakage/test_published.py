"""The paper's own audit, beside one's own."""

import pytest

from vlsbench.leakage.published import ROWS, row_of


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.dataset)
def test_the_published_shares_fit_together(row):
    assert row.r1 - row.r2 == pytest.approx(row.r1_minus_r2)
    assert row.source.endswith("Table 1")


def test_a_row_is_found_by_the_set_that_a_reference_names():
    assert row_of("figstep:/data").r1 == 0.548
    assert row_of("jailbreakv/mini:/data").what == "mini set, raw queries"
    assert row_of("jsonl:figstep.jsonl") is None
