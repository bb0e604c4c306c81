"""Processors and chat templates: how a conversation becomes the text and pixels a checkpoint was trained on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vlsbench.core.errors import MissingExtra, UserError
from vlsbench.core.types import Prompt
from vlsbench.models.local.template_trial import TemplateTooHungry, try_out
from vlsbench.models.local.templates import Marks, TemplateFailed, Trial, literals_of, render, role_words, tokens_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, ProcessorMixin

PLAIN_TEMPLATE = (
    "{% for m in messages %}{{ m['role'] | upper }}: {% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}IMAGE_TOKEN{{ '\n' }}{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
    "{{ '\n' }}{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
"""For checkpoints without a chat template: roles in capitals, the image before the text."""


def load_processor(folder: Path, *, trust_remote_code: bool = False) -> ProcessorMixin:
    """The processor of a checkpoint, set up for batched generation.

    Raises:
        MissingExtra: The tokenizer needs sentencepiece.
        UserError: Processor or tokenizer files are missing or do not fit.
    """
    from transformers import AutoProcessor

    check_sentencepiece(folder)
    try:
        processor = AutoProcessor.from_pretrained(folder, trust_remote_code=trust_remote_code)
    except ImportError as error:
        processor = _without_video(folder, error)
    except Exception as error:
        raise _missing(folder, error) from error
    if getattr(processor, "tokenizer", None) is None or getattr(processor, "image_processor", None) is None:
        raise _missing(folder, None)
    return ready_for_batches(processor)


def check_sentencepiece(folder: Path) -> None:
    """Whether the tokenizer can be read: older checkpoints have a sentencepiece model and nothing else.

    Raises:
        MissingExtra: The packages that read it are not installed.
    """
    from importlib.util import find_spec

    if (folder / "tokenizer.json").is_file() or not (folder / "tokenizer.model").is_file():
        return
    if find_spec("sentencepiece") is None or find_spec("google") is None or find_spec("google.protobuf") is None:
        raise MissingExtra("sentencepiece and protobuf", "hf")


def ready_for_batches(processor: ProcessorMixin) -> ProcessorMixin:
    """Left padding with a pad token, without which batched generation gives wrong text."""
    tokenizer = processor.tokenizer
    tokenizer.padding_side = "left"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return processor


def _missing(folder: Path, error: Exception | None) -> UserError:
    why = f" ({_first_line(error)})" if error else ""
    return UserError(
        f"{folder} lacks processor files, or they are damaged{why}. It needs a tokenizer "
        "(tokenizer.json or tokenizer.model) and preprocessor_config.json or processor_config.json: "
        "copy them from the base model."
    )


def _without_video(folder: Path, error: ImportError) -> ProcessorMixin:
    """The same processor for images only: its video half needs torchvision, which nothing here uses.

    Qwen2-VL and its relatives are of this kind.
    """
    from transformers import AutoConfig, AutoImageProcessor, AutoTokenizer
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING, processor_class_from_name

    try:
        config = AutoConfig.from_pretrained(folder)
        name = _processor_class_name(folder)
        base = processor_class_from_name(name) if name else PROCESSOR_MAPPING[type(config)]
        image_processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
        tokenizer = AutoTokenizer.from_pretrained(folder)
        return _image_only(base)(image_processor, tokenizer, chat_template=_template(folder, tokenizer))
    except ImportError:
        raise UserError(f"The processor of {folder} needs another package: {_first_line(error)}") from error
    except Exception as failed:
        raise _missing(folder, failed) from failed


def _image_only(base: type[ProcessorMixin]) -> type[ProcessorMixin]:
    class ImageOnly(base):
        def check_argument_for_proper_class(self, argument_name: str, argument: object) -> object:
            # The parent passes on None for the video half, which transformers refuses.
            if argument_name == "video_processor" and argument is None:
                return None
            return super().check_argument_for_proper_class(argument_name, argument)

        @classmethod
        def get_attributes(cls) -> list[str]:
            return list(base.get_attributes())

    ImageOnly.__name__ = base.__name__
    return ImageOnly


def _processor_class_name(folder: Path) -> str | None:
    for name in ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        path = folder / name
        if path.is_file():
            value = json.loads(path.read_text(encoding="utf-8")).get("processor_class")
            if isinstance(value, str):
                return value
    return None


def _template(folder: Path, tokenizer: PreTrainedTokenizerBase) -> str | None:
    if (folder / "chat_template.jinja").is_file():
        return (folder / "chat_template.jinja").read_text(encoding="utf-8")
    if (folder / "chat_template.json").is_file():
        value = json.loads((folder / "chat_template.json").read_text(encoding="utf-8")).get("chat_template")
        return value if isinstance(value, str) else None
    template = tokenizer.chat_template
    return template if isinstance(template, str) else None


def _first_line(error: Exception | None) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


class Chat:
    """Renders conversations with a checkpoint's own template.

    Special tokens, and the marks and role words of the template, are broken up inside the text of a prompt
    (``<image>`` becomes ``< image>``): a dataset or a judged answer must not be able to open a turn or to
    claim an image that is not there.

    Raises:
        UserError: The template cannot be used at all.
    """

    def __init__(self, processor: ProcessorMixin) -> None:
        self._processor = processor
        tokenizer = processor.tokenizer
        self.image_token = str(
            getattr(processor, "image_token", None) or getattr(tokenizer, "image_token", None) or "<image>"
        )
        self._template: str | None = None
        if not _has_template(processor):
            self._template = PLAIN_TEMPLATE.replace("IMAGE_TOKEN", self.image_token)
        tokens = {*tokens_of(tokenizer), *literals_of(self._written()), self.image_token}
        tokens.add(str(getattr(processor, "video_token", None) or ""))
        self._marks = Marks(tokens)
        self._renderer: Callable[..., str] = Trial(self._apply)
        try:
            try_out(self._written())
            self._plain_content = not self._takes_parts()
            self._marks = Marks(tokens, role_words(self._probe))
        except (TemplateFailed, TemplateTooHungry) as error:
            raise UserError(
                f"The model's chat template cannot write out a single question ({error}). "
                "Copy the base model's chat_template.jinja (or chat_template.json) into the folder."
            ) from error
        # From here on in the thread that prepares, which is left behind should a conversation make the template hang.
        self._renderer = partial(render, self._apply)

    def text(self, prompt: Prompt) -> str:
        """The prompt as one string, ready for the tokenizer, ending where the model goes on.

        Raises:
            ValueError: The template refuses this conversation.
        """
        if prompt.system:
            try:
                text = self._render(self._messages(prompt, prompt.text, system=prompt.system))
                if self._marks.broken(prompt.system).strip() in text:
                    return text
            except TemplateFailed:
                pass
            # A template without a system role: what the system said leads the user's text instead.
            return self._rendered(self._messages(prompt, f"{prompt.system}\n\n{prompt.text}"))
        return self._rendered(self._messages(prompt, prompt.text))

    def _rendered(self, messages: Sequence[dict[str, object]]) -> str:
        try:
            return self._render(messages)
        except TemplateFailed as error:
            raise ValueError(f"the model's chat template refuses this conversation: {error}") from error

    def _render(self, messages: Sequence[dict[str, object]]) -> str:
        asked = self._renderer(messages, generation_prompt=True)
        if messages[-1]["role"] != "assistant":
            return asked
        # A guard's template opens the verdict itself; a second opening would be one too many.
        bare = self._renderer(messages, generation_prompt=False)
        opening = asked.removeprefix(bare).strip() if asked.startswith(bare) else ""
        return bare if opening and bare.rstrip().endswith(opening) else asked

    def _apply(self, messages: Sequence[dict[str, object]], *, generation_prompt: bool) -> str:
        rendered = self._processor.apply_chat_template(
            list(messages), chat_template=self._template, tokenize=False, add_generation_prompt=generation_prompt
        )
        return str(rendered)

    def _messages(self, prompt: Prompt, text: str, *, system: str | None = None) -> list[dict[str, object]]:
        messages = [self._message("system", system)] if system else []
        messages.append(self._message("user", text, images=len(prompt.images)))
        messages.extend(self._message(turn.role, turn.text) for turn in prompt.earlier)
        return messages

    def _message(self, role: str, text: str, *, images: int = 0) -> dict[str, object]:
        clean = self._marks.broken(text)
        if self._plain_content:
            return {"role": role, "content": f"{self.image_token}\n" * images + clean}
        parts: list[dict[str, str]] = [{"type": "image"} for _ in range(images)]
        return {"role": role, "content": [*parts, {"type": "text", "text": clean}]}

    def _probe(self, turns: Sequence[tuple[str, str]]) -> str:
        return self._render([self._message(role, text) for role, text in turns])

    def _written(self) -> str:
        """The template's source; of several named ones, all of them."""
        template = self._template or self._processor.chat_template
        return "\n".join(map(str, template.values())) if isinstance(template, dict) else str(template)

    def _takes_parts(self) -> bool:
        """Whether the template understands a list of parts, as most do, or plain strings only."""
        self._plain_content = False
        probe: dict[str, object] = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "probe"}]}
        try:
            text = self._renderer([probe], generation_prompt=True)
        except TemplateFailed:
            return False
        return "probe" in text and "'type'" not in text and self.image_token in text


def _has_template(processor: ProcessorMixin) -> bool:
    if getattr(processor, "chat_template", None):
        return True
    template = getattr(processor.tokenizer, "chat_template", None)
    if template:
        processor.chat_template = template
    return bool(template)
