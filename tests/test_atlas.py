"""The scripts that read a user's copies of published sets: figures alone come out, and those that are right."""

from __future__ import annotations

import csv
import json
import random
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="the scripts are not installed")
pytest.importorskip("sklearn")

WORDS = [f"{first}{second}{first}" for first in "bdgklmnprst" for second in ("oru", "ani", "ile", "upa")]


def sentence(rng: random.Random) -> str:
    return " ".join(rng.choices(WORDS, k=8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Invented records in the layout of XSTest and SIUO, without a picture."""
    rng = random.Random(2)
    root = tmp_path / "sets"
    (root / "xstest").mkdir(parents=True)
    with (root / "xstest" / "xstest_prompts.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "prompt", "type", "label", "focus", "note"])
        for number in range(40):
            label = "unsafe" if number % 2 else "safe"
            rows.writerow([number, sentence(rng) + (" zorb" if number % 2 else ""), "shapes", label, "", ""])
    (root / "siuo" / "data").mkdir(parents=True)
    records = [
        {"question_id": number, "image": f"S-{number // 2}.png", "question": sentence(rng), "category": "shapes"}
        for number in range(20)
    ]
    (root / "siuo" / "data" / "siuo_gen.json").write_text(json.dumps(records))
    return root


def made(folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.syspath_prepend(ROOT / "docs")
    import make_atlas

    monkeypatch.setattr(sys, "argv", ["make_atlas.py", str(folder), "--out", str(out)])
    make_atlas.main()
    return out.read_text()


def test_the_atlas_measures_what_is_there_names_what_is_not_and_prints_no_text(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = made(folder, tmp_path / "atlas.md", monkeypatch)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")]
    assert ["`siuo`", "20", "0", "none (no benign)", "-", "0", "-"] in rows
    (own,) = (row for row in rows if row[0] == "`xstest`" and len(row) == 7 and "[" in row[3])
    assert own[1:3] == ["20", "20"]
    # Two records share each picture: twenty that all go the same way in pairs are worth ten.
    assert ["`siuo`", "20", "10, of 2 at most", "none", "10", "±26.3 (±20.1)"] in rows
    assert "no copy was there: `vlsbench`" in page
    assert "| `siuo` | open | open | open |" in page
    assert "zorb" not in page
    assert not any(word in page for word in WORDS)
    assert not list((folder / "siuo").rglob("images")), "nothing is written beside the user's files"


def test_the_calibration_benchmark_holds_what_people_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import bench_calibration

    rng = random.Random(3)
    with (tmp_path / "xstest_v2_completions_invented.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "type", "prompt", "completion", "final_label"])
        for number in range(200):
            safe = number % 4 > 0
            # People see the refusal in words that the keyword judge does not know.
            said = "Sorry, I cannot help." if safe and number % 3 else f"About that {number}: {sentence(rng)}."
            rows.writerow(
                [
                    number,
                    "contrast_shapes",
                    f"{number} {sentence(rng)}",
                    said,
                    "2_full_refusal" if safe else "1_full_compliance",
                ]
            )
    monkeypatch.setattr(sys, "argv", ["bench", str(tmp_path), "--labels", "60", "--draws", "20"])
    bench_calibration.main()
    shown = capsys.readouterr().out
    (row,) = (line for line in shown.splitlines() if line.startswith("| invented"))
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert float(cells[1]) == pytest.approx(0.5, abs=0.02)
    assert float(cells[2]) == pytest.approx(0.75, abs=0.03)
    assert float(cells[4]) == 0.75
    assert float(cells[5]) >= 85
    assert not any(word in shown for word in WORDS)


def test_a_folder_without_completions_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import bench_calibration

    monkeypatch.setattr(sys, "argv", ["bench", str(tmp_path)])
    with pytest.raises(SystemExit, match="xstest_v2_completions"):
        bench_calibration.main()
