"""How much the engine adds to waiting for the servers: wall time, CPU time, memory, connections in use.

    python -m benchmarks.bench_engine            # vlsbench beside a bare aiohttp loop, about 20 minutes
    python -m benchmarks.bench_engine --peers    # also beside the openai SDK and Inspect AI, where installed
    python -m benchmarks.bench_engine --quick    # 100 samples, one run: does it work at all?

No figure is a pass or a failure by itself: the targets are printed beside the figures.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks import data
from benchmarks.loops import INSTALL, PEERS, Job, command, is_available
from benchmarks.measure import BenchmarkFailed, machine, run, server, stats, table, verdict

CONNECTIONS = 64
OURS = ("bare", "ours")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One setting, and the targets for `ours`: (column, largest value)."""

    name: str
    image_bytes: int
    latency_s: float
    targets: tuple[tuple[str, float], ...]
    samples: int = 2000
    loops: tuple[str, ...] = OURS


SCENARIOS = (
    Scenario(
        name="20 KB images, 100 ms",
        image_bytes=20_000,
        latency_s=0.1,
        targets=(("wall / bare", 1.5), ("CPU / bare", 1.5)),
        samples=5000,
    ),
    Scenario(name="20 KB images, 1 s", image_bytes=20_000, latency_s=1.0, targets=(("wall / ideal", 1.08),)),
    Scenario(
        name="1 MB images, 2 s",
        image_bytes=1_000_000,
        latency_s=2.0,
        targets=(("wall / ideal", 1.10), ("CPU / bare", 1.5), ("peak RSS, MB", 450.0)),
    ),
)

BESIDE_PEERS = Scenario(
    name="20 KB images, 100 ms, beside peers",
    image_bytes=20_000,
    latency_s=0.1,
    targets=(),
    samples=1000,
    loops=(*OURS, *PEERS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run of one loop. `*_connections` is the most requests the server had in flight at once."""

    scenario: str
    loop: str
    wall_s: float
    cpu_ms: float
    peak_mb: float
    answer_connections: float
    judge_connections: float
    extra_requests: float
    server_cpu_s: float


def measure(scenario: Scenario, loop: str, dataset: Path, n: int, latency_s: float) -> Measured:
    """Run one loop over a dataset against a fresh server.

    Raises:
        BenchmarkFailed: It did not get an answer and a verdict for every sample.
    """
    with tempfile.TemporaryDirectory() as folder, server(latency_s) as base:
        out = Path(folder)
        used = run(command(loop, Job(dataset=dataset, server=base, concurrency=CONNECTIONS), out))
        seen = stats(base)
        scored = scored_by_ours(out / "run") if loop == "ours" else json.loads(used.stdout)["scored"]
    answer, judge = seen["answer"], seen["judge"]
    if not scored == n == min(answer["answered"], n) == min(judge["answered"], n):
        raise BenchmarkFailed(f"{loop} scored {scored} of {n} samples; the server saw {seen}")
    return Measured(
        scenario=scenario.name,
        loop=loop,
        wall_s=used.wall_s,
        cpu_ms=1000 * used.cpu_s / n,
        peak_mb=used.peak_mb,
        answer_connections=answer["max_in_flight"],
        judge_connections=judge["max_in_flight"],
        extra_requests=answer["total"] + judge["total"] - 2 * n,
        server_cpu_s=seen["cpu_s"],
    )


def scored_by_ours(run_folder: Path) -> int:
    """How many samples the summary of a run counts as scored, by its only judge."""
    summary = json.loads((run_folder / "summary.json").read_bytes())
    (judge,) = summary["judges"].values()
    return int(judge["scored"])


def medians(runs: Sequence[Measured]) -> dict[str, float]:
    """The median of every figure over the runs of one loop in one scenario."""
    columns = [asdict(one) for one in runs]
    return {name: median(row[name] for row in columns) for name in columns[0] if name not in ("scenario", "loop")}


def columns(row: dict[str, float], bare: dict[str, float], ideal_s: float) -> dict[str, float]:
    """The figures of the table; ratios are ratios of medians."""
    return {
        "wall, s": row["wall_s"],
        "wall / bare": row["wall_s"] / bare["wall_s"],
        "wall / ideal": row["wall_s"] / ideal_s,
        "CPU, ms per sample": row["cpu_ms"],
        "CPU / bare": row["cpu_ms"] / bare["cpu_ms"],
        "peak RSS, MB": row["peak_mb"],
    }


def report(scenario: Scenario, runs: Sequence[Measured], n: int) -> str:
    """The Markdown section of one scenario: a table, then the targets."""
    ideal_s = scenario.latency_s * (n / CONNECTIONS + 1)
    loops = list(dict.fromkeys(one.loop for one in runs))
    rows = {loop: medians([one for one in runs if one.loop == loop]) for loop in loops}
    figures = {loop: columns(row, rows["bare"], ideal_s) for loop, row in rows.items()}
    head = ["loop", *figures["bare"], "in flight, answer / verdict", "extra requests"]
    cells = [
        [
            loop,
            *(f"{value:.1f}" if name == "peak RSS, MB" else f"{value:.2f}" for name, value in figures[loop].items()),
            f"{rows[loop]['answer_connections']:.0f} / {rows[loop]['judge_connections']:.0f}",
            f"{rows[loop]['extra_requests']:.0f}",
        ]
        for loop in loops
    ]
    lines = [f"### {scenario.name}", f"N = {n:,}, ideal {ideal_s:.2f} s", table(head, cells)]
    if "ours" in figures:
        checks = [f"- {name}: {verdict(figures['ours'][name], limit)}" for name, limit in scenario.targets]
        lines.append("\n".join(checks))
    return "\n\n".join(lines) + "\n"


def run_scenario(scenario: Scenario, loops: Sequence[str], n: int, rounds: int) -> list[Measured]:
    """All rounds of a scenario, the loops in turn, so that a busy moment of the machine hits them alike."""
    with tempfile.TemporaryDirectory() as folder:
        dataset = data.make(Path(folder) / "data", n, scenario.image_bytes)
        warm = data.make(Path(folder) / "warm", CONNECTIONS, scenario.image_bytes)
        for loop in loops:
            measure(scenario, loop, warm, CONNECTIONS, 0.0)
        found = []
        for number in range(rounds):
            for loop in loops if number % 2 == 0 else reversed(loops):
                one = measure(scenario, loop, dataset, n, scenario.latency_s)
                print(f"{scenario.name}: {loop} {one.wall_s:.2f} s, {one.cpu_ms:.2f} ms CPU", file=sys.stderr)
                found.append(one)
        return found


def choose(wanted: Sequence[str]) -> list[str]:
    """The loops that can run here; the others are named with what would install them."""
    chosen = [loop for loop in wanted if is_available(loop)]
    for loop in wanted:
        if loop not in chosen:
            print(f"skipped: {loop} (to include it: {INSTALL[loop]})")
    if "bare" not in chosen:
        sys.exit("The bare loop is what everything is compared with: pip install aiohttp")
    return chosen


def main() -> None:
    """Read the flags, run, print Markdown."""
    parser = argparse.ArgumentParser(description="The engine beside a bare loop.")
    parser.add_argument("--quick", action="store_true", help="100 samples, one run")
    parser.add_argument("--peers", action="store_true", help="also 1,000 samples beside the openai SDK and Inspect AI")
    parser.add_argument("--loops", nargs="+", choices=[*OURS, *PEERS], help="exactly these, and bare")
    parser.add_argument("--scenarios", nargs="*", type=int, choices=range(1, len(SCENARIOS) + 1), metavar="N")
    parser.add_argument("--samples", type=int, help="default 5000 in the first setting, 2000 in the others")
    parser.add_argument("--runs", type=int, help="default 3; figures are medians")
    parser.add_argument("--json", type=Path, help="also write every single run to this file")
    args = parser.parse_args()
    rounds = args.runs or (1 if args.quick else 3)
    print(f"{machine()}; {CONNECTIONS} connections per stage, medians of {rounds}.\n")
    found: list[Measured] = []
    numbers = args.scenarios if args.scenarios is not None else range(1, len(SCENARIOS) + 1)
    for scenario in (*(SCENARIOS[number - 1] for number in numbers), *([BESIDE_PEERS] if args.peers else [])):
        loops = choose(list(dict.fromkeys(["bare", *(args.loops or scenario.loops)])))
        n = args.samples or (100 if args.quick else scenario.samples)
        runs = run_scenario(scenario, loops, n, rounds)
        found += runs
        print(report(scenario, runs, n), flush=True)
    if args.json:
        args.json.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
