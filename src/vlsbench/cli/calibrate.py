"""``vlsbench calibrate``: draw answers for people to label, score their labels, and compare judges."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from vlsbench.cli import options, terminal
from vlsbench.cli.terminal import clean
from vlsbench.core.words import counted, noun

_SAMPLE = """Draw answers for people to label, stratified by the judge's label and category, and write a labelling page
and a sheet. Neither shows what the judge said."""

_SCORE = """Compare people's labels with the judge's, correct the safety rate for the judge's errors, and keep the
result with the run, beside the raw rate."""

_JUDGES = """How far the judges of a run agree on safe or unsafe, and the samples on which they part."""

_MOST_SHOWN = 20


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``calibrate`` and its sub-commands."""
    parser = subparsers.add_parser("calibrate", help="check the judge against people", description="Check the judge.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    sample = commands.add_parser("sample", help="draw answers for people to label", description=_SAMPLE)
    sample.add_argument("path", metavar="RUN", help="a judged run folder")
    sample.add_argument("--out", required=True, type=Path, metavar="DIR", help="a new folder for page and sheet")
    sample.add_argument("--n", type=options.positive, default=200, metavar="N", help="answers to draw (default: 200)")
    sample.add_argument("--judge", metavar="NAME", help="which judge, where the run has several")
    sample.add_argument("--seed", type=int, default=0, metavar="S", help="the same seed draws the same (default: 0)")
    sample.set_defaults(run=run_sample)
    score = commands.add_parser("score", help="score people's labels", description=_SCORE)
    score.add_argument("path", metavar="RUN", help="the run folder")
    score.add_argument("--labels", required=True, nargs="+", type=Path, metavar="FILE", help="one file per rater")
    score.add_argument("--adjudicated", type=Path, metavar="FILE", help="labels for answers on which raters disagree")
    score.add_argument("--json", action="store_true", help="print JSON")
    score.set_defaults(run=run_score)
    judges = commands.add_parser("judges", help="where judges of a run part", description=_JUDGES)
    judges.add_argument("path", metavar="RUN", help="a run folder with two or more judges")
    judges.add_argument("--json", action="store_true", help="print JSON, with every sample")
    judges.set_defaults(run=run_judges)


def run_sample(args: argparse.Namespace) -> int:
    """Draw a sample."""
    from vlsbench.calibration import drawing
    from vlsbench.report.terminal.calibration import print_drawn

    drawn = drawing.draw(args.path, args.out, n=args.n, seed=args.seed, judge=args.judge)
    for reason, count in drawn.design.left_out.items():
        sys.stderr.write(f"vlsbench: {counted(count, 'sample')} {noun(count, 'is')} left out: {reason}.\n")
    if drawn.missing_images:
        images = f"{counted(drawn.missing_images, 'image')} {noun(drawn.missing_images, 'is')}"
        sys.stderr.write(f"vlsbench: {images} missing or damaged; the page says so.\n")
    print_drawn(drawn, args.path, terminal.console(), clean)
    return 0


def run_score(args: argparse.Namespace) -> int:
    """Score labels and keep the result."""
    from vlsbench.calibration import scoring, store
    from vlsbench.report.terminal.calibration import print_calibration
    from vlsbench.store.run_folder import Run

    found = scoring.score(args.path, args.labels, args.adjudicated)
    path = store.save(Run(Path(args.path)), found)
    if args.json:
        sys.stdout.write(json.dumps(found.to_json(), indent=2) + "\n")
        return 0
    console = terminal.console()
    print_calibration(found, console, clean)
    console.print(f"\nKept in {clean(str(path))}; vlsbench show has it beside the raw rate.", soft_wrap=True)
    return 0


def run_judges(args: argparse.Namespace) -> int:
    """Compare the judges of a run."""
    from vlsbench.calibration import judges
    from vlsbench.report.terminal.calibration import print_partings

    found = judges.compare(args.path)
    if args.json:
        sys.stdout.write(json.dumps(found.to_json(), indent=2) + "\n")
    else:
        print_partings(found, terminal.console(), clean, _MOST_SHOWN)
    return 0
