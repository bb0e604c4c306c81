"""A sweep: twelve runs of packaged models, and how long finished cells hold up the same command.

    python -m benchmarks.bench_sweep [--quick]

Whole processes, start-up included. The finished cells are two packaged models on a hundred small sets each; passing
them over is timed without what is printed at the end (`--only` takes one cell more, so that there is something to do).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.loops import vlsbench
from benchmarks.measure import Usage, machine, run, table, verdict

ROUNDS = 5
TWELVE_TARGET_S, PASSED_TARGET_S = 60.0, 2.0

TWELVE = """
models = ["mini:base", "mini:textual-sft", "mini:multimodal-sft", "mini:mixed-sft"]
datasets = ["mini:leaky{size}", "mini:leakless{size}", "mini:benign{size}"]
max_tokens = 32
"""


def many(cells: int, n: int) -> str:
    """A sweep of so many cells, by two models."""
    sets = ", ".join(f'"mini:leaky:{n}:{seed}"' for seed in range(cells // 2))
    return f'models = ["mini:base", "mini:textual-sft"]\ndatasets = [{sets}]\nmax_tokens = 32\nbatch_size = 100\n'


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        twelve, lots = folder / "twelve.toml", folder / "many.toml"
        twelve.write_text(f'out = "{folder / "twelve"}"{TWELVE.format(size=":10" if quick else "")}')
        lots.write_text(f'out = "{folder / "many"}"\n{many(6 if quick else 200, 5 if quick else 20)}')
        made = run(vlsbench("sweep", str(twelve), "--quiet"))
        run(vlsbench("sweep", str(lots), "--quiet", "--json"))
        again = [run(vlsbench("sweep", str(lots), "--quiet", "--json")) for _ in range(1 if quick else ROUNDS)]
        passed = [_pass_over(lots) for _ in range(1 if quick else ROUNDS)]
    print(f"### Sweep\n\n{machine()}.\n")
    rows = [
        ["12 runs, 200 samples each", f"{made.wall_s:.1f}", f"{made.cpu_s:.1f}"],
        ["200 finished cells, the whole command with its tables", *_medians(again)],
    ]
    print(table(["what", "wall, s", "CPU, s"], rows))
    print(f"\n- 12 runs: {verdict(made.wall_s, TWELVE_TARGET_S, ' s')}")
    print(f"- 200 finished cells read, planned and passed over: {verdict(median(passed), PASSED_TARGET_S, ' s')}\n")


def _medians(used: list[Usage]) -> list[str]:
    return [f"{median(one.wall_s for one in used):.2f}", f"{median(one.cpu_s for one in used):.2f}"]


def _pass_over(file: Path) -> float:
    """Seconds from reading the file to knowing that every cell is finished, in this process."""
    from vlsbench.cli import sweep_file
    from vlsbench.sweep.making import make_all
    from vlsbench.sweep.planning import plan_sweep

    started = time.perf_counter()
    asked = sweep_file.read(file)
    made = make_all(plan_sweep(asked.asked(), Path(asked.out)))
    if not all(one.passed_over for one in made):
        raise SystemExit("a cell was not finished")
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
