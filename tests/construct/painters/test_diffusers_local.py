"""Pipelines of diffusers, with tiny random weights: the same seed gives the same pixels, also after loading again."""

import asyncio
from types import SimpleNamespace

import pytest

from vlsbench.construct.painters import load as painters
from vlsbench.construct.painters.diffusers_local import DiffusersPainter
from vlsbench.construct.painters.protocol import PaintPrompt
from vlsbench.construct.recipe import Brush
from vlsbench.core.errors import Blocked, UserError
from vlsbench.run.loading import Effort

pytest.importorskip("diffusers")
pytestmark = pytest.mark.filterwarnings("ignore")  # diffusers and transformers announce what they will change

BRUSH = Brush(width=32, height=32, steps=1, guidance=2.0)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """A Stable Diffusion of 3 MB, whose pictures are noise."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    folder = tmp_path_factory.mktemp("sd")
    letters = [chr(code) for code in range(33, 127)]
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=16)
    torch.manual_seed(0)
    text = CLIPTextConfig(
        vocab_size=len(vocabulary), hidden_size=32, intermediate_size=37, num_hidden_layers=1, num_attention_heads=4,
        bos_token_id=vocabulary["<|startoftext|>"], eos_token_id=vocabulary["<|endoftext|>"], pad_token_id=1,
        max_position_embeddings=16,
    )  # fmt: skip
    unet = UNet2DConditionModel(
        block_out_channels=(8, 16), norm_num_groups=4, layers_per_block=1, sample_size=16, in_channels=4,
        out_channels=4, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=32,
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=[32, 64], in_channels=3, out_channels=3, latent_channels=4,
        down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2,
    )  # fmt: skip
    pipe = StableDiffusionPipeline(
        vae=vae, text_encoder=CLIPTextModel(text), tokenizer=tokenizer, unet=unet, scheduler=DDIMScheduler(),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipe.save_pretrained(folder / "pipe", safe_serialization=True)
    return folder / "pipe"


def paint(pipeline, *seeds):
    async def go():
        loaded = painters.load(f"diffusers:{pipeline}", BRUSH, Effort(), None, (), None)
        assert loaded.alone
        try:
            return [(await loaded.painter.paint(prompt(seed))).data for seed in seeds]
        finally:
            await loaded.close()

    return asyncio.run(go())


def prompt(seed):
    return PaintPrompt(text="a red ball", seed=seed, width=32, height=32)


def test_the_same_seed_is_the_same_picture_also_after_loading_again(pipeline):
    one, other, again = paint(pipeline, 1, 2, 1)
    assert one == again
    assert one != other
    assert paint(pipeline, 1) == [one]
    assert one.startswith(b"\x89PNG")


def test_what_the_safety_checker_takes_away_is_blocked():
    def flagging(text, **settings):
        return SimpleNamespace(images=[], nsfw_content_detected=[True])

    with pytest.raises(Blocked, match="safety checker"):
        asyncio.run(DiffusersPainter("diffusers:x", flagging, BRUSH).paint(prompt(1)))


def test_a_folder_without_a_pipeline_is_named(tmp_path):
    with pytest.raises(UserError, match="no model_index"):
        painters.load(f"diffusers:{tmp_path}", BRUSH, Effort(), None, (), None)
