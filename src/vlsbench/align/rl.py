"""Reinforcement learning from a judge's verdicts, over TRL's RLOOTrainer and GRPOTrainer.

The paper's RL is PPO. TRL has given PPO up; RLOO is the closest to it that is left: the divergence from the reference
is part of the reward, as in PPO-RLHF, and only the learned baseline is replaced by the mean of the other samples.

References:
    Ahmadian et al. (2024), Back to Basics: Revisiting REINFORCE Style Optimization. arXiv:2402.14740 (RLOO).
    Shao et al. (2024), DeepSeekMath. arXiv:2402.03300 (GRPO).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from vlsbench.align.examples import TrainingExample, prompts, table
from vlsbench.align.rewards import Rewards, RewardWeights
from vlsbench.align.settings import Ground, Log, Training
from vlsbench.align.sft import SFT
from vlsbench.align.work import ADAPTER
from vlsbench.core.errors import DatasetError, UnknownName, UserError
from vlsbench.core.types import Sees
from vlsbench.models import Local
from vlsbench.models.workers.settings import Workers
from vlsbench.run.loading import Effort

if TYPE_CHECKING:
    from transformers import Trainer

ALGORITHMS = ("rloo", "grpo")

PLAIN = RewardWeights()
"""One for what is wanted, minus one for what is not."""

_WARM = "warm-up"
_WARM_BATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class RL(Training):
    """Sample answers, let a judge reward them, and make rewarded ones likelier.

    `batch_size` counts sampled answers per step, `group` of them to each query; `beta` weighs the divergence from
    the model that RL started from. `max_tokens` ends an answer. `warm_up` steps of SFT on the same data come first,
    for a model that never samples a safe answer; their learning rate is `warm_up_lr` (None: that of RL). A local judge
    is held by `workers`, where there are any: they change no reward, and are no part of what the training is.
    """

    verb: ClassVar[str] = "rl"
    title: ClassVar[str] = "reinforcement learning (RL)"

    reward: str
    algorithm: str = "rloo"
    judge_sees: str = Sees.IMAGE.value
    rubric: str | None = None
    weights: RewardWeights = PLAIN
    epochs: float = 1.0
    lr: float = 1e-6
    batch_size: int = 64
    group: int = 8
    beta: float = 0.05
    temperature: float = 1.0
    max_tokens: int = 128
    warm_up: int = 0
    warm_up_lr: float | None = None
    workers: Workers | None = None

    def record(self) -> dict[str, Any]:
        """What an unfinished training is recognised by: who holds the judge is not part of it."""
        return {name: value for name, value in Training.record(self).items() if name != "workers"}

    def options(self) -> list[str]:
        """What is not every method's."""
        words = ["--algorithm", self.algorithm, "--reward", self.reward]
        words += ["--judge-sees", self.judge_sees] if self.judge_sees != Sees.IMAGE else []
        words += ["--rubric", self.rubric] if self.rubric else []
        for one in fields(RewardWeights):
            if (value := getattr(self.weights, one.name)) != getattr(PLAIN, one.name):
                words.append(f"--reward-{one.name.replace('_', '-')}={value:g}")
        words += ["--group", str(self.group), "--beta", f"{self.beta:g}", "--temperature", f"{self.temperature:g}"]
        words += ["--max-tokens", str(self.max_tokens)]
        words += ["--warm-up", str(self.warm_up)] if self.warm_up else []
        return [*words, *(["--warm-up-lr", f"{self.warm_up_lr:g}"] if self.warm_up_lr is not None else [])]

    def check(self, examples: Sequence[TrainingExample]) -> None:
        """The queries have to be known as harmful or benign; a judge's label is worth nothing otherwise."""
        if self.algorithm not in ALGORITHMS:
            raise UnknownName("algorithm of reinforcement learning", self.algorithm, ALGORITHMS)
        if self.group < 2 or self.batch_size % self.group:
            raise UserError(f"--batch-size {self.batch_size} is no multiple of --group {self.group}, at least 2.")
        if not any(example.harmful is not None for example in examples):
            raise DatasetError(
                "No query is known as harmful or benign, so nothing can be rewarded. Mark those of jsonl: files with "
                '"harmful": true or false.'
            )
        if self.algorithm == "grpo" and len({bool(example.images) for example in examples}) > 1:
            raise DatasetError("TRL's GRPO takes data with pictures or without, not both at once. Take rloo for these.")
        if self.warm_up:
            SFT(model=self.model, data=self.data).check(examples)

    def start_from(self, folder: Path, work: Path, log: Log) -> Path:
        """The folder after the warm-up, an SFT of its own in the work folder; with LoRA, RL takes up its adapter."""
        from vlsbench.align.job import train

        if not self.warm_up:
            return folder
        warm = work / _WARM
        after = folder if self.lora else warm
        if warm.exists():
            return after
        log(f"warming up: {self.warm_up} steps of SFT")
        first = SFT(
            model=str(folder),
            data=self.data,
            drop_images=self.drop_images,
            lora=self.lora,
            lr=self.warm_up_lr or self.lr,
            max_length=self.max_length,
            batch_size=_WARM_BATCH,
            seed=self.seed,
            max_steps=self.warm_up,
        )
        train(first, warm, log)
        return after

    def outcome(self, log_history: Sequence[dict[str, Any]]) -> str:
        """The rewards, which the loss of RL does not tell."""
        rewards = [entry["reward"] for entry in log_history if entry.get("reward") is not None]
        if not rewards:
            return "no answer could be judged, so nothing was learned"
        return f"mean reward {rewards[0]:.3f} at first, {rewards[-1]:.3f} at last"

    def trainer(self, ground: Ground) -> Trainer:
        """TRL's `RLOOTrainer` or `GRPOTrainer`."""
        import trl
        from transformers import TrainerCallback

        known = [number for number, example in enumerate(ground.examples) if example.harmful is not None]
        if len(known) < len(ground.examples):
            ground.log(f"{len(ground.examples) - len(known):,} queries not known as harmful or benign are left out")
        rewards = Rewards(
            self.reward,
            sees=Sees(self.judge_sees),
            rubric=self.rubric,
            examples=ground.examples,
            weights=self.weights,
            work=ground.work,
            rank=ground.rank,
            log=ground.log,
            effort=Effort(local=Local(workers=self.workers)),
        )
        ends = {ground.processor.tokenizer.eos_token_id, ground.processor.tokenizer.pad_token_id}

        def judged(completions: Any, completion_ids: Any, number: Any, trainer_state: Any, **_: object) -> Any:
            texts = [completion[0]["content"] for completion in completions]
            cut = [len(ids) >= self.max_tokens and int(ids[-1]) not in ends for ids in completion_ids]
            return rewards(number, texts, cut, trainer_state.global_step)

        class Close(TrainerCallback):
            def on_train_end(self, *_args: object, **_more: object) -> None:
                rewards.close()

        # TRL takes no reference model here: it loads the one that the configuration names.
        ground.model.config._name_or_path = str(ground.base)  # noqa: SLF001
        rloo = self.algorithm == "rloo"
        config, trainer = (trl.RLOOConfig, trl.RLOOTrainer) if rloo else (trl.GRPOConfig, trl.GRPOTrainer)
        examples = [ground.examples[number] for number in known]
        model, lora = ground.model, ground.lora
        if self.lora and self.warm_up:
            from peft import PeftModel

            model, lora = PeftModel.from_pretrained(model, ground.work / _WARM / ADAPTER, is_trainable=True), None
        return trainer(
            model,
            reward_funcs=judged,
            args=config(
                **ground.arguments,
                num_generations=self.group,
                max_completion_length=self.max_tokens,
                beta=self.beta,
                temperature=self.temperature,
            ),
            train_dataset=table({"prompt": prompts(examples), "number": known}, [one.images for one in examples]),
            processing_class=ground.processor,
            peft_config=lora,
            callbacks=[Close()],
        )
