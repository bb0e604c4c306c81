"""Whether harmful and benign records can be told apart by their text alone."""

import json
import sys
import weakref
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from vlsbench.core.errors import MissingExtra
from vlsbench.core.types import Expect, Sample
from vlsbench.datasets import load
from vlsbench.leakage.baseline import classifier
from vlsbench.leakage.baseline.grouping import grouped, split
from vlsbench.leakage.baseline.partial_input import Refused, baseline


@dataclass
class Few:
    """A dataset of a few samples."""

    samples: list
    root: Path | None = None
    name: str = "few"
    revision: str = ""

    def __iter__(self):
        return iter(self.samples)


def pairs(n, harmful, benign, **fields):
    """`n` records of either kind, with texts made by the two functions."""
    found = []
    for number in range(n):
        found.append(Sample(id=f"h{number}", text=harmful(number), **fields))
        found.append(Sample(id=f"b{number}", text=benign(number), expect=Expect.BENIGN, **fields))
    return Few(found)


def test_twins_with_one_text_are_at_chance_and_their_descriptions_tell_all():
    found = baseline(load("mini:twins:200"))
    assert found.text.auc.value == 0.5
    assert found.description.auc.value > 0.95
    assert (found.n_harmful, found.n_benign, found.refused) == (100, 100, None)


def test_leaky_texts_tell_harmful_from_benign_and_the_hazards_are_the_strongest_words():
    found = baseline(load("mini:leaky-twins:200"))
    assert found.text.auc.value > 0.95
    assert {"zorb", "vexil", "kroon"} <= {word.word for word in found.text.harmful_words}
    assert all(word.weight > 0 for word in found.text.harmful_words)
    assert all(word.weight < 0 for word in found.text.benign_words)


def test_a_habit_of_writing_is_found_without_any_word_of_content():
    found = baseline(
        pairs(60, lambda n: f"How would one use item{n % 7} x{n}?", lambda n: f"What is item{n % 7} y{n}?")
    )
    assert found.text.auc.value > 0.95
    assert "how" in {word.word for word in found.text.harmful_words}


def test_texts_drawn_alike_are_about_chance():
    rng = Random(1)

    def text(number):
        return " ".join(f"w{rng.randrange(40)}" for _ in range(8))

    found = baseline(pairs(250, text, text))
    assert found.text.auc.low < 0.5 < found.text.auc.high


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        ("mini:leaky:30", Refused.NO_BENIGN),
        ("mini:benign:30", Refused.NO_HARMFUL),
        ("mini:twins:6", Refused.TOO_FEW),
    ],
)
def test_a_set_that_allows_no_baseline_is_refused_with_its_reason(ref, reason):
    found = baseline(load(ref))
    assert found.refused is reason
    assert found.text.auc is None
    assert found.to_json()["refused"] == {"reason": reason.value, "sentence": reason.sentence}


def test_counterparts_that_are_not_known_as_twins_push_the_area_below_chance():
    # Each odd word comes twice, in a record of either kind: one of them teaches the wrong lesson about the other.
    found = baseline(pairs(60, lambda n: f"paint fence{n} at noon x{n}", lambda n: f"paint fence{n} at noon y{n}"))
    assert found.text.auc.high < 0.5


def test_a_set_with_one_fixed_query_is_refused():
    assert baseline(pairs(20, lambda n: "What is this?", lambda n: "what  is this?")).refused is Refused.ONE_GROUP


def test_no_descriptions_refuse_that_part_alone():
    found = baseline(pairs(20, lambda n: f"paint fence {n}", lambda n: f"bake bread {n}"))
    assert found.text.auc.value > 0.9
    assert found.description.refused is Refused.NO_DESCRIPTIONS


def test_texts_without_words_are_refused():
    found = baseline(pairs(20, lambda n: "!" * (n + 1), lambda n: "?" * (n + 1)))
    assert found.text.refused is Refused.NO_WORDS


def test_an_empty_set_is_refused():
    assert baseline(Few([])).refused is Refused.NO_HARMFUL


def test_records_are_grouped_by_query_image_and_twin_directly_or_by_others():
    samples = [
        Sample(id="1", text="Paint it", image="a.png"),
        Sample(id="2", text="paint  IT", image="b.png"),
        Sample(id="3", text="Bake it", image="./b.png"),
        Sample(id="4", text="Fold it", twin_of="3"),
        Sample(id="5", text="Cut it", image="c.png", image_sha256="AB"),
        Sample(id="6", text="Glue it", image="d.png", image_sha256="ab"),
        Sample(id="7", text="", image=None),
        Sample(id="8", text="", image=None),
    ]
    assert grouped(samples).of == (0, 0, 0, 0, 1, 1, 2, 3)


def test_a_declared_group_stays_together():
    samples = [Sample(id="1", text="Paint it", group="q7"), Sample(id="2", text="Bake bread", group="q7")]
    assert grouped(samples).of == (0, 0)


def random_text(rng):
    return " ".join(f"w{rng.choice('abcdefghijkl')}{rng.choice('abcdefghijklmnopqrstuvwxy')}" for _ in range(8))


def with_near_copies(rng, n):
    """`n` random texts of either kind, each with a copy that differs in case, punctuation and a word more."""
    found = []
    for number in range(2 * n):
        kind = Expect.HARMFUL if number < n else Expect.BENIGN
        text = random_text(rng)
        changed = rng.choice((text.upper(), f"{text}?!", f"{text} please", f"now {text}", text.replace(" ", ", ")))
        found += [Sample(id=f"{number}-{copy}", text=one, expect=kind) for copy, one in enumerate((text, changed))]
    rng.shuffle(found)
    return Few(found)


def test_near_copies_of_random_texts_are_no_leak_and_the_interval_holds_one_half():
    rng = Random(5)
    found = [baseline(with_near_copies(rng, 40)) for _ in range(40)]
    assert all(one.near_copies == 160 for one in found)
    assert all(one.groups == 80 for one in found)
    assert sum(one.text.auc.low <= 0.5 <= one.text.auc.high for one in found) >= 36
    assert abs(sum(one.text.auc.value for one in found) / 40 - 0.5) < 0.03


def leaky_texts(rng, n):
    """Random texts of either kind; a word that only harmful ones have stands in half of those."""
    found = []
    for number in range(2 * n):
        harmful = number < n
        text = random_text(rng) + (" zorb" if harmful and rng.random() < 0.5 else "")
        found.append(Sample(id=str(number), text=text, expect=Expect.HARMFUL if harmful else Expect.BENIGN))
    return Few(found)


def test_the_interval_holds_an_area_that_is_not_one_half():
    rng = Random(6)
    found = [baseline(leaky_texts(rng, 60)).text.auc for _ in range(40)]
    mean = sum(one.value for one in found) / 40
    assert 0.6 < mean < 0.9
    assert sum(one.low <= mean <= one.high for one in found) >= 36


def test_a_word_exchanged_is_no_near_copy_so_that_what_it_tells_is_found():
    found = baseline(load("mini:leaky-twins:200"))
    assert (found.near_copies, found.shared_texts) == (0, 0)
    assert not found.caveats


def test_twins_that_share_their_text_are_recognised_and_said():
    found = baseline(load("mini:twins:200"))
    assert found.shared_texts == 100
    assert "by construction" in found.caveats[0]
    assert "--reference" in found.caveats[0]
    assert found.to_json()["caveats"] == list(found.caveats)


def test_a_reference_shows_what_twins_that_share_their_text_hide():
    rng = Random(7)
    twins = []
    for number in range(60):
        text = f"{random_text(rng)} zorb"
        twins.append(Sample(id=f"h{number}", text=text))
        twins.append(Sample(id=f"b{number}", text=text, expect=Expect.BENIGN, twin_of=f"h{number}"))
    own = Few(twins)
    # Ids that the first set has too must not join records of the two sets.
    others = [Sample(id=f"h{number}", text=random_text(rng), expect=Expect.BENIGN) for number in range(60)]
    reference = Few([*others, Sample(id="bad", text="zorb", expect=Expect.HARMFUL)], name="other")
    assert baseline(own).text.auc.value == 0.5
    found = baseline(own, reference=reference)
    assert found.text.auc.low > 0.75
    assert (found.n_harmful, found.n_benign, found.shared_texts) == (60, 60, 0)
    assert found.reference == "other"
    assert "style" in found.caveats[0]


def test_a_reference_without_benign_records_is_refused():
    assert baseline(load("mini:leaky:30"), reference=load("mini:leakless:30")).refused is Refused.NO_BENIGN


def test_folds_keep_groups_whole_and_share_both_kinds_evenly():
    groups = [number // 2 for number in range(1_000)]
    harmful = [number % 3 == 0 for number in range(1_000)]
    fold = split(groups, harmful, 5)
    assert all(fold[n] == fold[n + 1] for n in range(0, 1_000, 2))
    for number in range(5):
        rows = [row for row in range(1_000) if fold[row] == number]
        assert abs(len(rows) - 200) <= 4
        assert abs(sum(harmful[row] for row in rows) - 67) <= 3
    assert split(groups, harmful, 5) == fold != split(groups, harmful, 5, seed=1)


def test_counting_terms_is_what_scikit_learn_does():
    from sklearn.feature_extraction.text import CountVectorizer

    texts = [sample.description for sample in load("mini:twins:40")] + ["", "once only"]
    counts, names = classifier.counted(texts)
    other = CountVectorizer(analyzer=classifier.terms, min_df=2)
    expected = other.fit_transform(texts).toarray()
    order = [names.index(name) for name in other.get_feature_names_out()]
    assert (counts.toarray()[:, order] == expected).all()
    assert counts.shape == expected.shape


def test_the_result_is_the_same_every_time_and_plain_json():
    first, second = (baseline(load("mini:leaky-twins:60")).to_json() for _ in range(2))
    assert first == second
    assert set(json.loads(json.dumps(first))["text"]) == {"auc", "harmful_words", "benign_words", "refused"}


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtra, match=r"pip install '\S*\[audit\]'"):
        baseline(load("mini:twins:40"))


def test_fewer_than_two_folds_are_no_cross_validation():
    with pytest.raises(ValueError, match="2 folds"):
        baseline(load("mini:twins:40"), folds=1)


def test_a_set_without_benign_records_is_not_held_in_memory():
    alive = weakref.WeakSet()
    most = 0

    class Many:
        root, name, revision = None, "many", ""

        def __iter__(self):
            nonlocal most
            for number in range(1_000):
                text = Text(f"query {number}")
                alive.add(text)
                yield Sample(id=str(number), text=text)
                del text
                most = max(most, len(alive))

    class Text(str):
        """A text that can be watched."""

    assert baseline(Many()).refused is Refused.NO_BENIGN
    assert most < 10
