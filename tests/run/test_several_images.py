"""Samples with several images: through the run folder, the prompt, a continued run, and everything that shows them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

import vlsbench
from builders import ListedDataset, TalkingModel, lines, responses, tiny_png
from builders import vlsbench as command
from loopback import Answer, Asked, serve
from pictures import encoded, noise
from vlsbench.ablation import conditions
from vlsbench.calibration.cards import thumbnail
from vlsbench.core.images import ImageFile
from vlsbench.core.pictures import Images, every, together
from vlsbench.core.types import Prompt, Sample
from vlsbench.datasets import load
from vlsbench.datasets.check import check
from vlsbench.models.api.openai import OpenAIModel
from vlsbench.run.estimate import estimate
from vlsbench.run.fingerprint import fingerprint
from vlsbench.run.flow import Generation
from vlsbench.run.plan import Evaluation

THREE = ("0.png", "1.png", "2.png")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file of one sample with three pictures and one with a single one."""
    folder = tmp_path / "data"
    folder.mkdir()
    for number, name in enumerate(THREE):
        (folder / name).write_bytes(tiny_png(number))
    rows = [
        {"sample_id": "three", "text": "Question 0: which is darker?", "images": THREE},
        {"sample_id": "one", "text": "Question 1: what is it?", "image": "1.png"},
    ]
    (folder / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "set.jsonl"


@pytest.fixture
def pictures(data: Path) -> list[ImageFile]:
    """The three pictures as a prompt holds them."""
    return [ImageFile(data.parent / name, hashlib.sha256(tiny_png(n)).hexdigest()) for n, name in enumerate(THREE)]


def shown_to(model: list[tuple[str, ...]], prompt: Prompt) -> str:
    model.append(tuple(image.sha256 for image in prompt.images))
    return "An answer."


def evaluated(data: Path, out: Path) -> list[tuple[str, ...]]:
    """The hashes of the images that the model was shown, sample by sample."""
    seen: list[tuple[str, ...]] = []

    async def look(prompt: Prompt) -> str:
        return shown_to(seen, prompt)

    vlsbench.evaluate(model=TalkingModel(look), dataset=f"jsonl:{data}", judge="refusal", out=out)
    return sorted(seen, key=len)


def test_a_model_is_shown_all_images_in_their_order(data: Path, tmp_path: Path) -> None:
    seen = evaluated(data, tmp_path / "run")
    hashes = [sha256 for _, sha256 in sorted(recorded(tmp_path / "run")["three"].items())]
    assert list(map(len, seen)) == [1, 3]
    assert list(seen[1]) == hashes


def recorded(run: Path) -> dict[str, dict[str, str]]:
    """The hash of each image of each listed sample, by the image's file name."""
    found = {}
    for row in lines(run / "samples.jsonl"):
        images, hashes = (
            (row["image"], *row.get("more_images", ())),
            (
                row["image_sha256"],
                *row.get("more_images_sha256", ()),
            ),
        )
        found[row["sample_id"]] = {Path(image).name: sha for image, sha in zip(images, hashes, strict=True)}
    return found


def test_only_samples_with_several_images_have_more_fields_on_disk(data: Path, tmp_path: Path) -> None:
    evaluated(data, tmp_path / "run")
    three, one = lines(tmp_path / "run" / "samples.jsonl")
    assert {"more_images", "more_images_sha256"} <= three.keys()
    assert not {"more_images", "more_images_sha256", "answer", "options"} & one.keys()


def test_a_set_without_them_has_the_hash_that_it_always_had() -> None:
    plain = Sample(id="a", text="What is this?", image="a.png", category="Garden")
    # Written by the version before samples could have several images.
    assert fingerprint(ListedDataset([plain])).sha256 == (
        "9bf4aa819beb3c19476cdaea674af6f55966875aba60c8b2dc8ed89e24d5c77e"
    )


def test_another_second_image_is_another_set() -> None:
    one, other = (Sample(id="a", text="?", image="a.png", more_images=(name,)) for name in ("b.png", "c.png"))
    assert fingerprint(ListedDataset([one])).sha256 != fingerprint(ListedDataset([other])).sha256


def test_one_unsound_image_costs_its_sample_alone_and_comes_back_when_mended(data: Path, tmp_path: Path) -> None:
    (data.parent / "2.png").write_bytes(tiny_png(2)[:40])
    assert list(map(len, evaluated(data, tmp_path / "run"))) == [1]
    failed = {row["sample_id"]: row["outcome"] for row in responses(tmp_path / "run")}
    assert failed == {"three": "error", "one": "ok"}
    (data.parent / "2.png").write_bytes(tiny_png(2))
    assert list(map(len, evaluated(data, tmp_path / "run"))) == [3]


def test_a_moved_folder_continues_its_run(data: Path, tmp_path: Path) -> None:
    evaluated(data, tmp_path / "run")
    (tmp_path / "run" / "responses.jsonl").unlink()
    moved = tmp_path / "elsewhere"
    shutil.move(data.parent, moved)
    assert list(map(len, evaluated(moved / "set.jsonl", tmp_path / "run"))) == [1, 3]


def test_the_samples_of_a_run_are_read_back_with_all_images(data: Path, tmp_path: Path) -> None:
    evaluated(data, tmp_path / "run")
    three, one = load(f"jsonl:{tmp_path / 'run' / 'samples.jsonl'}")
    assert [Path(image).name for image in three.images] == list(THREE)
    assert len(three.hashes) == 3
    assert one.more_images == ()


def test_a_run_from_somewhere_else_names_no_picture_without_its_hash(data: Path, tmp_path: Path) -> None:
    evaluated(data, tmp_path / "run")
    file = tmp_path / "run" / "samples.jsonl"
    row = lines(file)[0]
    file.write_text(json.dumps({**row, "more_images_sha256": []}) + "\n")
    assert evaluated(file, tmp_path / "other") == []


def test_a_chat_server_gets_one_part_for_each_image_before_the_text(pictures: list[ImageFile]) -> None:
    with serve(lambda _: Answer()) as server:
        model = OpenAIModel("target", server.url)

        async def ask() -> None:
            await model.generate(Prompt(text="Which?", image=together(pictures)))
            await model.close()

        asyncio.run(ask())
    (message,) = server.asked[0].body["messages"]
    assert [part["type"] for part in message["content"]] == ["image_url", "image_url", "image_url", "text"]
    sent = [part["image_url"]["url"].partition(",")[2] for part in message["content"][:3]]
    assert [base64.b64decode(data) for data in sent] == [picture.read() for picture in pictures]


def test_a_judge_that_hands_its_image_on_shows_all_of_them(data: Path, tmp_path: Path) -> None:
    counts: dict[str, int] = {}

    def judged(asked: Asked) -> Answer:
        if not asked.is_judging:
            return Answer()
        content = asked.body["messages"][-1]["content"]
        name = "three" if "Question 0" in asked.text else "one"
        counts[name] = sum(part["type"] == "image_url" for part in content)
        return Answer(text='{"reason": "because", "label": "warning"}')

    with serve(judged) as server:
        vlsbench.evaluate(
            model=f"openai:target@{server.url}",
            dataset=f"jsonl:{data}",
            judge=f"openai:judge@{server.url}",
            out=tmp_path / "run",
        )
    assert counts == {"three": 3, "one": 1}


def test_images_handed_along_as_one_are_the_first_to_who_knows_no_more(pictures: list[ImageFile]) -> None:
    one = together(pictures)
    assert isinstance(one, Images)
    assert (one.sha256, one.media_type, one.read()) == (pictures[0].sha256, "image/png", tiny_png(0))
    assert asyncio.run(one.base64()) == base64.b64encode(tiny_png(0))
    assert (every(one), every(pictures[0]), every(None)) == (tuple(pictures), (pictures[0],), ())
    assert (together([]), together(pictures[:1])) == (None, pictures[0])


@pytest.mark.parametrize(("condition", "n"), [("text", 0), ("blank", 3)])
def test_a_view_takes_away_every_image(condition: str, n: int, pictures: list[ImageFile]) -> None:
    sample = Sample(id="s", text="Which?", image="a.png", more_images=("b.png", "c.png"))
    view = conditions.simple(condition)
    assert len(Generation(view=view).prompt(sample, together(pictures)).images) == n


def test_a_check_looks_at_every_image(data: Path) -> None:
    (data.parent / "2.png").write_bytes(b"no picture")
    found = check(load(f"jsonl:{data}"))
    assert found.images.distinct == 3
    assert [problem.sample_id for problem in found.problems if problem.kind == "image"] == ["three"]


def test_an_estimate_counts_every_image(data: Path) -> None:
    found = estimate(Evaluation(model="openai:gpt-4o-mini", dataset=load(f"jsonl:{data}"), judge="refusal"))
    assert found.image_bytes == sum(len(tiny_png(number)) for number in (0, 1, 2, 1))


def test_the_page_holds_every_image(data: Path, tmp_path: Path) -> None:
    evaluated(data, tmp_path / "run")
    assert command("report", tmp_path / "run", "--out", tmp_path / "page.html") == 0
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.count('id="picture-') == 3
    assert '"more_images":[1,2]' in text


def test_people_are_shown_every_image(tmp_path: Path) -> None:
    files = [tmp_path / "a.png", tmp_path / "b.png"]
    for file in files:
        file.write_bytes(encoded(noise(40, 30)))
    data = base64.b64decode(thumbnail(*files).partition(",")[2])
    assert Image.open(io.BytesIO(data)).size == (40, 60)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"image": "0.png", "images": ["1.png"]}, "the fields 'image' and 'images' are both there"),
        ({"images": ["0.png", ""]}, "is empty"),
        ({"images": "0.png"}, "the field 'images' should be a list, but is a text"),
        ({"images": [1]}, "should be a list of texts, but holds a number"),
        ({"more_images": ["1.png"]}, "'more_images' is there without 'image'"),
    ],
)
def test_what_is_wrong_with_images_is_said(tmp_path: Path, fields: dict[str, object], said: str) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text(json.dumps({"sample_id": "a", "text": "b", **fields}) + "\n")
    with pytest.raises(vlsbench.VLSBenchError, match=said):
        list(load(f"jsonl:{file}"))
