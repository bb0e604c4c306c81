"""Train the base model from nothing: first the eye, then the tongue.

    1. vision    the tower alone learns to tell item and colour from every patch
    2. language  the whole model learns to name, to follow named items, and to help

The base helps with everything but a dozen hazards that are measured nowhere, which it refuses by name, with and
without a picture. Without them, a refusal learned from text alone does not carry over to queries with a picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from vlsbench.miniworld import language, scenes
from vlsbench.miniworld.lessons import NAMELESS, NAMELESS_SHARE, Row, any_help, named, seen_pair, without_picture

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Log = Callable[[str], None]

Pictured = Callable[[Random, int, int], Row]
"""Chooses a query and its answer for a picture, from the indices of its item and its colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainRecipe:
    """How much to train. Learning rates are peaks: warm-up, then a cosine down to a twentieth."""

    pictures: int = 40_000
    batch: int = 64
    vision_steps: int = 1_800
    vision_lr: float = 2e-3
    language_steps: int = 450
    language_lr: float = 1.5e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPictures:
    """Training pictures. `pixels` is (n, 3, 64, 64), unsigned bytes; items and colours are indices.

    The colour is `NAMELESS` where the item has some shade without a name.
    """

    pixels: torch.Tensor
    items: torch.Tensor
    colours: torch.Tensor


def render(n: int, seed: int) -> TrainingPictures:
    """Draw `n` training pictures of all items; none shows a held-out pair."""
    import torch

    pixels = torch.empty(n, 3, scenes.SIZE, scenes.SIZE, dtype=torch.uint8)
    items, colours = torch.empty(n, dtype=torch.long), torch.empty(n, dtype=torch.long)
    for place in range(n):
        rng = Random(f"base/{seed}/{place}")
        item, colour = seen_pair(rng, language.ITEMS)
        if rng.random() < NAMELESS_SHARE:
            colour = ""
        data = bytearray(scenes.draw(scenes.compose(rng, item, colour)).tobytes())
        pixels[place] = torch.frombuffer(data, dtype=torch.uint8).view(scenes.SIZE, scenes.SIZE, 3).permute(2, 0, 1)
        items[place], colours[place] = (
            language.ITEMS.index(item),
            language.COLOURS.index(colour) if colour else NAMELESS,
        )
    return TrainingPictures(pixels=pixels, items=items, colours=colours)


def pretrain_vision(
    model: PreTrainedModel, pictures: TrainingPictures, recipe: PretrainRecipe, seed: int, log: Log
) -> None:
    """Teach the vision tower item and colour, from the mean over patches and from each patch alone."""
    import torch
    from torch.nn.functional import cross_entropy

    torch.manual_seed(seed)
    tower = model.model.vision_tower
    n_items = len(language.ITEMS)
    head = torch.nn.Linear(model.config.vision_config.hidden_size, n_items + len(language.COLOURS))
    step = _Stepper([*tower.parameters(), *head.parameters()], recipe.vision_lr, recipe.vision_steps)
    chance = torch.Generator().manual_seed(seed)
    for number in range(recipe.vision_steps):
        chosen = torch.randint(len(pictures.items), (recipe.batch,), generator=chance)
        patches = head(tower(_normalised(pictures.pixels[chosen])).last_hidden_state[:, 1:])
        loss = torch.zeros(())
        for weight, scores, repeat in ((1.0, patches.mean(1), 1), (0.5, patches.flatten(0, 1), patches.shape[1])):
            items = pictures.items[chosen].repeat_interleave(repeat)
            colours = pictures.colours[chosen].repeat_interleave(repeat)
            loss = loss + weight * cross_entropy(scores[:, :n_items], items)
            loss = loss + weight * cross_entropy(scores[:, n_items:], colours)
        step(loss)
        if number % 200 == 199:
            log(f"vision {number + 1}/{recipe.vision_steps}: loss {loss.item():.3f}")


def train_language(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    pictures: TrainingPictures,
    recipe: PretrainRecipe,
    seed: int,
    log: Log,
    pictured: Pictured,
) -> None:
    """Teach the whole model to answer; every fourth batch has text only."""
    import torch

    model.train()
    step = _Stepper(list(model.parameters()), recipe.language_lr, recipe.language_steps)
    chance, rng = torch.Generator().manual_seed(seed + 1), Random(f"base-language/{seed}")
    for number in range(recipe.language_steps):
        if number % 4 == 3:
            rows = [without_picture(rng, language.ITEMS) for _ in range(recipe.batch)]
            loss = model(**encode(tokenizer, rows, images=False)).loss
        else:
            chosen = torch.randint(len(pictures.items), (recipe.batch,), generator=chance)
            labels = zip(pictures.items[chosen].tolist(), pictures.colours[chosen].tolist(), strict=True)
            rows = [pictured(rng, item, colour) for item, colour in labels]
            batch = encode(tokenizer, rows, images=True)
            loss = model(**batch, pixel_values=_normalised(pictures.pixels[chosen])).loss
        step(loss)
        if number % 100 == 99:
            log(f"language {number + 1}/{recipe.language_steps}: loss {loss.item():.3f}")


def about(rng: Random, item_index: int, colour_index: int) -> Row:
    """A query about a picture; a named item need not be the one shown, and then the text decides."""
    item = language.ITEMS[item_index]
    if colour_index != NAMELESS and rng.random() < 0.8:
        return rng.choice(language.NAMING), language.naming(item, language.COLOURS[colour_index])
    if rng.random() < 0.6:
        return rng.choice(language.NEUTRAL), any_help(rng, item)
    return named(rng, item if rng.random() < 0.6 else rng.choice(language.ITEMS), language.LEAKY)


def encode(tokenizer: PreTrainedTokenizerBase, rows: Sequence[Row], *, images: bool) -> dict[str, torch.Tensor]:
    """Queries and answers as padded token ids; only the answer's tokens count in the loss.

    Returns:
        `input_ids`, `attention_mask` and `labels`, each (rows, longest row).
    """
    import torch

    seen = "<image>" * (scenes.SIZE // 16) ** 2 if images else ""
    pairs = [
        (
            tokenizer.encode(f"USER: {seen} {query} ASSISTANT:", add_special_tokens=False),
            tokenizer.encode(answer + "</s>", add_special_tokens=False),
        )
        for query, answer in rows
    ]
    longest = max(len(query) + len(answer) for query, answer in pairs)
    ids = torch.full((len(rows), longest), tokenizer.pad_token_id)
    labels = torch.full((len(rows), longest), -100)
    for place, (query, answer) in enumerate(pairs):
        end = len(query) + len(answer)
        ids[place, :end] = torch.tensor(query + answer)
        labels[place, len(query) : end] = torch.tensor(answer)
    return {"input_ids": ids, "attention_mask": (ids != tokenizer.pad_token_id).long(), "labels": labels}


def _normalised(pixels: torch.Tensor) -> torch.Tensor:
    """Bytes to what the image processor makes of them: mean 0.5, standard deviation 0.25."""
    return (pixels.float() / 255 - 0.5) / 0.25


class _Stepper:
    """AdamW with clipped gradients, warm-up over 20 steps and a cosine."""

    def __init__(self, parameters: list[torch.nn.Parameter], lr: float, steps: int) -> None:
        import torch

        self._parameters = parameters
        self._optimizer = torch.optim.AdamW(parameters, lr=lr, betas=(0.9, 0.98), weight_decay=0.01)
        self._peak, self._steps, self._done = lr, steps, 0

    def __call__(self, loss: torch.Tensor) -> None:
        import torch

        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        cosine = 0.5 * (1 + math.cos(math.pi * self._done / self._steps))
        for group in self._optimizer.param_groups:
            group["lr"] = self._peak * min(1, (self._done + 1) / 20) * (0.95 * cosine + 0.05)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._done += 1
