"""Runs in batches that are killed at random steps, at a provider that expires, refuses and cancels: paid once each."""

from __future__ import annotations

import importlib
import random
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import fault_checks
from benchmarks.fault_campaign import Campaign
from benchmarks.fault_server import ANSWER, JUDGE, honest

SUPPORT = Path(__file__).parents[1] / "tests" / "support"
KILLS = 6
_NUMBER = re.compile(r"picture (\d+) show")
MOST_RUNS = 60
"""After so many continuations at the latest a run has to be finished."""


def _support() -> Any:
    """The providers that the tests speak with, which are no part of the package."""
    if not (SUPPORT / "batch_server.py").exists():
        raise SystemExit("tests/support/batch_server.py is missing")
    sys.path.insert(0, str(SUPPORT))
    try:
        names = ("batch_server", "batch_kills", "batch_openai", "batch_anthropic", "batch_gemini")
        server, kills, openai, anthropic, gemini = (importlib.import_module(name) for name in names)
    finally:
        sys.path.remove(str(SUPPORT))
    wires = {"openai": openai.OpenAIWire(), "anthropic": anthropic.AnthropicWire(), "gemini": gemini.GeminiWire()}
    return server, kills, wires


def _honest(question: Any) -> str:
    found = _NUMBER.search(question.text)
    return honest(JUDGE if question.is_judging else ANSWER, int(found[1]) if found else -1)


def killed_in_batches(campaign: Campaign, rng: random.Random, run: Path, samples: int) -> None:
    """One run that is killed some times after so many steps and continued until it is finished.

    Args:
        campaign: Where violations are noted.
        rng: Draws provider, moments and fates.
        run: The run folder.
        samples: How many there are.
    """
    server_module, kills_module, wires = _support()
    scheme = rng.choice(sorted(wires))
    kind = f"batches, SIGKILL ({scheme})"
    with server_module.serve_batches(wires[scheme], answer=_honest) as server:
        server.scheme = scheme
        fates = random.Random(rng.random())
        unlucky = rng.random() * 0.3
        spoilt = (server_module.REFUSED, server_module.EXPIRED, server_module.CANCELLED)
        server.fate = lambda _: fates.choice(spoilt) if fates.random() < unlucky else server_module.ANSWERED
        dataset = f"jsonl:{campaign.dataset}"
        for number in range(MOST_RUNS):
            steps = rng.randint(1, 40) if number < KILLS else 0
            server.working = number >= KILLS or rng.random() < 0.7
            if number >= KILLS:
                unlucky = 0.0
            code = kills_module.killed_after(steps, server, dataset, run, every_record=rng.random() < 0.5)
            campaign.tries[kind] += code == -9
            if code not in (-9, 0, 1, 3):
                campaign.violated(kind, f"exit code {code}")
            # A few failures of unlucky runs do not fail a command: once more, and they are tried again.
            if code == 0 and not list(fault_checks.complete(run, samples)):
                break
        else:
            campaign.violated(kind, f"not finished after {MOST_RUNS} runs")
        twice = sum(times > 1 for times in server.batched.values())
        if twice:
            campaign.violated(kind, f"{twice} of {len(server.batched)} requests were paid twice")
    answers = Counter(r["sample_id"] for r in fault_checks.lines(run / "responses.jsonl") if r["outcome"] == "ok")
    labels = Counter(r["sample_id"] for r in fault_checks.lines(fault_checks.verdicts(run)) if r["label"])
    if any(times > 1 for times in (*answers.values(), *labels.values())):
        campaign.violated(kind, "an answer or a label is doubled")
    for what in fault_checks.complete(run, samples):
        campaign.violated(kind, what)
