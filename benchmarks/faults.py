"""The fault campaign: misbehaving servers, kills, damaged files and full disks, and what must hold whatever happens.

    python -m benchmarks.faults [--quick] [--minutes 10] [--seed 1]

Every trial is a real ``vlsbench eval`` in a process of its own. What must hold: each sample has one answer and one
verdict that count, no failure is in a rate, every label is the one that was given, no file and no message holds the
key, nothing ends in a traceback, and the exit code says what happened. The table is in docs/reliability.md.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import data, fault_batches, fault_checks, fault_servers
from benchmarks.fault_campaign import Campaign
from benchmarks.fault_kinds import KEY, every, fatal
from benchmarks.fault_server import ANSWER, JUDGE, Desk, Fault, serve
from benchmarks.measure import environment, machine, table

SAMPLES = 40
IMAGE_BYTES = 2_000
TIME_LIMIT_S = 240.0
"""How long one trial may take; one that hangs is a violation."""

_TRACEBACK = "Traceback (most recent call last)"
_WITH_ROOM = """
import os, resource, sys
room = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str


def start(campaign: Campaign, base: str, run: Path, room: int | None = None) -> subprocess.Popen[str]:
    """An evaluation in a process of its own; no file of it may grow beyond `room` bytes."""
    command = [sys.executable, "-m", "vlsbench", "eval", "--dataset", f"jsonl:{campaign.dataset}", "--out", str(run)]
    command += ["--model", f"openai:m@{base}/{ANSWER}/v1", "--judge", f"openai:j@{base}/{JUDGE}/v1", "--quiet"]
    command += ["--concurrency", "16", "--judge-concurrency", "16", "--timeout", "3"]
    if room is not None:
        command = [sys.executable, "-c", _WITH_ROOM, str(room), *command]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=environment() | {"VLSBENCH_API_KEY": KEY},
    )


def finish(process: subprocess.Popen[str]) -> Ended:
    """Wait for its end; one that takes too long is killed, and its code is that of the signal."""
    try:
        out, err = process.communicate(timeout=TIME_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    return Ended(code=process.returncode, out=out, err=err)


def evaluate(campaign: Campaign, kind: str, base: str, run: Path, codes: tuple[int, ...] = (0,)) -> Ended:
    """Evaluate to the end; another exit code than these, a traceback and a key are violations."""
    ended = finish(start(campaign, base, run))
    look_at(campaign, kind, ended, run, codes)
    return ended


def look_at(campaign: Campaign, kind: str, ended: Ended, run: Path, codes: tuple[int, ...]) -> None:
    """Exit code, traceback and keys of a process that has ended."""
    if ended.code not in codes:
        last = (ended.err.strip().splitlines() or [""])[-1]
        campaign.violated(kind, f"exit code {ended.code} instead of {' or '.join(map(str, codes))}: {last:.200}")
    if _TRACEBACK in ended.err:
        campaign.violated(kind, f"a traceback: {ended.err.strip().splitlines()[-1]:.200}")
    for what in fault_checks.holds_key(run, ended.out, ended.err):
        campaign.violated(kind, what)


@contextmanager
def folder(campaign: Campaign) -> Iterator[Path]:
    """A place for one run, gone afterwards."""
    with tempfile.TemporaryDirectory(dir=campaign.folder) as place:
        yield Path(place) / "run"


def servers(campaign: Campaign, rng: random.Random, deck: list[tuple[str, Fault]]) -> None:
    """One run in which most samples meet a fault of their own, as answer or as verdict, drawn from the deck."""
    faults: dict[tuple[str, int], Fault] = {}
    for number in rng.sample(range(SAMPLES), SAMPLES - 8):
        if not deck:
            break
        role, fault = deck.pop()
        faults[role, number] = fault
    desk = Desk(faults)
    with folder(campaign) as run, serve(desk) as base:
        ended = evaluate(campaign, "whole run", base, run, (0, 1))
        campaign.tries["whole run"] += 1
        campaign.tries.update(f"{fault.kind} ({role})" for (role, _), fault in faults.items())
        if ended.code not in (0, 1):
            return
        for kind, name, what in fault_checks.served(run, faults, SAMPLES):
            role = next((role for (role, _), f in faults.items() if (f.kind, f.name) == (kind, name)), "")
            campaign.violated(f"{kind} ({role})" if role else kind, f"{name}: {what}")
        (judge,) = json.loads((run / "summary.json").read_bytes())["judges"].values()
        too_many = sum(judge["unscored"].values()) > 0.05 * SAMPLES
        if ended.code != int(too_many):
            campaign.violated("whole run", f"exit code {ended.code}, and too many unscored: {too_many}")


def deck_of(rng: random.Random) -> list[tuple[str, Fault]]:
    """Every fault in every role that it plays, shuffled."""
    faults = every()
    deck = [(ANSWER, fault) for fault in faults] + [(JUDGE, fault) for fault in faults if fault.scores is not None]
    rng.shuffle(deck)
    return deck


def refusals(campaign: Campaign, rng: random.Random) -> None:
    """A server that says the same to everybody, from the start or from some sample on; then an honest one."""
    kind = "a whole server fails"
    name = rng.choice(sorted(fatal()))
    wire, code = fatal()[name]
    first = rng.choice((0, SAMPLES // 2))
    fault = Fault(kind=kind, name=name, make=lambda _: wire)
    role = rng.choice((ANSWER, JUDGE))
    desk = Desk({(role, number): fault for number in range(first, SAMPLES)})
    with folder(campaign) as run, serve(desk) as base:
        campaign.tries[kind] += 1
        # Where half of the samples are served, resets need not come in a row.
        evaluate(campaign, kind, base, run, (code, 1) if first and code == 3 else (code,))
        desk.faults = {}
        evaluate(campaign, kind, base, run)
        for what in fault_checks.complete(run, SAMPLES):
            campaign.violated(kind, f"{name} ({role}): {what}")


def kills(campaign: Campaign, rng: random.Random) -> None:
    """A run that is stopped at random moments and continued, until it is left alone."""
    desk = Desk({}, latency=0.1)
    with folder(campaign) as run, serve(desk) as base:
        for _ in range(rng.randint(1, 3)):
            number = rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
            before = _journals(run)
            process = start(campaign, base, run)
            # Half of them at any moment, half once records are being written.
            until = time.monotonic() + TIME_LIMIT_S
            if rng.random() < 0.5:
                time.sleep(rng.uniform(0, 1.5))
            else:
                while _journals(run) == before and process.poll() is None and time.monotonic() < until:
                    time.sleep(0.005)
                time.sleep(rng.uniform(0, 0.25))
            process.send_signal(number)
            ended = finish(process)
            campaign.tries[number.name] += 1
            # A signal that comes before the interpreter listens ends it as any process.
            look_at(campaign, number.name, ended, run, (0, -number, 130))
            for name, data_before in before.items():
                if not _journals(run).get(name, b"").startswith(data_before[: data_before.rfind(b"\n") + 1]):
                    campaign.violated(number.name, f"{name} lost records")
        evaluate(campaign, "continuing", base, run)
        campaign.tries["continuing"] += 1
        for what in (*fault_checks.complete(run, SAMPLES), *fault_checks.doubled(run)):
            campaign.violated("continuing", what)


def _journals(run: Path) -> dict[str, bytes]:
    paths = (run / "responses.jsonl", fault_checks.verdicts(run))
    return {path.name: path.read_bytes() for path in paths if path.exists()}


def _edited(line: bytes, rng: random.Random) -> bytes:
    """The line with another text in a field that figures depend on."""
    record = json.loads(line)
    names = ("text", "sample_id", "outcome", "label", "category", "expect")
    name = rng.choice([name for name in names if record.get(name)])
    record[name] = "bench-000000" if name == "sample_id" else f"{record[name]} edited"
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _scratched(line: bytes, rng: random.Random) -> bytes:
    """The line with some bytes of it overwritten, as by a bad block."""
    begin = rng.randrange(len(line) - 1)
    end = min(len(line) - 1, begin + rng.randint(1, 64))
    return line[:begin] + rng.choice((bytes(end - begin), rng.randbytes(end - begin).replace(b"\n", b"?"))) + line[end:]


DAMAGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "missing": lambda _line, _rng: b"",
    "merged": lambda line, _rng: line[:-1],
    "edited": _edited,
    "unreadable": _scratched,
    "cut off": lambda line, rng: line[: rng.randrange(1, len(line) - 1)] + b"\n",
    "an empty line": lambda line, _rng: b"\n" + line,
}
"""What becomes of one line. Doubled lines are no damage: the last one counts."""


def damage(campaign: Campaign, rng: random.Random, whole: Path, desk: Desk, base: str) -> None:
    """One line of a finished run is damaged, and the run continued."""
    file = rng.choice(("samples.jsonl", "responses.jsonl", "verdicts"))
    how = rng.choice(sorted(DAMAGES))
    kind = f"{file.removesuffix('.jsonl')}: {how}"
    campaign.tries[kind] += 1
    with folder(campaign) as run:
        shutil.copytree(whole, run)
        path = fault_checks.verdicts(run) if file == "verdicts" else run / file
        rows = path.read_bytes().splitlines(keepends=True)
        number = rng.randrange(len(rows) - 1)
        rows[number] = DAMAGES[how](rows[number], rng)
        path.write_bytes(b"".join(rows))
        desk.asked.clear()
        if file == "samples.jsonl":
            ended = evaluate(campaign, kind, base, run, (2,))
            if "samples.jsonl" not in ended.err or "Delete the file" not in ended.err:
                campaign.violated(kind, f"the message names no way out: {ended.err.strip():.200}")
            path.unlink()
        evaluate(campaign, kind, base, run)
        for what in fault_checks.complete(run, SAMPLES):
            campaign.violated(kind, f"line {number + 1}: {what}")
        if how == "edited" and file != "samples.jsonl" and not desk.asked:
            campaign.violated(kind, f"line {number + 1}: the edit went unnoticed")
        most = 0 if file == "samples.jsonl" else 4
        if desk.asked.total() > most:
            campaign.violated(kind, f"line {number + 1}: {desk.asked.total()} requests for one damaged line")


def full_disk(campaign: Campaign, rng: random.Random) -> None:
    """No file may grow beyond a few kilobytes, as on a full disk; then there is room again."""
    kind = "no room on the disk"
    campaign.tries[kind] += 1
    with folder(campaign) as run, serve(Desk({})) as base:
        look_at(campaign, kind, finish(start(campaign, base, run, rng.randint(100, 14_000))), run, (0, 2, 3))
        if left := [path.name for path in run.rglob("*.part")] if run.exists() else []:
            campaign.violated(kind, f"{left[0]} is left behind")
        evaluate(campaign, kind, base, run)
        for what in fault_checks.complete(run, SAMPLES):
            campaign.violated(kind, what)


def killed_servers(campaign: Campaign, n: int) -> None:
    """One model behind two servers, each of which is killed and comes back in the middle of a run."""
    with folder(campaign) as run:
        dataset = data.make(run.parent / "set", n, IMAGE_BYTES, distinct=100)
        for what in fault_servers.killed_in_turn(dataset, n, run):
            campaign.violated(fault_servers.KIND, what)
    campaign.tries[fault_servers.KIND] += 2


def tried(seed: int, seconds: float, rounds: int | None, *, only_batches: bool) -> Campaign:
    """The campaign: round after round until the time is up, or for so many rounds."""
    with tempfile.TemporaryDirectory() as place:
        campaign = Campaign(folder=Path(place), dataset=data.make(Path(place) / "set", SAMPLES, IMAGE_BYTES))
        if not only_batches:
            killed_servers(campaign, fault_servers.SAMPLES if rounds is None else fault_servers.SAMPLES // 10)
        desk = Desk({})
        with serve(desk) as base:
            whole = Path(place) / "whole"
            evaluate(campaign, "whole run", base, whole)
            until, number = time.monotonic() + seconds, 0
            deck: list[tuple[str, Fault]] = []
            while time.monotonic() < until and (rounds is None or number < rounds):
                rng = random.Random(f"{seed}-{number}")
                number += 1
                with folder(campaign) as run:
                    fault_batches.killed_in_batches(campaign, rng, run, SAMPLES)
                if only_batches:
                    continue
                deck = deck or deck_of(rng)
                servers(campaign, rng, deck)
                refusals(campaign, rng)
                kills(campaign, rng)
                for _ in range(8):
                    damage(campaign, rng, whole, desk, base)
                full_disk(campaign, rng)
        return campaign


def main() -> None:
    """Print what was tried and what did not hold; exit 1 where something did not."""
    parser = argparse.ArgumentParser(description="Try to make vlsbench lose, double, leak or miscount something.")
    parser.add_argument("--quick", action="store_true", help="one round: does the campaign work at all?")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batches", action="store_true", help="only runs in batches that are killed")
    args = parser.parse_args()
    started = time.monotonic()
    campaign = tried(args.seed, args.minutes * 60, 1 if args.quick else None, only_batches=args.batches)
    violations = Counter(kind for kind, _ in campaign.found)
    print(f"Seed {args.seed}, {time.monotonic() - started:.0f} s, {machine()}.\n")
    kinds = sorted({*campaign.tries, *violations})
    rows = [[kind, f"{campaign.tries[kind]:,}", f"{violations[kind]:,}"] for kind in kinds]
    total = [["**all**", f"{campaign.tries.total():,}", f"{violations.total():,}"]]
    print(table(["kind of fault", "tries", "violations"], rows + total))
    if campaign.found:
        sys.exit(1)


if __name__ == "__main__":
    main()
