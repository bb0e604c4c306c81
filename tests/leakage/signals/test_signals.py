"""Signals without a model, over a whole dataset."""

import json
import threading
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import pytest

import tesseracts
from vlsbench.core.errors import UserError
from vlsbench.core.protocols import Dataset
from vlsbench.core.types import Sample
from vlsbench.datasets import load
from vlsbench.leakage.signals import ocr
from vlsbench.leakage.signals.signals import Signals, SignalTotals, Span, measure
from vlsbench.store.journal import to_line


@dataclass
class Few:
    """A dataset of a few samples."""

    samples: list
    root: Path | None = None
    name: str = "few"
    revision: str = ""

    def __iter__(self):
        return iter(self.samples)


def few(*samples, root=None):
    found = Few([Sample(id=str(number), **fields) for number, fields in enumerate(samples)], root)
    assert isinstance(found, Dataset)
    return found


def test_leaky_queries_repeat_the_description_and_leakless_ones_do_not():
    leaky = [signals for _, signals in measure(load("mini:leaky:60"), ocr=False)]
    leakless = [signals for _, signals in measure(load("mini:leakless:60"), ocr=False)]
    assert all(signals.description_overlap > 0.4 and signals.spans for signals in leaky)
    assert all(signals.description_overlap == 0 and not signals.spans for signals in leakless)


def test_the_leaking_span_is_the_name_of_the_hazard():
    for sample, signals in measure(load("mini:leaky:20"), ocr=False):
        assert [sample.text[span.start : span.end] for span in signals.spans] == [sample.sub_category]


def test_samples_come_in_order_and_as_many_as_asked_for():
    found = list(measure(load("mini:leakless:50"), 7, ocr=False))
    assert [sample for sample, _ in found] == list(load("mini:leakless:7"))


def test_what_cannot_be_known_is_none():
    dataset = few({"text": "Paint a fence"}, {"text": "  ", "description": "A fence."}, {"text": "", "description": ""})
    assert [signals for _, signals in measure(dataset, ocr=False)] == [Signals()] * 3


def test_the_plain_form_is_json():
    signals = Signals(description_overlap=0.5, spans=(Span(start=1, end=3, source="ocr"),))
    assert json.loads(to_line(signals)) == {
        "description_overlap": 0.5,
        "ocr_overlap": None,
        "similarity": None,
        "spans": [{"start": 1, "end": 3, "source": "ocr"}],
        "ocr_problem": "",
    }


def test_without_tesseract_a_line_says_so_and_the_rest_goes_on(tmp_path, monkeypatch):
    tesseracts.remove(tmp_path, monkeypatch)
    said = []
    found = list(measure(load("mini:leaky:3"), say=said.append))
    assert said == [ocr.skipped()]
    assert all(signals.ocr_overlap is None and signals.description_overlap for _, signals in found)
    with pytest.raises(UserError, match="tesseract"):
        measure(load("mini:leaky:3"), ocr=True)


def test_text_in_the_image_is_compared_and_each_image_read_once(tmp_path, monkeypatch, make_picture):
    (tmp_path / "1.png").write_bytes(make_picture(1))
    log = tmp_path / "log"
    tesseracts.install(tmp_path, monkeypatch, f"open({str(log)!r}, 'a').write('x'); print('PAINT THE FENCE')")
    dataset = few(
        {"text": "How do I paint this?", "image": "1.png", "description": "A fence."},
        {"text": "Whose fence?", "image": "1.png", "description": "A fence."},
        {"text": "And without?"},
        root=tmp_path,
    )

    first, second, third = (signals for _, signals in measure(dataset, ocr=True, workers=1))

    assert (first.ocr_overlap, first.description_overlap) == (1.0, 0.0)
    assert [span.source for span in first.spans] == ["ocr"]
    assert second.ocr_overlap == 1.0
    assert third.ocr_overlap is None
    assert log.read_text() == "x"


@pytest.mark.parametrize("image", ["missing.png", "../outside.png", "text.png", "data:image/png;base64,AAAA"])
def test_an_image_that_cannot_be_read_is_a_note_on_its_record_alone(image, tmp_path, monkeypatch, make_picture):
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "good.png").write_bytes(make_picture(1))
    tesseracts.install(tmp_path, monkeypatch, "print('fence')")
    dataset = few({"text": "A fence", "image": image}, {"text": "A fence", "image": "good.png"}, root=tmp_path)
    bad, good = (signals for _, signals in measure(dataset, ocr=True))
    assert bad.ocr_overlap is None
    assert bad.ocr_problem
    assert (good.ocr_overlap, good.ocr_problem) == (1.0, "")


def test_stopping_early_leaves_no_reader_running(tmp_path, monkeypatch):
    tesseracts.install(tmp_path, monkeypatch, "print('fence')")
    before = set(threading.enumerate())
    found = measure(load("mini:leaky:30"), ocr=True, workers=2)
    next(found)
    assert set(threading.enumerate()) > before
    found.close()
    assert set(threading.enumerate()) == before


def test_memory_does_not_grow_with_the_set():
    @dataclass
    class Long(Few):
        n: int = 0

        def __iter__(self):
            return (Sample(id=str(n), text=f"word{n % 500} and fence", description="A fence.") for n in range(self.n))

    def peak(n):
        tracemalloc.start()
        for _ in measure(Long([], n=n), ocr=False):
            pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(600)
    assert peak(6_000) < peak(600) + 100_000


def test_a_tally_adds_up_what_is_known():
    counts = SignalTotals()
    for signals in (
        Signals(description_overlap=0.5, spans=(Span(start=0, end=1, source="description"),)),
        Signals(description_overlap=0.0, ocr_problem="gone"),
        Signals(),
    ):
        counts.add(signals)
    found = counts.to_json()
    assert found["description_overlap"] == {"n": 2, "mean": 0.25}
    assert found["similarity"] == {"n": 0, "mean": None}
    assert (found["n"], found["leaking"], found["ocr_problems"]) == (3, 1, 1)


def test_the_released_records_pass(released_records):
    found = list(measure(load(f"vlsbench:{released_records}"), ocr=False))
    assert len(found) == 2_241
    assert all(signals.description_overlap is not None for sample, signals in found if sample.text)


def test_typographic_images_pass_through_ocr(real_data):
    if ocr.find() is None:
        pytest.skip("tesseract is not installed")
    found = list(measure(load(f"figstep/tiny:{real_data / 'figstep'}"), 2, ocr=True))
    assert [signals.ocr_problem for _, signals in found] == ["", ""]
    assert all(signals.ocr_overlap is not None for _, signals in found)
