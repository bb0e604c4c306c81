"""What starting costs: `import vlsbench` on top of the interpreter, and `vlsbench --help` as a whole.

    python -m benchmarks.bench_startup

Both are medians of whole processes, which is what a user waits for.
"""

from __future__ import annotations

import sys
from statistics import median

from benchmarks.loops import INSTALL, is_available, vlsbench
from benchmarks.measure import machine, run, table, verdict

ROUNDS = 15
IMPORT_TARGET_MS, HELP_TARGET_MS = 60.0, 250.0


def main() -> None:
    """Measure and print; the commands take turns, and one round warms the caches."""
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "python -c 'import vlsbench'": [sys.executable, "-c", "import vlsbench"],
    }
    if is_available("ours"):
        commands["vlsbench --help"] = vlsbench("--help")
    else:
        print(f"skipped: vlsbench --help (to include it: {INSTALL['ours']})")
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(ROUNDS + 1):
        for name, command in commands.items():
            wall_ms = 1000 * run(command).wall_s
            if number:
                times[name].append(wall_ms)
    middle = {name: median(values) for name, values in times.items()}
    bare, imported, *rest = middle.values()
    print(f"### Start-up\n\n{machine()}; medians of {ROUNDS}, warm.\n")
    print(table(["command", "wall, ms"], [[f"`{name}`", f"{value:.1f}"] for name, value in middle.items()]))
    print(f"\n- import, less the interpreter: {verdict(imported - bare, IMPORT_TARGET_MS, ' ms')}")
    for value in rest:
        print(f"- `vlsbench --help`: {verdict(value, HELP_TARGET_MS, ' ms')}")
    print()


if __name__ == "__main__":
    main()
