"""Checkpoints in the layout of the original LLaVA release (`liuhaotian/llava-v1.5-7b`; Liu et al., 2023).

Their config says ``model_type: "llava"`` but means another architecture than transformers does: read naively, it
becomes a default model of seven billion random parameters. So the layout is recognised from config.json
before anything is loaded. The language model and projector are renamed on the way in; the CLIP tower comes
from the repository or folder that the config names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vlsbench.core.errors import UserError
from vlsbench.models.local import weights
from vlsbench.models.local.origin import Place, Settings, read_json
from vlsbench.models.local.processors import check_sentencepiece, ready_for_batches

if TYPE_CHECKING:
    from transformers import (
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedConfig,
        PreTrainedTokenizerBase,
    )

TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions. {% endif %}"
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ m['content'][0]['text'] }} "
    "{% else %}{{ m['role'] | upper }}: {% for c in m['content'] %}{% if c['type'] == 'image' %}<image>\n"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{{ '</s>' if m['role'] == 'assistant' else ' ' }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
"""The Vicuna v1 conversation that LLaVA-1.5 was trained on."""

_KEYS = {
    r"^model\.mm_projector\.0\.": "model.multi_modal_projector.linear_1.",
    r"^model\.mm_projector\.2\.": "model.multi_modal_projector.linear_2.",
    r"^model\.vision_tower\.vision_tower\.(?:vision_model\.)?": "model.vision_tower.",
    r"^model\.(layers|embed_tokens|norm)\.": r"model.language_model.\1.",
}
_TEXT_KEYS = (
    "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
    "num_key_value_heads", "max_position_embeddings", "rms_norm_eps", "rope_theta", "hidden_act",
    "bos_token_id", "eos_token_id", "pad_token_id",
)  # fmt: skip
_ADDED = ["<image>", "<pad>"]


def is_original(folder: Path) -> bool:
    """Whether a folder is in the original layout; reads config.json only."""
    config = read_json(folder / "config.json", what="a model folder")
    listed = config.get("architectures")
    names = listed if isinstance(listed, list) else []
    return "mm_vision_tower" in config or any(
        str(name).startswith("LlavaL") and "For" in str(name) and not str(name).endswith("ForConditionalGeneration")
        for name in names
    )


def load(
    folder: Path, fetch: Callable[[Place], Path], *, dtype: str, device: str
) -> tuple[LlavaForConditionalGeneration, LlavaProcessor]:
    """A model and its processor from the original layout.

    Args:
        folder: The checkpoint.
        fetch: Finds the folder of the vision tower.
        dtype: As in `hf_weights.load_model`.
        device: Likewise.

    Raises:
        UserError: A variant of the layout that is not LLaVA-1.5, or files that are missing or damaged.
    """
    from transformers import LlavaForConditionalGeneration

    raw = read_json(folder / "config.json", what="a model folder")
    _check_variant(raw, folder)
    tower_folder = _tower_folder(raw, folder, fetch)
    tower_config = _tower_config(tower_folder)
    processor = _processor(raw, folder, tower_folder, tower_config)
    config = _config(raw, tower_config, processor.tokenizer)
    model = weights.load_model(
        folder,
        dtype=dtype,
        device=device,
        elsewhere="model.vision_tower.",
        loader=LlavaForConditionalGeneration,
        config=config,
        key_mapping=_KEYS,
    )
    _load_tower(model, folder, tower_folder)
    _make_room_for_image_token(model, processor.tokenizer)
    return model, processor


def _check_variant(raw: Settings, folder: Path) -> None:
    projector = raw.get("mm_projector_type")
    if (folder / "adapter_config.json").is_file() or (folder / "non_lora_trainables.bin").is_file():
        raise UserError(
            f"{folder} holds LLaVA's own LoRA files. Merge them with LLaVA's merge_lora_weights.py, "
            "then give the merged folder."
        )
    if projector != "mlp2x_gelu":
        raise UserError(
            f"{folder} has the projector {projector!r}; of the original layout only LLaVA-1.5's mlp2x_gelu is read. "
            "Use the converted checkpoint from the llava-hf organisation."
        )
    if "anyres" in str(raw.get("image_aspect_ratio", "")) or raw.get("image_grid_pinpoints"):
        raise UserError(
            f"{folder} is a LLaVA-NeXT (v1.6) checkpoint in the original layout, which is not read. "
            "Use its conversion, for example hf:llava-hf/llava-v1.6-mistral-7b-hf."
        )
    if "mistral" in str(raw.get("architectures", "")).lower():
        raise UserError(
            f"{folder} has a Mistral language model in the original layout, which is not read. "
            "Use a converted checkpoint from the llava-hf organisation."
        )


def _tower_folder(raw: Settings, folder: Path, fetch: Callable[[Place], Path]) -> Path:
    name = raw.get("mm_vision_tower")
    if not isinstance(name, str) or not name:
        raise UserError(f"{folder}/config.json names no vision tower (mm_vision_tower).")
    beside = folder / name
    return beside.resolve() if beside.is_dir() else fetch(Place(name=name))


def _tower_config(folder: Path) -> PreTrainedConfig:
    from transformers import CLIPVisionConfig

    kind = read_json(folder / "config.json", what="a vision tower").get("model_type")
    if kind not in ("clip", "clip_vision_model"):
        raise UserError(f"The vision tower {folder} is of type {kind!r}; LLaVA-1.5 takes a CLIP model.")
    with weights.clear_errors(folder):
        return CLIPVisionConfig.from_pretrained(folder)


def _processor(raw: Settings, folder: Path, tower_folder: Path, tower_config: PreTrainedConfig) -> LlavaProcessor:
    from transformers import LlavaProcessor
    from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

    check_sentencepiece(folder)
    try:
        tokenizer = _tokenizer(folder)
        image_processor = LlavaImageProcessorPil.from_pretrained(
            tower_folder, do_pad=raw.get("image_aspect_ratio") == "pad"
        )
    except Exception as error:
        raise UserError(
            f"{folder} or its vision tower {tower_folder} lacks processor files "
            "(tokenizer.model or tokenizer.json; preprocessor_config.json). Fetch them again."
        ) from error
    vocabulary = tokenizer.get_vocab()
    tokenizer.add_tokens([token for token in _ADDED if token not in vocabulary], special_tokens=True)
    tokenizer.pad_token = _ADDED[1]
    return ready_for_batches(
        LlavaProcessor(
            image_processor=image_processor,
            tokenizer=tokenizer,
            patch_size=tower_config.patch_size,
            vision_feature_select_strategy=_strategy(raw),
            num_additional_image_tokens=1,
            chat_template=TEMPLATE,
        )
    )


def _tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer, LlamaTokenizer

    # The release has a tokenizer.model only. The automatic choice goes by the config's misleading model type,
    # and then leaves out the word mark at the start of a text: other tokens than the model was trained on.
    if (folder / "tokenizer.json").is_file():
        return AutoTokenizer.from_pretrained(folder)
    if not (folder / "tokenizer.model").is_file():
        # Asked to load from nothing, transformers makes an empty tokenizer without a word.
        raise FileNotFoundError(folder / "tokenizer.model")
    return LlamaTokenizer.from_pretrained(folder)


def _strategy(raw: Settings) -> str:
    return "full" if raw.get("mm_vision_select_feature") == "cls_patch" else "default"


def _config(raw: Settings, tower_config: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase) -> LlavaConfig:
    from transformers import LlavaConfig

    text = {key: raw[key] for key in _TEXT_KEYS if key in raw}
    return LlavaConfig(
        vision_config=tower_config.to_dict(),
        text_config={"model_type": "llama", **text},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=raw.get("mm_vision_select_layer", -2),
        vision_feature_select_strategy=_strategy(raw),
        tie_word_embeddings=bool(raw.get("tie_word_embeddings", False)),
    )


def _load_tower(model: LlavaForConditionalGeneration, folder: Path, tower_folder: Path) -> None:
    """Fill in the CLIP tower, unless the checkpoint brings a fine-tuned one of its own."""
    if _brings_tower(folder):
        return
    from transformers import CLIPVisionModel

    weights.refuse_adapter_beside(tower_folder)
    weights.check_files(tower_folder)
    with weights.quiet(), weights.clear_errors(tower_folder):
        tower, info = CLIPVisionModel.from_pretrained(
            tower_folder, output_loading_info=True, ignore_mismatched_sizes=True
        )
        weights.check_shapes(info, tower_folder)
        if info["missing_keys"]:
            raise UserError(f"The vision tower {tower_folder} is incomplete. Fetch it again.")
        model.model.vision_tower.load_state_dict(tower.state_dict())


def _brings_tower(folder: Path) -> bool:
    index = next(
        (
            folder / n
            for n in ("model.safetensors.index.json", "pytorch_model.bin.index.json")
            if (folder / n).is_file()
        ),
        None,
    )
    if index is not None:
        keys = list(read_json(index, what="a sharded checkpoint").get("weight_map", {}))
    elif (folder / "model.safetensors").is_file():
        from safetensors import safe_open

        with safe_open(folder / "model.safetensors", framework="pt") as file:
            keys = list(file.keys())
    else:
        import torch

        keys = list(torch.load(folder / "pytorch_model.bin", map_location="meta", weights_only=True))
    return any("vision_tower" in key for key in keys)


def _make_room_for_image_token(model: LlavaForConditionalGeneration, tokenizer: PreTrainedTokenizerBase) -> None:
    """Give the added tokens rows of their own, and keep the model from ever writing them."""
    before = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > before:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        model.config.text_config.vocab_size = len(tokenizer)
    model.generation_config.suppress_tokens = [tokenizer.convert_tokens_to_ids(token) for token in _ADDED]
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    if model.generation_config.eos_token_id is None:
        model.generation_config.eos_token_id = tokenizer.eos_token_id
