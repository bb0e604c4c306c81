"""Load a checkpoint's weights: which device, which dtype, which files are safe, which adapter fits."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlsbench.core.errors import UserError, VLSBenchError
from vlsbench.models.local.origin import Settings, Source, read_json

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedConfig, PreTrainedModel

DTYPES = ("auto", "float32", "bfloat16", "float16")

_WIDEN_BYTES = 1_000_000_000
_FITS_ON_ONE_CARD = 0.6


def load_model(
    folder: Path,
    *,
    dtype: str,
    device: str,
    trust_remote_code: bool = False,
    elsewhere: str | None = None,
    **more: Any,
) -> PreTrainedModel:
    """An image-text-to-text model with every weight loaded from the folder, in evaluation mode.

    Args:
        folder: A transformers checkpoint.
        dtype: One of `DTYPES`. ``auto``: as saved, but float32 on a CPU for checkpoints up to 1 GB, where
            half precision is slower and host memory allows.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; ``auto`` spreads a model that is too large for
            one GPU over all of them.
        trust_remote_code: Allow the checkpoint to bring Python code.
        elsewhere: Prefix of tensors that may be missing here because the caller loads them from another place.
        more: Passed on to ``from_pretrained``: an adjusted config or key mapping.

    Raises:
        UserError: Text-only, unsafe, damaged or incomplete weights; a device that is not there.
    """
    from transformers import AutoModelForImageTextToText

    config = more.pop("config", None) or load_config(folder, trust_remote_code=trust_remote_code)
    check_files(folder)
    if (folder / "generation_config.json").is_file():
        read_json(folder / "generation_config.json", what="a model folder")
    loader = more.pop("loader", AutoModelForImageTextToText)
    with quiet(), clear_errors(folder):
        model, info = loader.from_pretrained(
            folder,
            config=config,
            dtype=_dtype(dtype, device, folder),
            device_map=_device_map(device, folder),
            trust_remote_code=trust_remote_code,
            output_loading_info=True,
            # Else transformers raises, and names the tensors in a report that is printed nowhere.
            ignore_mismatched_sizes=True,
            **more,
        )
    check_shapes(info, folder)
    missing = sorted(key for key in info["missing_keys"] if elsewhere is None or not key.startswith(elsewhere))
    if missing:
        raise UserError(
            f"The weights in {folder} are incomplete: {len(missing)} tensors are missing, for example {missing[0]}. "
            "Fetch or save the checkpoint again."
        )
    return model.eval()


def check_shapes(info: Settings, folder: Path) -> None:
    """Whether every tensor found had the shape that the configuration asks for.

    Raises:
        UserError: One has not.
    """
    wrong = sorted(info["mismatched_keys"], key=str)
    if wrong:
        name, saved, wanted = wrong[0]
        raise UserError(
            f"{folder} does not fit its config.json: {name} is {list(saved)} in the file and {list(wanted)} by "
            f"config.json ({len(wrong)} in all). Fetch or copy both again, from the same place."
        )


def load_config(folder: Path, *, trust_remote_code: bool = False) -> PreTrainedConfig:
    """The checkpoint's configuration.

    Raises:
        UserError: No config.json, an architecture that transformers does not know, or one without image input.
    """
    from transformers import CONFIG_MAPPING, AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

    raw = read_json(folder / "config.json", what="a model folder")
    kind = str(raw.get("model_type", "an unnamed type"))
    try:
        with quiet():
            config = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
    except Exception as error:
        if kind in CONFIG_MAPPING:
            raise UserError(
                f"{folder / 'config.json'} has a value that cannot be ({_words(error)}). Fetch or copy it again."
            ) from error
        hint = (
            " It brings its own code: read it, then pass --trust-remote-code."
            if "auto_map" in raw
            else " Update transformers, or choose another model."
        )
        raise UserError(f"transformers cannot read the architecture {kind!r} of {folder}.{hint}") from error
    own_code = trust_remote_code and "AutoModelForImageTextToText" in raw.get("auto_map", {})
    if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING and not own_code:
        raise UserError(f"{folder} is a {kind!r} model and takes no images. Choose a vision-language model.")
    return config


def check_files(folder: Path) -> None:
    """Refuse folders whose weights are neither safetensors nor PyTorch `.bin` files.

    Raises:
        UserError: There is nothing that can be loaded without running code from the file, or a file is cut short.
    """
    names = sorted(path.name for path in folder.iterdir())
    for path in folder.glob("pytorch_model*.bin"):
        with path.open("rb") as file:
            start = file.read(2)
        if not start or (start == b"PK" and not zipfile.is_zipfile(path)):
            raise UserError(
                f"{path} is damaged: it is {'empty' if not start else 'cut short'}. Fetch or copy it again."
            )
    if any(name.endswith(".safetensors") or (name.startswith("pytorch_model") and ".bin" in name) for name in names):
        return
    others = [
        name for name in names if name.endswith((".pth", ".pt", ".ckpt", ".h5", ".msgpack", ".gguf", ".pkl", ".bin"))
    ]
    found = f" It holds {', '.join(others[:3])}, which is not loaded." if others else ""
    raise UserError(
        f"{folder} has no weights that can be loaded safely (*.safetensors, or pytorch_model*.bin with plain tensors)."
        f"{found} Convert or fetch the checkpoint as safetensors."
    )


def refuse_bare_adapter(folder: Path) -> None:
    """Refuse an adapter that is given as a model.

    Raises:
        UserError: The folder has an adapter's settings and no model's.
    """
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        recorded = read_json(folder / "adapter_config.json", what="a PEFT adapter").get("base_model_name_or_path")
        raise UserError(f"{folder} is an adapter, not a model. Write hf:{recorded or 'BASE'}+{folder}.")


def refuse_adapter_beside(folder: Path) -> None:
    """Refuse a model with an adapter in its folder, which transformers would put on it without a word.

    Raises:
        UserError: There is an adapter_config.json.
    """
    if (folder / "adapter_config.json").is_file():
        raise UserError(
            f"{folder} holds an adapter (adapter_config.json) beside a model, and it is not clear which is meant. Move "
            "the adapter's files to a folder of their own; then hf:BASE is the model alone and hf:BASE+FOLDER the "
            "adapted one."
        )


def load_adapter(model: PreTrainedModel, folder: Path, base: Path, source: Source) -> PeftModel:
    """The model with a PEFT adapter on it, merged where the adapter's kind allows.

    Raises:
        UserError: Not an adapter, damaged, or made for another base model.
    """
    from peft import PeftConfig, PeftModel

    raw = read_json(folder / "adapter_config.json", what="a PEFT adapter")
    _check_base_name(raw, source, base)
    mismatch = UserError(f"The adapter {folder} was made for another model than {base}: its layers do not fit.")
    mapping = raw.get("auto_mapping")
    kind = mapping.get("base_model_class") if isinstance(mapping, dict) else None
    if kind and kind != type(model).__name__:
        raise UserError(f"The adapter {folder} was made for a {kind}, but {base} is a {type(model).__name__}.")
    with quiet(), clear_errors(folder):
        try:
            config = PeftConfig.from_pretrained(str(folder))
            config.inference_mode = True
            adapted = PeftModel(model, config)
            result = adapted.load_adapter(str(folder), "default", torch_device="cpu")
        except (ValueError, RuntimeError, KeyError, TypeError) as error:
            if isinstance(error, pickle.UnpicklingError):
                raise
            raise mismatch from error
    if result.missing_keys or result.unexpected_keys:
        raise mismatch
    merge = getattr(adapted, "merge_and_unload", None)
    return (merge() if merge and config.peft_type == "LORA" else adapted).eval()


def _check_base_name(raw: Settings, source: Source, base: Path) -> None:
    recorded = raw.get("base_model_name_or_path")
    if not isinstance(recorded, str) or not recorded:
        return
    if Path(recorded).expanduser().is_dir():
        differs = Path(recorded).expanduser().resolve() != base
    else:
        # A path of another machine says nothing; two names of the hub do.
        both_on_hub = (
            recorded.count("/") == 1 and not recorded.startswith((".", "/", "~")) and not source.base.is_folder
        )
        differs = both_on_hub and recorded.lower() != source.base.name.lower()
    if differs and source.adapter is not None:
        raise UserError(
            f"The adapter {source.adapter.name} was made for {recorded}, not for {source.base.name}. "
            f"Use hf:{recorded}+{source.adapter.name}."
        )


def check_device(device: str) -> str:
    """The device to use, ``auto`` resolved to the best at hand.

    Raises:
        UserError: The device does not exist here.
    """
    import torch

    cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return "cuda" if cuda else "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, index = device.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and not index.isdigit()):
        raise UserError(f"No device named {device!r}. Known: auto, cpu, cuda, cuda:N, mps.")
    if kind == "cuda" and int(index or 0) >= cuda:
        have = f"{cuda} GPU{'s' if cuda != 1 else ''} visible" if cuda else "no CUDA GPU is visible to torch"
        raise UserError(f"Asked for device {device!r}, but {have}. Use --device cpu, or install a CUDA build of torch.")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UserError("Asked for device 'mps', but torch has no Metal GPU here. Use --device cpu.")
    return device


def _dtype(dtype: str, device: str, folder: Path) -> str:
    if dtype not in DTYPES:
        raise UserError(f"No dtype named {dtype!r}. Known: {', '.join(DTYPES)}.")
    if dtype == "auto" and device == "cpu" and weight_bytes(folder) <= _WIDEN_BYTES:
        return "float32"
    return dtype


def _device_map(device: str, folder: Path) -> str | dict[str, str] | None:
    import torch

    if device == "cpu":
        return None
    if device != "cuda" or torch.cuda.device_count() == 1:
        return {"": "cuda:0" if device == "cuda" else device}
    room = torch.cuda.get_device_properties(0).total_memory * _FITS_ON_ONE_CARD
    return {"": "cuda:0"} if weight_bytes(folder) <= room else "auto"


def weight_bytes(folder: Path) -> int:
    """Size of the weight files on disk."""
    files = list(folder.glob("*.safetensors")) or list(folder.glob("pytorch_model*.bin"))
    return sum(path.stat().st_size for path in files)


@contextmanager
def clear_errors(folder: Path) -> Iterator[None]:
    """Turn what a loader raises into messages that say what to do.

    Raises:
        UserError: In place of the library's errors.
    """
    from safetensors import SafetensorError

    try:
        yield
    except VLSBenchError:
        raise
    except pickle.UnpicklingError as error:
        raise UserError(
            f"A weight file in {folder} holds more than plain tensors and is refused: loading it could run code. "
            "Fetch or convert the checkpoint as safetensors."
        ) from error
    except (SafetensorError, EOFError) as error:
        raise UserError(f"A weight file in {folder} is damaged ({_words(error)}). Fetch or copy it again.") from error
    except Exception as error:
        import torch

        if isinstance(error, torch.OutOfMemoryError):
            raise UserError(
                f"{folder} does not fit into the memory of the GPU. Try --dtype bfloat16 or --device cpu."
            ) from error
        raise UserError(
            f"{folder} cannot be loaded ({_words(error)}). Check its config.json, or fetch or copy the folder again."
        ) from error


def _words(error: Exception) -> str:
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return (
        line
        if line and isinstance(error, OSError | RuntimeError | ValueError)
        else f"{type(error).__name__} {line}".strip()
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings, progress bars and load reports; what matters is raised as an error instead."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
