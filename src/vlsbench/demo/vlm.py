"""The tiny VLM of the miniature world: a LLaVA of about 1.2 million parameters, untrained.

A CLIP vision tower and a Llama, joined by a two-layer projector, exactly as in the full-size model
(Liu et al., 2023), so that every program that loads a LLaVA from a folder loads this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlsbench.miniworld import language, scenes

if TYPE_CHECKING:
    import torch
    from transformers import LlavaForConditionalGeneration, LlavaProcessor, PreTrainedTokenizerFast

PATCH = 16
"""Edge of a vision patch in pixels; a picture becomes (64 / 16) ** 2 = 16 tokens."""

WIDTH = 128
VISION_LAYERS = 4
TEXT_LAYERS = 3
HEADS = 4

CHAT_TEMPLATE = """\
{%- for message in messages -%}
{{- message['role'].upper() + ': ' -}}
{%- if message['content'] is string -%}{{- message['content'] -}}
{%- else -%}
{%- for part in message['content'] if part['type'] == 'image' -%}{{- '<image> ' -}}{%- endfor -%}
{%- for part in message['content'] if part['type'] == 'text' -%}{{- part['text'] -}}{%- endfor -%}
{%- endif -%}
{{- '</s>' if message['role'] == 'assistant' else ' ' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- 'ASSISTANT: ' -}}{%- endif -%}"""


def build_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of whole words and punctuation marks over the sentences of the world.

    Returns:
        A ``PreTrainedTokenizerFast``; unknown words become ``<unk>``.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["<unk>", "<s>", "</s>", "<pad>", "<image>"]
    words = pre_tokenizers.Split(Regex(r"\w+|[^\w\s]"), behavior="removed", invert=True)
    found = {word for text in [*language.corpus(), "USER: ASSISTANT:"] for word, _ in words.pre_tokenize_str(text)}
    vocabulary = {word: number for number, word in enumerate([*special, *sorted(found)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = words
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)  # Joins "." and "," to the word before.
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        padding_side="left",
        model_max_length=512,
        extra_special_tokens={"image_token": "<image>"},
    )


def build_processor(tokenizer: PreTrainedTokenizerFast) -> LlavaProcessor:
    """The ``LlavaProcessor`` for the tokenizer: image preparation and chat template included."""
    from transformers import CLIPImageProcessorPil, LlavaProcessor

    images = CLIPImageProcessorPil(
        size={"shortest_edge": scenes.SIZE},
        crop_size={"height": scenes.SIZE, "width": scenes.SIZE},
        image_mean=[0.5] * 3,
        image_std=[0.25] * 3,
    )
    return LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE,
    )


def build_model(tokenizer: PreTrainedTokenizerFast, seed: int = 0) -> LlavaForConditionalGeneration:
    """An untrained ``LlavaForConditionalGeneration``, its weights drawn from the seed."""
    import torch
    from transformers import LlavaConfig, LlavaForConditionalGeneration

    torch.manual_seed(seed)
    ends = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("pad", "bos", "eos")}
    vision = {
        "model_type": "clip_vision_model",
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": VISION_LAYERS,
        "num_attention_heads": HEADS,
        "image_size": scenes.SIZE,
        "patch_size": PATCH,
        "projection_dim": WIDTH,
        "hidden_act": "gelu",
    }
    text = {
        "model_type": "llama",
        "vocab_size": (len(tokenizer) + 31) // 32 * 32,
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": TEXT_LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "max_position_embeddings": 512,
        "tie_word_embeddings": True,
        **ends,
    }
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=(scenes.SIZE // PATCH) ** 2,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=True,
    )
    model = LlavaForConditionalGeneration(config)
    for name, number in ends.items():
        setattr(model.generation_config, name, number)
    model.generation_config.do_sample = False
    with torch.no_grad():
        positions = model.model.vision_tower.embeddings.position_embedding.weight
        positions[0] = 0
        positions[1:] = 0.5 * _grid_positions(scenes.SIZE // PATCH)
    return model


def _grid_positions(edge: int) -> torch.Tensor:
    """Sine and cosine of row and column, (edge * edge, WIDTH): patches know their place from the start."""
    import torch

    rows, columns = torch.meshgrid(torch.arange(edge), torch.arange(edge), indexing="ij")
    rates = 1 / 100 ** (torch.arange(WIDTH // 4) / (WIDTH // 4))
    waves = [turn(axis.flatten()[:, None] * rates) for axis in (columns, rows) for turn in (torch.sin, torch.cos)]
    return torch.cat(waves, 1)
