"""The records that pass, written so that they can be read from anywhere."""

import hashlib
import json

import orjson
import pytest

from vlsbench.core.errors import DatasetError, UserError
from vlsbench.core.types import Expect, Sample
from vlsbench.datasets import load
from vlsbench.datasets.check import check
from vlsbench.leakage.audit import audit as run_audit
from vlsbench.leakage.export import export
from vlsbench.leakage.rules import Rules
from vlsbench.store import records


def scored(label):
    return {"outcome": "scored", "label": label, "p_unsafe": None}


@pytest.fixture
def audit(tmp_path, make_picture):
    """Writes an audit folder: records are given by what differs from one that passes."""

    def make(*changes):
        folder = tmp_path / "audit"
        (folder / "elsewhere").mkdir(parents=True)
        with (folder / "samples.jsonl").open("wb") as file:
            for number, change in enumerate(changes):
                data = make_picture(number)
                path = folder / "elsewhere" / f"{number}.png"
                path.write_bytes(data)
                sample = Sample(
                    id=str(number), text="Paint it", image=str(path), image_sha256=hashlib.sha256(data).hexdigest()
                )
                row = {
                    **records.from_sample(sample),
                    "guard": {"pair": scored("unsafe"), "text": scored("safe"), "image": scored("safe")},
                    "signals": {"description_overlap": 0.1, "ocr_overlap": None, "similarity": None, "spans": []},
                    **change,
                }
                file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        (folder / "audit.json").write_text("{}")
        return folder

    return make


def benign(**more):
    return {"expect": "benign", "guard": {"pair": scored("safe"), "text": scored("safe"), "image": None}, **more}


def guard(pair, text):
    return {"guard": {"pair": pair, "text": text, "image": None}}


def signals(**values):
    return {"signals": {"description_overlap": None, "ocr_overlap": None, **values}}


def out_of(tmp_path):
    return tmp_path / "far" / "away" / "set.jsonl"


def ids(path):
    return [json.loads(line)["sample_id"] for line in path.read_text().splitlines()]


def test_each_rule_takes_out_what_breaks_it_and_the_counts_add_up(audit, tmp_path):
    folder = audit(
        {},
        guard(scored("safe"), scored("safe")),
        guard(scored("unsafe"), scored("unsafe")),
        guard(scored("unsafe"), {"outcome": "unparsable", "label": None}),
        guard(None, None),
        signals(description_overlap=0.41),
        signals(ocr_overlap=0.9),
        {"image": None},
        signals(description_overlap=0.4, ocr_overlap=0.4),
    )

    found = export(folder, out_of(tmp_path))

    assert ids(found.file) == ["0", "8"]
    assert {row.rule: row.first for row in found.removed} == {
        "has_image": 1,
        "guard_scored": 2,
        "pair_unsafe": 1,
        "text_safe": 1,
        "description_overlap": 1,
        "ocr_overlap": 1,
        "image_sound": 0,
        "with_half": 0,
    }
    assert found.read == found.kept + sum(row.first for row in found.removed)


def test_the_file_is_a_sound_dataset_wherever_it_lies(audit, tmp_path):
    found = export(audit({}, {}, benign(twin_of="0")), out_of(tmp_path))
    moved = found.file.parent.rename(tmp_path / "moved")
    dataset = load(f"jsonl:{moved / 'set.jsonl'}")
    report = check(dataset)
    assert (report.n, report.twins) == (3, 1)
    assert not any(problem.kind.value.startswith("image") for problem in report.problems)
    assert [sample.expect for sample in dataset] == [Expect.HARMFUL, Expect.HARMFUL, Expect.BENIGN]


def test_images_beside_the_file_stay_where_they_are(audit, tmp_path):
    folder = audit({}, {})
    found = export(folder, folder / "leakless.jsonl")
    assert [json.loads(line)["image"] for line in found.file.read_text().splitlines()] == [
        "elsewhere/0.png",
        "elsewhere/1.png",
    ]
    assert not (folder / "leakless.jsonl.images").exists()
    assert check(load(f"jsonl:{found.file}")).images.distinct == 2


def test_images_are_copied_where_they_cannot_be_linked(audit, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    found = export(audit({}, {}), out_of(tmp_path))
    assert check(load(f"jsonl:{found.file}")).images.contents == 2


def test_twins_stay_or_go_with_their_harmful_half_whoever_names_whom(audit, tmp_path):
    folder = audit(
        {},
        benign(twin_of="0"),
        signals(description_overlap=0.9),
        benign(twin_of="2"),
        {"twin_of": "5"},
        benign(),
        {**guard(scored("safe"), scored("safe")), "twin_of": "7"},
        benign(),
        benign(),
    )
    found = export(folder, out_of(tmp_path))
    assert ids(found.file) == ["0", "1", "4", "5", "8"]
    assert (found.harmful, found.benign) == (2, 3)


def test_without_verdicts_of_a_guard_the_overlap_decides(audit, tmp_path):
    unasked = {"guard": {"pair": None, "text": None, "image": None}}
    found = export(audit(unasked, {**unasked, **signals(description_overlap=0.9)}), out_of(tmp_path))
    assert ids(found.file) == ["0"]
    assert "text_safe" not in {row.rule for row in found.removed}


def test_the_guard_can_be_left_aside_and_the_shares_be_chosen(audit, tmp_path):
    folder = audit(guard(scored("safe"), scored("unsafe")), signals(description_overlap=0.2))
    assert ids(export(folder, out_of(tmp_path), rules=Rules(guard=False, max_overlap=0.15)).file) == ["0"]


def test_an_image_that_is_gone_or_changed_takes_its_record_out(audit, tmp_path, make_picture):
    folder = audit({}, {}, {}, {}, benign(twin_of="1"))
    (folder / "elsewhere" / "1.png").unlink()
    (folder / "elsewhere" / "2.png").write_bytes(make_picture(99))
    (folder / "elsewhere" / "3.png").write_bytes(b"no image")
    found = export(folder, out_of(tmp_path))
    assert ids(found.file) == ["0"]
    counts = {row.rule: row.first for row in found.removed}
    assert (counts["image_sound"], counts["with_half"]) == (3, 1)


def test_the_sidecar_says_by_which_rules_and_from_what(audit, tmp_path):
    folder = audit({}, signals(description_overlap=0.9))
    found = export(folder, out_of(tmp_path))
    side = json.loads(found.sidecar.read_text())
    assert found.sidecar.name == "set.jsonl.rules.json"
    assert (side["read"], side["kept"], side["harmful"], side["benign"]) == (2, 1, 1, 0)
    assert side["audit_sha256"]["samples.jsonl"] == hashlib.sha256((folder / "samples.jsonl").read_bytes()).hexdigest()
    assert side["file_sha256"] == hashlib.sha256(found.file.read_bytes()).hexdigest()
    (rule,) = (rule for rule in side["rules"] if rule["rule"] == "description_overlap")
    assert "0.4" in rule["sentence"]
    assert rule["first"] == 1


def test_nothing_is_written_where_nothing_passes(audit, tmp_path):
    with pytest.raises(UserError, match="description_overlap 1"):
        export(audit(signals(description_overlap=0.9), benign(twin_of="0")), out_of(tmp_path))
    assert not (tmp_path / "far").exists()


def test_an_audit_with_nothing_to_choose_by_is_refused(audit, tmp_path):
    unasked = {"guard": {"pair": None, "text": None, "image": None}, **signals()}
    with pytest.raises(UserError, match="nothing to choose"):
        export(audit(unasked), out_of(tmp_path))


def test_a_folder_that_is_no_audit_and_a_file_that_exists_are_clear_errors(audit, tmp_path):
    with pytest.raises(UserError, match="no audit"):
        export(tmp_path, out_of(tmp_path))
    folder = audit({})
    with pytest.raises(UserError, match="exists already"):
        export(folder, folder / "audit.json")


@pytest.mark.parametrize(
    "line",
    [b"{", b"[]", b'{"text": "x"}', b'{"sample_id": "0", "text": "x"}', b'{"sample_id": "9", "text": 3}'],
)
def test_a_damaged_audit_is_named_with_its_line(line, audit, tmp_path):
    folder = audit({})
    with (folder / "samples.jsonl").open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(DatasetError, match=r"line 2|twice"):
        export(folder, out_of(tmp_path))
    assert not (tmp_path / "far").exists()


def test_a_signal_that_is_no_number_is_a_clear_error(audit, tmp_path):
    with pytest.raises(DatasetError, match=r"line 1 .*signals\.description_overlap"):
        export(audit(signals(description_overlap="much")), out_of(tmp_path))


def test_the_command_line_counts_and_exports(audit, tmp_path, capsys):
    import argparse

    from vlsbench.cli import audit_export

    parser = argparse.ArgumentParser()
    audit_export.add(parser)
    folder = audit({}, signals(ocr_overlap=0.3))
    out = out_of(tmp_path)
    args = parser.parse_args([str(folder), "--leakless", "--out", str(out), "--max-ocr-overlap", "0.2"])
    assert args.run(args) == 0
    assert "1 of 2 records pass" in capsys.readouterr().out
    out.unlink()
    (out.parent / "set.jsonl.rules.json").unlink()
    args = parser.parse_args([str(folder), "--leakless", "--out", str(out), "--json"])
    assert args.run(args) == 0
    assert json.loads(capsys.readouterr().out)["kept"] == 2


@pytest.mark.parametrize("order", [(0.9, 0.1), (0.1, 0.9)])
def test_a_benign_twin_of_several_stays_while_one_of_them_does(order, audit, tmp_path):
    first, second = ({"twin_of": "2", **signals(description_overlap=overlap)} for overlap in order)
    found = export(audit(first, second, benign()), out_of(tmp_path), rules=Rules(guard=False))
    assert (found.harmful, found.benign) == (1, 1)


def test_no_image_from_outside_the_audited_datasets_folder_is_exported(tmp_path, make_picture):
    private, data = tmp_path / "private.png", tmp_path / "data"
    data.mkdir()
    private.write_bytes(make_picture(0))
    (data / "own.png").write_bytes(make_picture(1))
    (data / "link.png").symlink_to(private)
    with (data / "set.jsonl").open("w") as file:
        for image in ("../private.png", "link.png", str(private), "own.png"):
            row = {"sample_id": image, "text": "Paint it", "image": image, "description": "A wall"}
            file.write(json.dumps(row) + "\n")
    run_audit(dataset=f"jsonl:{data / 'set.jsonl'}", out=tmp_path / "a", ocr=False)
    found = export(tmp_path / "a", out_of(tmp_path))
    assert ids(found.file) == ["own.png"]
    assert {row.rule: row.first for row in found.removed}["image_sound"] == 3
