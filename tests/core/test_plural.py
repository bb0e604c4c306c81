import pytest

from vlsbench.core.plural import counted, noun


@pytest.mark.parametrize(
    ("number", "one", "shown"),
    [
        (0, "sample", "0 samples"),
        (1, "sample", "1 sample"),
        (2241, "sample", "2,241 samples"),
        (1, "stratum", "1 stratum"),
        (2, "stratum", "2 strata"),
    ],
)
def test_a_number_has_the_noun_that_belongs_to_it(number, one, shown):
    assert counted(number, one) == shown


def test_a_verb_follows_its_number():
    assert (noun(1, "is"), noun(2, "is"), noun(1, "has"), noun(0, "has")) == ("is", "are", "has", "have")
