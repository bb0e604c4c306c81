from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import json
import struct
import zlib
from pathlib import Path

import pytest

from builders import ListedDataset, lines, make_set, texts, tiny_png
from vlsbench import datasets
from vlsbench.core.errors import DatasetError, RunError
from vlsbench.core.types import Expect, Sample
from vlsbench.run.fingerprint import fingerprint
from vlsbench.run.preparation import Preparation
from vlsbench.store.identity import Identity
from vlsbench.store.run_folder import open_or_create

SAMPLE = Sample(
    id="a",
    text="What is this?",
    image="a.png",
    category="Garden",
    sub_category="Roses",
    source="camera",
    description="A rose.",
    safety_reason="None.",
    expect=Expect.HARMFUL,
    twin_of=None,
)


def digest(*samples, limit=None):
    return fingerprint(ListedDataset(list(samples)), limit).sha256


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "b"),
        ("text", "What is that?"),
        ("image", None),
        ("category", ""),
        ("sub_category", "Tulips"),
        ("source", "web"),
        ("description", ""),
        ("safety_reason", "x"),
        ("expect", Expect.BENIGN),
        ("twin_of", "b"),
    ],
)
def test_the_hash_covers_every_field_of_a_record(field, value):
    assert digest(dataclasses.replace(SAMPLE, **{field: value})) != digest(SAMPLE)


def test_the_hash_depends_on_order_and_selection_but_not_on_the_name():
    other = dataclasses.replace(SAMPLE, id="b")
    assert digest(SAMPLE, other) != digest(other, SAMPLE)
    assert digest(SAMPLE, other, limit=1) == digest(SAMPLE)
    assert fingerprint(ListedDataset([SAMPLE], name="elsewhere")).sha256 == digest(SAMPLE)


def test_half_surrogates_can_be_hashed():
    assert digest(dataclasses.replace(SAMPLE, text="\ud83d")) != digest(dataclasses.replace(SAMPLE, text="\ude00"))


def test_a_selection_is_counted():
    plain = Sample(id="b", text="?")
    found = fingerprint(ListedDataset([SAMPLE, plain]))
    assert (found.size, found.n_described) == (2, 1)


def test_an_id_that_occurs_twice_is_refused():
    with pytest.raises(DatasetError, match="The id 'a' occurs twice in listed"):
        digest(SAMPLE, SAMPLE)
    assert digest(SAMPLE, SAMPLE, limit=1)


def test_a_dataset_without_samples_is_refused():
    with pytest.raises(DatasetError, match="holds no samples"):
        digest()


def open_run(path, dataset):
    print_ = fingerprint(dataset)
    identity = Identity(
        model="m",
        dataset=dataset.name,
        dataset_hash=print_.sha256,
        max_tokens=1,
        temperature=0.0,
        system=None,
        seed=None,
        limit=None,
    )
    return open_or_create(path, identity, {"dataset_size": print_.size})


def prepare(path, dataset):
    """Prepare a run from its start to its end; what the flow would see of each sample."""
    run = open_run(path, dataset)
    source = Preparation(run, dataset)

    async def session():
        source.start()
        return [source.prepared(number, line) async for number, _, line in source.lines(())]

    try:
        return asyncio.run(session())
    finally:
        source.stop()
        run.unlock()


def test_samples_are_listed_with_all_that_later_commands_need(tmp_path):
    data = datasets.load(make_set(tmp_path / "data", 1))
    prepare(tmp_path / "run", data)
    (line,) = lines(tmp_path / "run" / "samples.jsonl")
    assert line == {
        "sample_id": "s0",
        "text": "Question 0: what is in the picture?",
        "image": str(tmp_path / "data" / "0.png"),
        "image_sha256": hashlib.sha256(tiny_png(0)).hexdigest(),
        "category": "Kitchen",
        "sub_category": "",
        "source": "",
        "description": "One colour.",
        "safety_reason": "",
        "expect": "harmful",
        "twin_of": None,
        "group": None,
    }


def test_a_second_session_lists_no_sample_again(tmp_path):
    data = datasets.load(make_set(tmp_path / "data", 5))
    prepare(tmp_path / "run", data)
    first = (tmp_path / "run" / "samples.jsonl").read_bytes()
    assert len(prepare(tmp_path / "run", data)) == 5
    assert (tmp_path / "run" / "samples.jsonl").read_bytes() == first


@pytest.mark.parametrize("kept", [0, 1, 150, 700, -1])
def test_a_list_torn_by_a_kill_is_completed(tmp_path, kept):
    data = datasets.load(make_set(tmp_path / "data", 5))
    prepare(tmp_path / "run", data)
    path = tmp_path / "run" / "samples.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:kept])
    assert [prepared.sample.id for prepared in prepare(tmp_path / "run", data)] == ["s0", "s1", "s2", "s3", "s4"]
    assert path.read_bytes() == whole


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


BOMB = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(bytes(1000)))
    + chunk(b"IEND", b"")
)


def spoil(path: Path, how: str) -> None:
    path.unlink()
    if how == "a folder":
        path.mkdir()
    elif how != "missing":
        path.write_bytes(
            {"empty": b"", "truncated": tiny_png(1)[:-8], "text": b"no picture", "a bomb": BOMB}[how],
        )


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ("missing", "no image file at"),
        ("empty", "is empty"),
        ("truncated", "cut off"),
        ("text", "not a PNG, JPEG, GIF, WebP or BMP image"),
        ("a bomb", "20000 x 20000 pixels"),
        ("a folder", "not a file"),
    ],
)
def test_a_bad_image_costs_only_its_sample_and_is_looked_at_again(tmp_path, how, problem):
    data = datasets.load(make_set(tmp_path / "data", 3))
    spoil(tmp_path / "data" / "1.png", how)
    first, bad, last = prepare(tmp_path / "run", data)
    assert problem in bad.problem
    assert bad.image is None
    assert first.image is not None
    assert last.image is not None
    assert lines(tmp_path / "run" / "samples.jsonl")[1]["image_sha256"] is None

    if how == "a folder":
        (tmp_path / "data" / "1.png").rmdir()
    (tmp_path / "data" / "1.png").write_bytes(tiny_png(1))
    mended = prepare(tmp_path / "run", data)
    assert [prepared.problem for prepared in mended] == ["", "", ""]
    assert mended[1].image.read() == tiny_png(1)
    assert [line["sample_id"] for line in lines(tmp_path / "run" / "samples.jsonl")] == ["s0", "s1", "s2"]


@pytest.mark.parametrize("reference", ["../secret.png", "{outside}", "link.png", "a/../../secret.png"])
def test_an_image_outside_the_dataset_folder_is_never_opened(tmp_path, reference):
    (tmp_path / "secret.png").write_bytes(tiny_png(9))
    ref = make_set(tmp_path / "data", 1, image=reference.format(outside=tmp_path / "secret.png"))
    (tmp_path / "data" / "link.png").symlink_to(tmp_path / "secret.png")
    (prepared,) = prepare(tmp_path / "run", datasets.load(ref))
    assert "outside the dataset folder" in prepared.problem or "leaves the dataset folder" in prepared.problem
    assert lines(tmp_path / "run" / "samples.jsonl")[0]["image_sha256"] is None


def test_an_image_inside_a_record_becomes_one_file_of_the_run(tmp_path):
    uri = "data:image/png;base64," + base64.b64encode(tiny_png(3)).decode()
    data = datasets.load(make_set(tmp_path / "data", 2, image=uri))
    found = prepare(tmp_path / "run", data)
    assert [prepared.image.read() for prepared in found] == [tiny_png(3)] * 2
    (kept,) = (tmp_path / "run" / "images").iterdir()
    assert kept.suffix == ".png"
    assert {line["image"] for line in lines(tmp_path / "run" / "samples.jsonl")} == {f"images/{kept.name}"}
    (tmp_path / "run").rename(tmp_path / "moved")
    assert prepare(tmp_path / "moved", data)[0].image.read() == tiny_png(3)


def test_an_image_changed_after_it_was_recorded_is_noticed(tmp_path):
    data = datasets.load(make_set(tmp_path / "data", 1))
    prepare(tmp_path / "run", data)
    (tmp_path / "data" / "0.png").write_bytes(tiny_png(200))
    (prepared,) = prepare(tmp_path / "run", data)
    with pytest.raises(Exception, match="changed after the run recorded it"):
        prepared.image.read()


def test_a_dataset_folder_that_moved_is_followed(tmp_path):
    prepare(tmp_path / "run", datasets.load(make_set(tmp_path / "data", 3)))
    (tmp_path / "data").rename(tmp_path / "moved")
    found = prepare(tmp_path / "run", datasets.load(f"jsonl:{tmp_path / 'moved' / 'set.jsonl'}"))
    assert [prepared.image.read() for prepared in found] == [tiny_png(n) for n in range(3)]
    assert lines(tmp_path / "run" / "samples.jsonl")[2]["image"] == str(tmp_path / "moved" / "2.png")


def test_samples_flow_while_later_ones_are_still_being_prepared(tmp_path):
    seen = []

    class Slow(ListedDataset):
        passes = 0

        def __iter__(self):
            self.passes += 1
            for number, sample in enumerate(self.samples):
                if self.passes > 1 and number == 1:
                    assert waiting.wait(20)
                yield sample

    import threading

    waiting = threading.Event()
    data = Slow(texts(3).samples)
    run = open_run(tmp_path / "run", data)
    source = Preparation(run, data)

    async def session():
        source.start()
        async for _, sample_id, _ in source.lines(()):
            seen.append(sample_id)
            waiting.set()

    asyncio.run(session())
    source.stop()
    run.unlock()
    assert seen == ["s0", "s1", "s2"]


def test_a_dataset_that_breaks_off_says_so_after_what_it_gave(tmp_path):
    class Breaking(ListedDataset):
        passes = 0

        def __iter__(self):
            self.passes += 1
            yield self.samples[0]
            if self.passes > 1:
                raise DatasetError("the rest is gone")
            yield from self.samples[1:]

    with pytest.raises(DatasetError, match="the rest is gone"):
        prepare(tmp_path / "run", Breaking(texts(3).samples))


def test_a_run_that_never_started_has_nothing_to_read(tmp_path):
    run = open_run(tmp_path / "run", texts(1))

    async def session():
        async for _ in Preparation(run, None).lines(()):
            pass

    with pytest.raises(RunError, match=r"no samples\.jsonl"):
        asyncio.run(session())
    run.unlock()


def test_a_list_damaged_in_the_middle_is_named_with_its_line(tmp_path):
    data = texts(3)
    prepare(tmp_path / "run", data)
    path = tmp_path / "run" / "samples.jsonl"
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(whole[0] + b'{"sample_id\n' + whole[2])
    with pytest.raises(RunError, match="damaged in line 2"):
        prepare(tmp_path / "run", data)


def test_lines_of_the_list_are_json_with_the_published_fields(tmp_path):
    prepare(tmp_path / "run", texts(1))
    (line,) = (tmp_path / "run" / "samples.jsonl").read_text().splitlines()
    assert list(json.loads(line)) == [
        "sample_id",
        "text",
        "image",
        "image_sha256",
        "category",
        "sub_category",
        "source",
        "description",
        "safety_reason",
        "expect",
        "twin_of",
        "group",
    ]
