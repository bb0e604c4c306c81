"""Sentence embeddings from a tiny encoder that is made on the fly."""

import json

import pytest

from vlsbench.core.errors import UserError
from vlsbench.datasets import load
from vlsbench.leakage.signals.signals import measure
from vlsbench.models.workers.settings import Workers

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

TEXTS = ["how do i use the red zorb in front", "a red zorb on a bench", "something else entirely", "steps"]


def make(folder, *, pooler=True):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    names = sorted({word for text in TEXTS for word in text.split()})
    vocabulary = {name: n for n, name in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *names])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=pooler).eval().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return make(tmp_path_factory.mktemp("encoders") / "bert")


@pytest.fixture(scope="module")
def embedder(encoder):
    from vlsbench.leakage.signals.embedding import Embedder

    return Embedder(f"hf:{encoder}", device="cpu")


def open_(folder):
    from vlsbench.leakage.signals.embedding import Embedder

    return Embedder(f"hf:{folder}", device="cpu")


def test_similarity_is_the_cosine_of_the_means_of_the_token_states(embedder, encoder):
    from transformers import AutoTokenizer, BertModel

    tokenizer, model = AutoTokenizer.from_pretrained(encoder), BertModel.from_pretrained(encoder).eval()
    with torch.no_grad():
        means = [model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(dim=0) for text in TEXTS[:2]]
    expected = torch.nn.functional.cosine_similarity(*means, dim=0).item()
    assert embedder.similarities([(TEXTS[0], TEXTS[1])]) == [pytest.approx(expected, abs=1e-5)]


def test_padding_and_company_change_nothing(embedder):
    pairs = [(TEXTS[0], TEXTS[3]), (TEXTS[1], TEXTS[2]), (TEXTS[3], TEXTS[3])]
    together = embedder.similarities(pairs)
    assert together == pytest.approx([embedder.similarities([pair])[0] for pair in pairs], abs=1e-5)
    assert together[2] == pytest.approx(1.0)


def test_blank_texts_have_no_similarity_and_long_ones_are_cut(embedder):
    assert embedder.similarities([("", "zorb"), ("zorb", "  ")]) == [None, None]
    (found,) = embedder.similarities([("zorb " * 500, "zorb " * 400)])
    assert found == pytest.approx(1.0)


def test_measure_adds_the_similarity_to_every_described_record(encoder):
    found = list(measure(load("mini:leaky:70"), ocr=False, embedder=f"hf:{encoder}", device="cpu"))
    assert len(found) == 70
    assert all(-1 <= signals.similarity <= 1 and signals.spans for _, signals in found)


def test_a_checkpoint_without_a_pooler_loads(tmp_path):
    assert open_(make(tmp_path / "bare", pooler=False)).similarities([("zorb", "zorb")]) == [pytest.approx(1.0)]


def test_the_pooling_that_a_checkpoint_was_trained_with_is_used(tmp_path, embedder):
    folder = make(tmp_path / "first")
    (folder / "1_Pooling").mkdir()
    settings = folder / "1_Pooling" / "config.json"
    settings.write_text(json.dumps({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}))
    pair = (TEXTS[0], TEXTS[1])
    assert open_(folder).similarities([pair]) != pytest.approx(embedder.similarities([pair]), abs=1e-4)
    settings.write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    assert open_(folder).similarities([pair]) == pytest.approx(embedder.similarities([pair]), abs=1e-5)
    settings.write_text(json.dumps({"pooling_mode_max_tokens": True}))
    with pytest.raises(UserError, match="max"):
        open_(folder)


def test_weights_that_could_run_code_are_refused(tmp_path):
    folder = make(tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    (folder / "model.pkl").write_bytes(b"x")
    with pytest.raises(UserError, match="safetensors"):
        open_(folder)


@pytest.mark.parametrize("ref", ["bert", "openai:text-embedding", "hf:", "hf:no/such/folder", "hf:a+b"])
def test_a_reference_that_cannot_be_read_is_a_clear_error(ref):
    from vlsbench.leakage.signals.embedding import Embedder

    with pytest.raises(UserError):
        Embedder(ref, device="cpu")


def test_a_model_that_is_no_encoder_of_text_is_a_clear_error(tmp_path):
    folder = make(tmp_path / "t5")
    (folder / "config.json").write_text(json.dumps({"model_type": "t5", "d_model": 8}))
    with pytest.raises(UserError, match="encoder"):
        open_(folder)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a socket of Ray's own
def test_similarities_from_workers_are_those_of_one_process(encoder, tmp_path):
    pytest.importorskip("ray")
    rows = [{"sample_id": f"{n}", "text": TEXTS[n % 3], "description": TEXTS[n % 4]} for n in range(150)]
    (tmp_path / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = load(f"jsonl:{tmp_path / 'set.jsonl'}")
    ref = f"hf:{encoder}"
    alone = [found.similarity for _, found in measure(data, ocr=False, embedder=ref, device="cpu")]
    workers = Workers(count=1)
    found = [found.similarity for _, found in measure(data, ocr=False, embedder=ref, device="cpu", embedders=workers)]
    assert found == pytest.approx(alone)
