import pytest

from builders import ListedDataset
from vlsbench.ablation import conditions
from vlsbench.ablation.blanks import BlankImage
from vlsbench.ablation.conditions import Caption, Mismatched, WithImages, chosen, skipped, survey
from vlsbench.core.errors import RequestFailed, UnknownName, UserError
from vlsbench.core.images import ImageFile
from vlsbench.core.types import Sample
from vlsbench.run.flow import Generation

SAMPLE = Sample(id="s", text="What is this?", image="a.png", description="A red ball.")


def dataset(*samples):
    return ListedDataset(list(samples))


def sample(name, image="a.png", description=""):
    return Sample(id=name, text="What is this?", image=image, description=description)


def test_conditions_come_in_one_order_and_each_once():
    assert chosen(["blank", " full", "text", "blank"]) == ("full", "text", "blank")


def test_an_unknown_condition_is_named_with_the_nearest():
    with pytest.raises(UnknownName, match=r"No condition named 'blnk'\. Did you mean 'blank'"):
        chosen(["full", "blnk"])


def test_full_must_be_asked_for_since_every_gain_needs_it():
    with pytest.raises(UserError, match="write --conditions full,text,blank"):
        chosen(["text", "blank"])


def test_full_alone_compares_nothing():
    with pytest.raises(UserError, match="full alone compares nothing"):
        chosen(["full"])


def test_the_text_alone_is_a_prompt_without_an_image(tmp_path):
    image = ImageFile(tmp_path / "a.png", "0" * 64)
    prompt = Generation(view=conditions.simple("text"), system="Be brief.", seed=3).prompt(SAMPLE, image)
    assert (prompt.text, prompt.image, prompt.system, prompt.seed) == ("What is this?", None, "Be brief.", 3)


def test_the_caption_stands_before_the_text_and_replaces_the_image(tmp_path):
    prompt = Generation(view=Caption()).prompt(SAMPLE, ImageFile(tmp_path / "a.png", "0" * 64))
    assert prompt.text == "Description of the image: A red ball.\n\nWhat is this?"
    assert prompt.image is None


def test_a_placeholder_in_the_data_stays_what_it_is():
    odd = Sample(id="s", text="Say {{description}}", description="A sign: {{query}}")
    assert Caption().show(odd, None)[0] == "Description of the image: A sign: {{query}}\n\nSay {{description}}"


def test_a_sample_without_a_description_has_no_caption():
    with pytest.raises(RequestFailed, match="no image description"):
        Caption().show(sample("s", description=" \n"), None)


def test_a_blank_image_stands_in_for_the_image(tmp_path):
    text, image = conditions.simple("blank").show(SAMPLE, ImageFile(tmp_path / "a.png", "0" * 64))
    assert text == SAMPLE.text
    assert isinstance(image, BlankImage)


def test_a_mismatched_image_is_another_file(tmp_path):
    other = Mismatched({"s": (tmp_path / "b.png", "1" * 64)}).show(SAMPLE, None)[1]
    assert isinstance(other, ImageFile)
    assert other.sha256 == "1" * 64
    with pytest.raises(RequestFailed, match="no other image was chosen"):
        Mismatched({}).show(SAMPLE, None)


def test_every_condition_but_full_has_an_identity_of_its_own():
    found = {name: conditions.identity_of(name) for name in conditions.CONDITIONS}
    assert found.pop("full") is None
    assert {name: one["name"] for name, one in found.items()} == {name: name for name in found}
    assert len(found["caption"]["wording_sha256"]) == 64


def test_samples_without_an_image_take_no_part():
    data = dataset(sample("a"), sample("b", image=None), sample("c"))
    assert [one.id for one in WithImages(data)] == ["a", "c"]
    found = survey(data, None)
    assert (found.n, found.left_out) == (2, 1)


def test_a_limit_counts_the_samples_that_take_part():
    data = dataset(sample("a", image=None), sample("b"), sample("c", "b.png"))
    found = survey(data, 1)
    assert (found.n, found.left_out, found.has_other_images) == (1, 1, False)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ((sample("a", description="A ball."), sample("b", "b.png")), {}),
        ((sample("a"), sample("b", "b.png")), {"caption": "no sample has an image description"}),
        ((sample("a", description="A ball."), sample("b")), {"mismatched": conditions.ONE_IMAGE}),
    ],
)
def test_conditions_that_the_set_does_not_allow_are_skipped(samples, expected):
    assert skipped(conditions.CONDITIONS, survey(dataset(*samples), None)) == expected


def test_only_what_was_asked_for_can_be_skipped():
    assert skipped(("full", "text"), survey(dataset(sample("a")), None)) == {}
