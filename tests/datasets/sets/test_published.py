"""The published sets, on invented rows in their true format, quirks included."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from published import MAKERS, VLGUARD, put
from vlsbench.core.errors import DatasetError, UnknownName
from vlsbench.core.types import Expect, Sample
from vlsbench.datasets import CATALOG, BadRecord, load
from vlsbench.datasets.check import check
from vlsbench.datasets.sets import mm_safetybench, mmmu
from vlsbench.run import fingerprint

HARMFUL, BENIGN = Expect.HARMFUL, Expect.BENIGN
EVERY = [f"{name}{'/' if subset else ''}{subset}" for name in MAKERS for subset in ("", *CATALOG[name].subsets)]


@pytest.fixture
def samples(tmp_path):
    """The samples of a reference, by id, from a folder made for it."""

    def read(name: str) -> dict[str, Sample]:
        kind = name.partition("/")[0]
        root = tmp_path / kind
        if not root.exists():
            MAKERS[kind](root)
        return {sample.id: sample for sample in load(f"{name}:{root}")}

    return read


def make(name: str, tmp_path: Path) -> Path:
    MAKERS[name](tmp_path / name)
    return tmp_path / name


@pytest.mark.parametrize("name", EVERY)
def test_a_set_is_sound_from_its_ids_to_its_pictures_and_twins(name, tmp_path):
    root = make(name.partition("/")[0], tmp_path)
    dataset = load(f"{name}:{root}")
    assert dataset.root == root
    found = check(dataset)
    expected = {"no description", "empty text" if name.startswith("unsafebench") else ""}
    serious = [problem for problem in found.problems if problem.kind not in expected]
    assert serious == []
    assert fingerprint.fingerprint(dataset).size == found.n > 0
    assert dataset.stamp


GROUPED = {"mm_safetybench": 26, "jailbreakv": 1, "jailbreakv/full": 1, "mssbench": None, "mossbench": None, "msts": 1,
           "mme": 6, "mme/original": 6}  # fmt: skip
"""Sets whose authors drew something else than a sample, and how many of those there are here."""


@pytest.mark.parametrize("name", GROUPED)
def test_a_sample_names_the_unit_that_its_authors_drew(name, samples):
    found = samples(name).values()
    groups = {sample.group for sample in found}
    assert None not in groups
    assert len(groups) == GROUPED[name] if GROUPED[name] else len(groups) < len(found)
    halves = [(sample.group, sample.twin_of) for sample in found if sample.twin_of]
    of = {sample.id: sample.group for sample in found}
    assert all(of[twin] == group for group, twin in halves)


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in GROUPED])
def test_a_topic_is_no_group(name, samples):
    assert {sample.group for sample in samples(name).values()} == {None}


@pytest.mark.parametrize("name", list(MAKERS))
def test_the_catalogue_says_what_kinds_of_samples_a_set_holds(name, samples):
    entry, found = CATALOG[name], samples(name).values()
    assert {sample.expect for sample in found} == set(
        [HARMFUL] * entry.harmful + [BENIGN] * (entry.benign or entry.ability)
    )
    assert {sample.answer is not None for sample in found} == {entry.ability}
    assert any(sample.twin_of for sample in found) == entry.twins


@pytest.mark.parametrize("name", list(MAKERS))
def test_a_wrong_folder_is_told_what_was_expected_where(name, tmp_path):
    with pytest.raises(DatasetError, match=rf"There is no .* in {tmp_path}\. "):
        load(f"{name}:{tmp_path}")
    root = make(name, tmp_path)
    with pytest.raises(DatasetError, match=f"Did you mean {name}:{root}"):
        load(f"{name}:{tmp_path}")


@pytest.mark.parametrize("name", [name for name in MAKERS if CATALOG[name].subsets])
def test_an_unknown_subset_is_refused(name, tmp_path):
    subset = CATALOG[name].subsets[0]
    with pytest.raises(UnknownName, match=f"Did you mean '{subset}'"):
        load(f"{name}/{subset}x:{tmp_path}")


def test_vlguard_has_records_of_two_shapes(samples):
    found = samples("vlguard")
    assert list(found) == ["unsafe-1", "safe-1-unsafe", "safe-1-safe"]
    first = found["unsafe-1"]
    assert (first.image, first.category, first.sub_category) == ("test/bad_ads/1.png", "deception", "disinformation")
    harmful, benign = found["safe-1-unsafe"], found["safe-1-safe"]
    assert (harmful.expect, benign.expect) == (HARMFUL, BENIGN)
    assert (harmful.twin_of, benign.twin_of) == (benign.id, harmful.id)
    assert harmful.image == benign.image == "test/memes/2.png"
    assert harmful.category == ""


def test_the_parts_of_vlguard_are_those_of_its_evaluation(samples):
    assert list(samples("vlguard/unsafes")) == ["unsafe-1"]
    assert list(samples("vlguard/safe_unsafes")) == ["safe-1-unsafe"]
    assert list(samples("vlguard/safe_safes")) == ["safe-1-safe"]
    assert all(sample.twin_of is None for sample in samples("vlguard/safe_safes").values())
    assert samples("vlguard/train")["unsafe-1"].image == "train/bad_ads/1.png"


def test_an_id_that_vlguard_gives_twice_gets_a_suffix_the_same_each_time(tmp_path):
    root = make("vlguard", tmp_path)
    other = {**VLGUARD[1], "instr-resp": [{"safe_instruction": "What is this?"}, {"unsafe_instruction": "Break it?"}]}
    put(root / "train.json", [*VLGUARD, other])
    dataset = load(f"vlguard/train:{root}")
    ids = ["unsafe-1", "safe-1-unsafe", "safe-1-safe", "safe-1-2-unsafe", "safe-1-2-safe"]
    assert [sample.id for sample in dataset] == [sample.id for sample in dataset] == ids
    assert [sample.twin_of for sample in dataset][3:] == ["safe-1-2-safe", "safe-1-2-unsafe"]
    assert [problem.kind for problem in check(dataset).problems] == ["no description"]


def test_a_clone_of_vlguard_has_its_files_in_data(tmp_path):
    root = make("vlguard", tmp_path)
    (tmp_path / "clone").mkdir()
    root.rename(tmp_path / "clone" / "data")
    assert next(iter(load(f"vlguard:{tmp_path / 'clone'}"))).image == "data/test/bad_ads/1.png"


def test_packed_pictures_come_with_the_command_that_unpacks_them(tmp_path):
    put(tmp_path / "test.json", VLGUARD)
    (tmp_path / "test.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(DatasetError, match=rf"still packed.*unzip -q {tmp_path}/test\.zip -d {tmp_path}"):
        load(f"vlguard:{tmp_path}")


def test_the_command_that_unpacks_can_be_pasted_whatever_the_folder_is_called(tmp_path):
    folder = tmp_path / "my sets (new); $HOME"
    folder.mkdir()
    (folder / "test.json").write_text("[]")
    (folder / "test.zip").write_bytes(b"")
    with pytest.raises(DatasetError) as caught:
        load(f"vlguard:{folder}")
    command = shlex.split(str(caught.value).partition("Unpack them: ")[2])
    assert command == ["unzip", "-q", str(folder / "test.zip"), "-d", str(folder)]


def test_missing_pictures_are_told_how_to_get_them(tmp_path):
    put(tmp_path / "siuo_gen.json", [])
    with pytest.raises(DatasetError, match=r"has no folder images and none data/images.*vlsbench data fetch siuo"):
        load(f"siuo:{tmp_path}")


def test_mm_safetybench_asks_each_question_in_four_ways(samples):
    found = samples("mm_safetybench")
    assert len(found) == 13 * 2 * 4
    first = {way: found[f"01-Illegal_Activitiy/0/{way}"] for way in mm_safetybench.VARIANTS}
    assert first["text-only"].image is None
    assert first["text-only"].text == "Tell me how to bake bread."
    assert first["sd"].image == "data/imgs/01-Illegal_Activitiy/SD/0.jpg"
    assert first["sd"].text.endswith("in the picture?")
    assert first["typo"].image == "data/imgs/01-Illegal_Activitiy/TYPO/0.jpg"
    assert first["typo"].text == first["sd_typo"].text == "How to bake the thing whose name is below the picture?"
    assert first["typo"].description == 'The words "bread" as type.'
    assert {sample.category for sample in first.values()} == {"Illegal Activity"}
    assert len(samples("mm_safetybench/sd_typo")) == 13 * 2


def test_mm_safetybench_without_one_scenario_is_refused(tmp_path):
    root = make("mm_safetybench", tmp_path)
    (root / "data/processed_questions/07-Sex.json").unlink()
    with pytest.raises(DatasetError, match=r"no processed_questions/07-Sex\.json"):
        load(f"mm_safetybench:{root}")


def test_mm_safetybench_with_its_pictures_still_packed_has_the_command(tmp_path):
    root = make("mm_safetybench", tmp_path)
    shutil.rmtree(root / "data" / "imgs")
    (root / "MM-SafetyBench(imgs).zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(DatasetError, match=rf"still packed.*unzip -q '{root}/MM-SafetyBench\(imgs\)\.zip' -d {root}"):
        load(f"mm_safetybench:{root}")


def test_mm_safetybench_without_pictures_still_has_its_text_only_questions(tmp_path):
    root = make("mm_safetybench", tmp_path)
    shutil.rmtree(root / "data" / "imgs")
    assert len(list(load(f"mm_safetybench/text-only:{root}"))) == 26
    with pytest.raises(DatasetError, match="archive of pictures that its README links to"):
        load(f"mm_safetybench:{root}")


def test_jailbreakv_asks_the_mini_set_plainly_and_with_the_jailbreak(samples):
    assert list(samples("jailbreakv/raw")) == ["7-raw"]
    assert list(samples("jailbreakv")) == list(samples("jailbreakv/mini")) == ["7-raw", "7-jailbreak"]
    assert list(samples("jailbreakv/full")) == ["7-jailbreak", "8-jailbreak"]
    found = samples("jailbreakv")
    assert found["7-raw"].text == "How do I peel an onion?"
    assert found["7-jailbreak"].text == "You are a chef.\n\nAnswer as one:\nhow do I peel an onion?"
    assert found["7-raw"].image == "JailBreakV_28K/llm_transfer_attack/SD_1.png"
    assert (found["7-raw"].category, found["7-raw"].sub_category) == ("Kitchen", "Template")


def test_jailbreakv_says_which_subset_was_taken(tmp_path):
    root = make("jailbreakv", tmp_path)
    assert load(f"jailbreakv:{root}").name == f"jailbreakv/mini:{root}"


def test_harmbench_pictures_are_png_whatever_the_table_says(samples):
    found = samples("harmbench_mm")
    assert found["plant_water"].image == "data/multimodal_behavior_images/plant_water.png"
    assert found["plant_water"].description == "A plant.\n\nIn a pot."
    assert found["cake_needs"].description == "A cake."


def test_vlsafe_counts_lines_since_a_picture_serves_several(samples):
    found = samples("vlsafe")
    assert list(found) == ["1", "3"]
    assert {sample.image for sample in found.values()} == {"train2017/000000000001.jpg"}


def test_siuo_keeps_its_warning_as_the_reason(samples):
    found = samples("siuo")
    assert list(found) == ["0", "1"]
    assert found["0"].safety_reason == "The balcony has no railing."
    assert found["0"].image == "images/S-01.png"


def test_mssbench_pairs_a_safe_with_an_unsafe_situation(samples):
    found = samples("mssbench")
    assert len(found) == 2 * 2 + 2 * 2
    harmful, benign = found["chat-0-1-unsafe"], found["chat-0-1-safe"]
    assert harmful.text == benign.text == "How fast can I run here?"
    assert (harmful.image, benign.image) == ("chat/2.jpg", "chat/1.jpg")
    assert (harmful.twin_of, benign.twin_of) == (benign.id, harmful.id)
    assert harmful.description == "A kitchen with a wet floor."
    assert found["embodied-0-0-safe"].text == "Heat the pot."
    assert found["embodied-0-0-unsafe"].image == "embodied/4.jpg"
    assert found["embodied-0-0-safe"].description == "A pot stands on the stove."
    assert found["embodied-0-0-unsafe"].description == "A fork lies in the microwave."
    assert all(name.startswith("embodied") for name in samples("mssbench/embodied"))


def test_mossbench_pairs_a_benign_query_with_its_contrast(samples):
    found = samples("mossbench")
    benign, contrast = found["1"], found["1-contrast"]
    assert (benign.expect, contrast.expect, contrast.twin_of) == (BENIGN, HARMFUL, "1")
    assert contrast.image == "data_contrast/images/1.png"
    assert found["2-contrast"].image == "data_contrast/images/2.png"
    assert "3-contrast" not in found, "a benign query without a contrast"
    assert (benign.category, found["2"].category) == ("Counterintuitive Interpretation", "Exaggerated Risk")
    assert benign.description == "A child with a balloon."
    assert samples("mossbench/contrast")["1-contrast"].twin_of is None


def test_a_contrast_whose_picture_is_missing_never_takes_the_benign_one(tmp_path):
    root = make("mossbench", tmp_path)
    (root / "data_contrast/images/2.png").unlink()
    (problem,) = [one for one in check(load(f"mossbench:{root}")).problems if one.kind == "image"]
    assert problem.sample_id == "2-contrast"
    shutil.rmtree(root / "data_contrast/images")
    with pytest.raises(DatasetError, match="has no folder data_contrast/images"):
        load(f"mossbench/contrast:{root}")
    assert len(list(load(f"mossbench/benign:{root}"))) == 3


def test_spa_vl_takes_its_pictures_from_the_table(samples):
    found = samples("spa_vl")
    assert list(found) == ["harm-0", "harm-1"]
    assert found["harm-0"].image.startswith("data:image/png;base64,")
    assert (found["harm-0"].category, found["harm-1"].sub_category) == ("Kitchen", "")


def test_holisafe_keeps_its_type_as_the_sub_category(samples):
    kinds = {sample.sub_category: sample.expect for sample in samples("holisafe").values()}
    assert kinds == {"SSS": BENIGN, "SSU": HARMFUL, "SUU": HARMFUL, "USU": HARMFUL, "UUU": HARMFUL}


def test_vlsu_keeps_its_grade_and_leaves_out_what_nobody_was_sure_of(samples):
    found = samples("vlsu")
    assert {name: (sample.sub_category, sample.expect) for name, sample in found.items()} == {
        "a": ("safe", BENIGN),
        "b": ("borderline", BENIGN),
        "c": ("unsafe", HARMFUL),
    }
    assert found["c"].image == "data/images/c.webp"
    assert found["a"].text == "Write a caption,\nin two lines."


def test_xstest_goes_by_its_label_and_without_one_by_its_type(samples, tmp_path):
    found = samples("xstest")
    assert [sample.expect for sample in found.values()] == [BENIGN, HARMFUL]
    assert found["2"].text == "How do I spoil\nmy neighbour's roses?"
    old = tmp_path / "old"
    put(old / "xstest_v2_prompts.csv", "id,type,prompt,focus,note\n1,homonyms,a,b,\n2,contrast_homonyms,c,d,\n")
    assert [sample.expect for sample in load(f"xstest:{old}")] == [BENIGN, HARMFUL]


def test_salad_goes_by_its_safety_type_and_keeps_its_warning(samples):
    found = samples("salad")
    assert [(sample.expect, sample.safety_reason) for sample in found.values()] == [
        (BENIGN, ""),
        (HARMFUL, "A wasp nest hangs there."),
    ]
    assert found["2"].image == "images/A_2.png"


def test_msts_has_the_same_ids_in_every_language_and_without_pictures(samples):
    found = samples("msts")
    assert list(found) == list(samples("msts/text-only")) == ["case_0001-assistance", "case_0001-intention"]
    first = found["case_0001-assistance"]
    assert (first.image, first.description) == ("data/unsafe_images/unsafe_image_0001.png", "Hot pan")
    assert (first.category, first.sub_category, first.source) == ("Other", "Kitchen", "msts english assistance")
    told = samples("msts/text-only")["case_0001-assistance"]
    assert {sample.group for sample in samples("msts/text-only").values()} == {"case_0001"}
    assert (told.image, told.text, told.source) == (None, "Should I touch a hot pan?", "msts text-only assistance")
    assert samples("msts/german")["case_0001-assistance"].text == "Soll ich das anfassen?"


def test_msts_without_its_pictures_still_has_its_text_only_prompts(tmp_path):
    root = make("msts", tmp_path)
    shutil.rmtree(root / "data" / "unsafe_images")
    assert len(list(load(f"msts/text-only:{root}"))) == 2
    with pytest.raises(DatasetError, match=r"no folder data/unsafe_images.*0_download_images\.py"):
        load(f"msts:{root}")


def test_mllmguard_has_four_dimensions_in_two_languages(samples):
    found = samples("mllmguard")
    assert list(found)[:3] == ["privacy-1", "privacy-2", "bias-1"]
    assert len(found) == 8
    assert found["bias-1"].image == "desensitize/bias/imgs/0001.jpg"
    assert {sample.source for sample in found.values()} == {"mllmguard en", "mllmguard zh"}
    assert list(samples("mllmguard/legality")) == ["legality-1", "legality-2"]


def test_ch3ef_leaves_out_records_with_several_pictures(samples):
    assert {name: sample.image for name, sample in samples("ch3ef").items()} == {
        "4": "Harmless_images/1.png",
        "1": "Harmless_images/2.png",
    }


def test_unsafebench_has_pictures_with_labels_and_no_queries(samples):
    found = samples("unsafebench")
    assert {name: sample.expect for name, sample in found.items()} == {
        "test-0": BENIGN,
        "test-1": HARMFUL,
        "test-2": BENIGN,
        "test-3": HARMFUL,
    }
    assert {sample.text for sample in found.values()} == {""}
    assert list(samples("unsafebench/train")) == ["train-0", "train-1"]


@pytest.mark.parametrize(
    ("name", "file", "row", "problem"),
    [
        ("vlguard", "test.json", {"id": 1, "image": "a", "instr-resp": [], "safe": "yes"}, "'safe' should be true"),
        ("vlguard", "test.json", {"id": 1, "image": "a", "instr-resp": [], "safe": True}, "no 'unsafe_instruction'"),
        ("vlguard", "test.json", {"id": 1, "image": "a", "instr-resp": "x", "safe": False}, "list of objects"),
        ("siuo", "siuo_gen.json", {"question_id": 3, "image": "", "question": "b"}, r"\(id 3\): .*'image' is empty"),
        ("siuo", "siuo_gen.json", {"question_id": True, "image": "a", "question": "b"}, "'question_id' should be"),
        ("mssbench", "combined.json", None, "'queries' should be a list of texts"),
        ("salad", "data/data.json", {"id": 1, "image": "a", "text": "b", "safety type": "odd"}, "but is 'odd'"),
        ("mossbench", "data/images_information/information.json", None, "'metadata' should be an object"),
        (
            "holisafe",
            "holisafe_bench.json",
            {"id": 1, "image": "a", "query": "b", "type": "USS", "category": "c"},
            "one of SSS, SSU, SUU, USU, UUU, but is 'USS'",
        ),
    ],
)
def test_a_record_that_cannot_be_used_is_named(name, file, row, problem, tmp_path):
    root = make(name, tmp_path)
    rows = [row] if row else json.loads((root / file).read_text())
    if name == "mssbench":
        rows["chat"][0]["queries"] = "one text"
    elif name == "mossbench":
        del rows["1"]["metadata"]
    put(root / file, rows)
    with pytest.raises(BadRecord, match=problem) as raised:
        list(load(f"{name}:{root}"))
    assert raised.value.where.startswith(Path(file).name)


def test_lists_of_queries_that_do_not_match_are_refused(tmp_path):
    root = make("mssbench", tmp_path)
    rows = json.loads((root / "combined.json").read_text())
    rows["embodied"][0]["safe_instructions"].pop()
    put(root / "combined.json", rows)
    with pytest.raises(BadRecord, match="'safe_instructions' has 1 texts and 'unsafe_instructions' 2"):
        list(load(f"mssbench:{root}"))


@pytest.mark.parametrize(
    ("name", "file", "content", "missing"),
    [
        ("vlguard", "test.json", [{"id": 1, "picture": "a"}], "image, instr-resp"),
        ("siuo", "siuo_gen.json", [{"id": 1}], "question_id, image, question"),
        ("vlsafe", "VLSafe/harmlessness_examine.jsonl", '{"image": "a"}\n', "image_id, query"),
        ("xstest", "xstest_prompts.csv", "a,b\n1,2\n", "id, prompt, type"),
        ("mssbench", "combined.json", {"talk": []}, "chat"),
        ("salad", "data/data.json", [{"id": 1}], "image, text, safety type"),
        ("ch3ef", "meta_file/Harmless.json", {"items": [{"id": 1}]}, "image, query"),
        ("msts", "data/prompts/english_multimodal.csv", "case_id,prompt_text\n1,2\n", "prompt_type, unsafe_image_id"),
        ("mllmguard", "desensitize/privacy/prompt.csv", "Image,Text\n1,2\n", "Prompt"),
        ("holisafe", "holisafe_bench.json", [{"id": 1, "image": "a", "query": "b"}], "type, category"),
    ],
)
def test_other_columns_than_expected_are_told_what_was_found_and_wanted(name, file, content, missing, tmp_path):
    root = make(name, tmp_path)
    put(root / file, content)
    with pytest.raises(DatasetError, match=rf"Found: .*\. Wanted: .*\. Missing: {missing}\."):
        list(load(f"{name}:{root}"))


def test_an_unknown_grade_of_vlsu_is_refused(tmp_path):
    root = make("vlsu", tmp_path)
    file = root / "data" / "VLSU.csv"
    file.write_text(file.read_text().replace("borderline", "so-so"))
    with pytest.raises(BadRecord, match=r"VLSU.csv, row 2.*one of safe, borderline, unsafe, not_sure"):
        list(load(f"vlsu:{root}"))


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    root = make("siuo", tmp_path)
    with pytest.raises(DatasetError, match="is a file; siuo:DIR takes the folder"):
        load(f"siuo:{root / 'siuo_gen.json'}")


def test_a_fetched_folder_says_which_commit_it_is(tmp_path):
    root = make("siuo", tmp_path)
    put(root / ".vlsbench-fetch.json", {"commit": "c" * 40})
    assert load(f"siuo:{root}").revision == "c" * 40


def test_mme_asks_for_a_single_word_as_lmms_eval_does_or_as_its_authors_do(samples):
    yes, no = list(samples("mme").values())[:2]
    assert yes.text == "Is there a ball in picture 0?\nAnswer the question using a single word or phrase."
    assert next(iter(samples("mme/original").values())).text.endswith("Please answer yes or no.")
    assert (yes.answer, no.answer, yes.group) == ("yes", "no", no.group)
    assert (yes.category, yes.sub_category) == ("existence", "perception")
    assert list(samples("mme").values())[-1].sub_category == "cognition"


def test_the_options_of_mmstar_stand_in_its_questions(samples):
    found = samples("mmstar")["1"]
    assert (found.options, found.answer) == (("A", "B", "C", "D"), "B")
    assert found.text.startswith("Which shape 1?\nOptions: A: ball")
    assert found.text.count("ball") == 1
    assert (found.category, found.sub_category) == ("coarse", "topic")


def test_mmmu_has_options_open_answers_and_several_pictures(samples):
    found = samples("mmmu")
    one, several, number, word = found.values()
    assert one.text.splitlines()[1:4] == ["(A) ball", "(B) cube", "(C) cone"]
    assert (one.answer, number.answer, word.answer) == ("B", "2 <OR> two", "cone")
    assert number.text.endswith("single word or phrase.")
    assert [len(sample.images) for sample in found.values()] == [1, 3, 1, 1]
    assert len(set(several.images)) == 3
    assert [sample.category for sample in found.values()] == ["Art", "Art", "Basic Medicine", "Basic Medicine"]


def test_mmmu_is_read_from_the_folders_of_its_authors_too(tmp_path):
    root = make("mmmu", tmp_path)
    (root / "data").rename(root / "Art")
    assert len(list(load(f"mmmu:{root}"))) == 4


def test_mmvet_keeps_its_answers_as_they_are(samples):
    found = samples("mmvet")
    assert found["v1_0"].category == "math, ocr"
    assert (found["v1_0"].answer, found["v1_1"].answer) == ("8 <OR> eight", "ball <AND> cube")


def test_an_option_of_mmmu_that_is_lost_stops_nothing():
    row = {"id": "validation_Art_1", "question": "Which?", "options": "['ball', '']", "answer": "A", "image": None}
    found = mmmu.to_sample({**row, "question_type": "multiple-choice"}, "0")
    assert (found.options, found.answer, found.images) == (("ball", "(missing)"), "A", ())
