"""Workers on Ray under ``kill -9``: of a worker, of a node, of the driver.

    python -m benchmarks.faults_workers [--quick] [--minutes 10] [--seed 1]

Every trial is a real ``vlsbench eval`` with two workers on a cluster of two nodes, all on this machine, in which one
process is killed at a random moment. What must hold: each sample has one answer and one verdict, and they are those of
one process without workers. The table is in docs/reliability.md. Needs the extras `bench` and `ray`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.fault_checks import lines, verdicts
from benchmarks.measure import environment, machine, table

MODEL, DATASET, JUDGE = "mini:multimodal-sft", "mini:leakless", "template"
TIME_LIMIT_S = 300.0
KINDS = ("a worker", "the driver", "a node")

_CLUSTER = """
import sys
from ray.cluster_utils import Cluster
node = dict(num_cpus=1, object_store_memory=80_000_000, include_dashboard=False)
cluster = Cluster(initialize_head=True, head_node_args={**node, "num_cpus": 0})
def add():
    raylet = cluster.add_node(**node).all_processes["raylet"][0].process.pid
    print(raylet, flush=True)
print(cluster.address, flush=True)
for line in sys.stdin:
    if line.startswith("add"):
        add()
    else:
        break
cluster.shutdown()
"""


@dataclass(slots=True)
class Nodes:
    """A cluster in a process of its own: its address, and the raylets of its worker nodes."""

    process: subprocess.Popen[str]
    environment: dict[str, str]
    address: str
    raylets: list[int]

    def add(self) -> None:
        """Another node."""
        self.raylets.append(int(self._said("add")))

    def workers(self) -> list[int]:
        """The processes that hold a model at this moment."""
        found = []
        for raylet in self.raylets:
            if psutil.pid_exists(raylet):
                children = psutil.Process(raylet).children()
                found += [
                    child.pid for child in children if child.cmdline()[:1] and "ray::Worker" in child.cmdline()[0]
                ]
        return found

    def _said(self, asked: str) -> str:
        if self.process.stdin is None or self.process.stdout is None:
            raise ValueError("the cluster has no pipes")
        self.process.stdin.write(f"{asked}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()


@contextmanager
def cluster() -> Iterator[Nodes]:
    """A cluster of two nodes with one CPU each, beside a head without, behind a token."""
    more = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    more |= {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", _CLUSTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment() | more,
    )
    try:
        if process.stdout is None:
            raise ValueError("the cluster has no pipes")
        nodes = Nodes(process, environment() | more, process.stdout.readline().strip(), [])
        nodes.add()
        nodes.add()
        yield nodes
    finally:
        process.communicate("end\n", timeout=60)


def start(run: Path, n: int, nodes: Nodes | None = None) -> subprocess.Popen[str]:
    """An evaluation in a process of its own, on a cluster or without workers."""
    command = [sys.executable, "-m", "vlsbench", "eval", "--model", MODEL, "--dataset", f"{DATASET}:{n}"]
    command += ["--judge", JUDGE, "--out", str(run), "--quiet", "--device", "cpu"]
    command += ["--workers", "2", "--ray", nodes.address] if nodes is not None else []
    return subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=nodes.environment if nodes is not None else environment() | {"OMP_NUM_THREADS": "1"},
    )


def wait_for(run: Path, answers: int, process: subprocess.Popen[str]) -> int:
    """Until so many answers are recorded, or the process has ended; returns how many are."""
    until = time.monotonic() + TIME_LIMIT_S
    while (found := answered(run)) < answers and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    return found


def answered(run: Path) -> int:
    """How many lines there are."""
    path = run / "responses.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def trial(kind: str, rng: random.Random, nodes: Nodes, n: int, folder: Path) -> tuple[Path, list[str]]:
    """One evaluation in which something is killed; returns its run folder, and what was wrong with its end."""
    run = folder / f"{kind}-{rng.random():.9f}"
    process = start(run, n, nodes)
    at = wait_for(run, rng.randrange(1, n * 2 // 3), process)
    if process.poll() is not None:
        raise SystemExit(f"{kind}: ended before it could be killed: {(process.stderr and process.stderr.read()) or ''}")
    if kind == "a worker":
        os.kill(rng.choice(nodes.workers()), signal.SIGKILL)
    elif kind == "a node":
        os.kill(nodes.raylets.pop(rng.randrange(len(nodes.raylets))), signal.SIGKILL)
        nodes.add()
    else:
        process.kill()
        process.communicate()
        process = start(run, n, nodes)
    _, err = process.communicate(timeout=TIME_LIMIT_S)
    print(f"{kind} killed at {at} of {n}, exit code {process.returncode}", file=sys.stderr, flush=True)
    bad = [f"exit code {process.returncode}: {err[-1500:]}"] if process.returncode or "Traceback" in err else []
    return run, bad


def wrong(run: Path, alone: Path) -> Iterator[str]:
    """What does not hold of a run, beside the one without workers."""
    for name, found, wanted in (
        ("answers", lines(run / "responses.jsonl"), lines(alone / "responses.jsonl")),
        ("verdicts", lines(verdicts(run)), lines(verdicts(alone))),
    ):
        times = Counter(record["sample_id"] for record in found)
        if lost := len(wanted) - len(times):
            yield f"{lost} {name} lost"
        if doubled := sum(count > 1 for count in times.values()):
            yield f"{doubled} {name} doubled"
        if {_key(record) for record in found} != {_key(record) for record in wanted}:
            yield f"{name} differ from those of one process"


def _key(record: dict[str, Any]) -> str:
    left_out = ("latency_s",)
    return json.dumps({name: value for name, value in record.items() if name not in left_out}, sort_keys=True)


def main() -> None:
    """Print what was tried and what did not hold; exit 1 where something did not."""
    parser = argparse.ArgumentParser(description="Kill workers, nodes and drivers, and count what is lost or doubled.")
    parser.add_argument("--quick", action="store_true", help="one round: does the campaign work at all?")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=int, default=1200)
    parser.add_argument("--only", choices=KINDS)
    args = parser.parse_args()
    started = time.monotonic()
    tries: Counter[str] = Counter()
    violations: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as place:
        alone = Path(place) / "alone"
        start(alone, args.samples).communicate(timeout=TIME_LIMIT_S)
        with cluster() as nodes:
            number = 0
            while time.monotonic() - started < args.minutes * 60 and not (args.quick and number):
                rng = random.Random(f"{args.seed}-{number}")
                for kind in KINDS if args.only is None else (args.only,):
                    run, bad = trial(kind, rng, nodes, args.samples, Path(place))
                    tries[kind] += 1
                    for what in (*bad, *wrong(run, alone)):
                        violations[kind] += 1
                        print(f"VIOLATION {kind}: {what}", file=sys.stderr, flush=True)
                number += 1
    print(f"Seed {args.seed}, {time.monotonic() - started:.0f} s, {machine()}.\n")
    print(
        table(
            ["kill -9 of", "tries", "violations"], [[kind, f"{tries[kind]}", f"{violations[kind]}"] for kind in tries]
        )
    )
    if violations:
        sys.exit(1)


if __name__ == "__main__":
    main()
