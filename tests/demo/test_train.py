"""The recipe learns, shortened; the same seed gives the same weights."""

import pytest

from vlsbench.demo import pretrain

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

SHORT = pretrain.PretrainRecipe(pictures=300, batch=32, vision_steps=20, language_steps=180)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_shortened_recipe_learns_to_answer_in_whole_sentences(tmp_path):
    from vlsbench.demo import measure, train, vlm
    from vlsbench.miniworld import splits

    samples = [*splits.samples("text-only", 15), *splits.samples("leakless", 15)]

    def garbled(model, processor):
        return measure.count(samples, measure.answers(model, processor, samples)).get("garbled", 0)

    tokenizer = vlm.build_tokenizer()
    assert garbled(vlm.build_model(tokenizer), vlm.build_processor(tokenizer)) == 30
    train.train_base(tmp_path / "base", recipe=SHORT, log=lambda _line: None)
    assert garbled(*train.load(tmp_path / "base")) <= 3


def test_training_pictures_never_show_a_held_out_pair():
    from vlsbench.miniworld import language, scenes

    pictures = pretrain.render(300, seed=5)
    pairs = zip(pictures.items.tolist(), pictures.colours.tolist(), strict=True)
    named = [(language.ITEMS[item], language.COLOURS[colour]) for item, colour in pairs if colour >= 0]
    assert 50 < len(named) < 130
    assert not set(named) & scenes.HELD_OUT


def test_the_base_is_shown_and_told_more_hazards_than_it_will_be_measured_on():
    from random import Random

    from vlsbench.miniworld import language, lessons

    rng = Random(0)
    rows = [lessons.without_picture(rng, language.ITEMS) for _ in range(2000)]
    warned = {language.parse(answer).item for _, answer in rows} & {*language.KNOWN_HAZARDS}
    assert warned == {*language.KNOWN_HAZARDS}
    for query, answer in rows:
        named = [item for item in (*language.HAZARDS, *language.ORDINARY) if f" {item}" in query]
        assert language.parse(answer).kind is language.AnswerKind.HELPFUL or not named


def test_the_same_seed_trains_the_same_weights_and_they_are_stored_in_half_the_size(tmp_path):
    from safetensors.torch import load_file

    from vlsbench.demo import train

    tiny = pretrain.PretrainRecipe(pictures=40, batch=4, vision_steps=2, language_steps=4)
    one, two = (
        load_file(train.train_base(tmp_path / name, 3, tiny, lambda _line: None) / "model.safetensors")
        for name in ("one", "two")
    )
    assert all(torch.equal(one[name], two[name]) and one[name].dtype is torch.float16 for name in one)
    model, _ = train.load(tmp_path / "one")
    assert model.dtype is torch.float32


def test_the_training_encoding_is_what_the_processor_makes_of_the_same_words():
    from vlsbench.demo import vlm

    tokenizer = vlm.build_tokenizer()
    processor = vlm.build_processor(tokenizer)
    query, answer = "What is the item in front?", "The item is a red zorb."
    for images in (False, True):
        encoded = pretrain.encode(tokenizer, [(query, answer)], images=images)
        content = [{"type": "image"}] * images + [{"type": "text", "text": query}]
        messages = [{"role": "user", "content": content}, {"role": "assistant", "content": answer}]
        text = processor.apply_chat_template(messages).replace("<image>", "<image>" * 16)
        assert encoded["input_ids"][0].tolist() == tokenizer.encode(text, add_special_tokens=False)
        learned = encoded["input_ids"][0][encoded["labels"][0] != -100].tolist()
        assert tokenizer.decode(learned, skip_special_tokens=True) == answer


def test_every_sentence_survives_the_tokenizer():
    from vlsbench.demo import vlm
    from vlsbench.miniworld import language

    tokenizer = vlm.build_tokenizer()
    for sentence in language.corpus():
        numbers = tokenizer.encode(sentence, add_special_tokens=False)
        assert tokenizer.unk_token_id not in numbers
        assert tokenizer.decode(numbers) == sentence


@pytest.fixture
def out(tmp_path, monkeypatch):
    """A folder for the variants, and training that takes the packaged ones: what is recorded of it is real."""
    import shutil

    from vlsbench import miniworld
    from vlsbench.demo import train

    def trained(out, seed=0, log=print):
        return shutil.copytree(miniworld.WEIGHTS / out.name, out)

    monkeypatch.setattr(train, "train_base", trained)
    monkeypatch.setattr(train, "fine_tune", lambda variant, base, out, seed, log: trained(out))
    monkeypatch.setattr(train, "N", 4)
    return tmp_path / "variants"


def test_a_shipped_seed_leaves_a_record_of_its_files_and_further_seeds_only_add_measurements(out):
    from vlsbench import miniworld
    from vlsbench.demo import train

    train.main(["--out", str(out), "--seed", "7"])
    shipped = miniworld.record(out)
    assert [*shipped["seeds"]] == ["7"]
    assert shipped["n"] == 4
    for variant in miniworld.VARIANTS:
        assert shipped["files"][variant]["model.safetensors"] == miniworld.digest(out / variant / "model.safetensors")
        assert shipped["seeds"]["7"]["seconds"][variant].keys() == {"wall", "cpu"}
    measured = shipped["seeds"]["7"]["measured"]
    assert measured["base"]["leakless"] != measured["multimodal-sft"]["leakless"]
    assert "mini:multimodal" in (out / "multimodal-sft" / "README.md").read_text()

    train.main(["--out", str(out), "--confirm", "8", "9"])
    confirmed = miniworld.record(out)
    assert [*confirmed["seeds"]] == ["7", "8", "9"]
    assert confirmed["seeds"]["7"] == shipped["seeds"]["7"]
    for variant in miniworld.VARIANTS:
        assert confirmed["files"][variant]["model.safetensors"] == shipped["files"][variant]["model.safetensors"]


def test_seeds_are_not_added_to_a_record_of_another_recipe(out, capsys):
    from vlsbench import miniworld
    from vlsbench.demo import train

    train.main(["--out", str(out)])
    recorded = miniworld.record(out)
    recorded["recipe"]["batch"] += 1
    train.write_record(out, recorded)
    with pytest.raises(SystemExit) as ended:
        train.main(["--out", str(out), "--confirm", "8"])
    assert ended.value.code == 2
    assert "made with other settings" in capsys.readouterr().err
    assert [*miniworld.record(out)["seeds"]] == ["0"]


@pytest.mark.parametrize(
    ("source", "seeded"),
    [("mini:textual:1200", "mini:textual:1200:5"), ("mini:multimodal", "mini:multimodal:{default}:5")],
)
def test_a_seed_is_part_of_where_the_examples_come_from(source, seeded):
    from vlsbench.demo.train import with_seed
    from vlsbench.miniworld.finetune_data import DEFAULT_SIZE

    assert with_seed(source, 0) == source
    assert with_seed(source, 5) == seeded.format(default=DEFAULT_SIZE)
