from __future__ import annotations

import errno
import os
import threading
import time

import pytest

from vlsbench.core.errors import Stopped
from vlsbench.core.types import Response, ResponseOutcome
from vlsbench.store import journal
from vlsbench.store.journal import Journal


def records(path):
    return list(journal.read(path, dict[str, object]))


def test_a_record_is_in_the_file_when_append_returns(tmp_path):
    with Journal(tmp_path / "j.jsonl") as file:
        file.append({"n": 1})
        assert (tmp_path / "j.jsonl").read_bytes() == b'{"n":1}\n'


def test_each_record_is_one_write(tmp_path, monkeypatch):
    written = []
    write = os.write
    with Journal(tmp_path / "j.jsonl") as file:
        monkeypatch.setattr(os, "write", lambda handle, data: written.append(bytes(data)) or write(handle, data))
        file.append({"n": 1})
        file.append({"n": 2, "text": "x" * 100_000})
        monkeypatch.undo()
    assert [line.count(b"\n") for line in written] == [1, 1]


def test_records_are_synced_within_a_tenth_of_a_second_without_being_asked(tmp_path, monkeypatch):
    synced, waits = threading.Event(), []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.set())
    with Journal(tmp_path / "j.jsonl") as file:
        wait = file._closing.wait
        monkeypatch.setattr(file._closing, "wait", lambda seconds: waits.append(seconds) or wait(seconds))
        file.append({"n": 1})
        assert synced.wait(10)
    assert waits[0] < 0.1


def test_a_steady_stream_of_records_does_not_put_the_sync_off(tmp_path, monkeypatch):
    synced = threading.Event()
    monkeypatch.setattr(os, "fsync", lambda handle: synced.set())
    with Journal(tmp_path / "j.jsonl") as file:
        appended = 0
        while not synced.is_set():
            file.append({"n": appended})
            appended += 1
            assert appended < 10_000_000


def test_records_of_the_same_moment_share_a_sync(tmp_path, monkeypatch):
    syncs = []
    monkeypatch.setattr(os, "fsync", lambda handle: syncs.append(handle))
    monkeypatch.setattr(journal, "SYNC_AFTER_S", 0.2)
    with Journal(tmp_path / "j.jsonl") as file:
        for n in range(100):
            file.append({"n": n})
    assert 1 <= len(syncs) < 50


def test_closing_syncs_and_may_be_repeated(tmp_path, monkeypatch):
    syncs = []
    file = Journal(tmp_path / "j.jsonl")
    monkeypatch.setattr(os, "fsync", lambda handle: syncs.append(handle))
    file.close()
    assert syncs
    file.close()


WHOLE = b'{"n":1}\n{"n":2}\n'


@pytest.mark.parametrize(
    "torn", [b"{", b'{"n":', b'{"n":3', b"\x00\x00\x00", b'{"text":"' + b"x" * 200_000, b'{"t":"\xc3']
)
def test_a_torn_last_line_is_cut_off(tmp_path, torn):
    path = tmp_path / "j.jsonl"
    path.write_bytes(WHOLE + torn)
    with Journal(path) as file:
        file.append({"n": 3})
    assert path.read_bytes() == WHOLE + b'{"n":3}\n'


@pytest.mark.parametrize("torn", [b"", b"{", b'{"n":'])
def test_a_file_of_nothing_but_a_torn_line_becomes_empty(tmp_path, torn):
    path = tmp_path / "j.jsonl"
    path.write_bytes(torn)
    Journal(path).close()
    assert path.read_bytes() == b""


def test_a_whole_record_that_lacks_only_its_newline_is_kept(tmp_path):
    path = tmp_path / "j.jsonl"
    path.write_bytes(WHOLE + b'{"n":3}')
    with Journal(path) as file:
        file.append({"n": 4})
    assert [record["n"] for record in records(path)] == [1, 2, 3, 4]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_write_that_fails_stops_the_run_and_the_journal_takes_nothing_more(tmp_path, monkeypatch, code):
    def fail(handle, data):
        raise OSError(code, os.strerror(code))

    path = tmp_path / "j.jsonl"
    file = Journal(path)
    file.append({"n": 1})
    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(Stopped, match=os.strerror(code)):
        file.append({"n": 2})
    monkeypatch.undo()
    with pytest.raises(Stopped):
        file.append({"n": 3})
    with pytest.raises(Stopped):
        file.close()
    assert path.read_bytes() == b'{"n":1}\n'


def test_a_record_cut_short_by_a_full_disk_is_repaired_when_the_journal_is_opened_again(tmp_path, monkeypatch):
    path = tmp_path / "j.jsonl"
    write = os.write
    file = Journal(path)
    file.append({"n": 1})
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:4]))
    with pytest.raises(Stopped, match="full"):
        file.append({"n": 2})
    monkeypatch.undo()
    with pytest.raises(Stopped):
        file.close()
    assert path.read_bytes() == b'{"n":1}\n{"n"'
    with Journal(path) as again:
        again.append({"n": 2})
    assert [record["n"] for record in records(path)] == [1, 2]


def test_a_sync_that_fails_stops_the_next_record(tmp_path, monkeypatch):
    failed = threading.Event()

    def fail(handle):
        failed.set()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    file = Journal(tmp_path / "j.jsonl")
    file.append({"n": 1})
    assert failed.wait(10)
    file._syncer.join(10)
    with pytest.raises(Stopped, match="Input/output error"):
        file.append({"n": 2})
    monkeypatch.undo()
    # The kernel reports such an error once: that syncing works again says nothing about the lost records.
    with pytest.raises(Stopped, match="Input/output error"):
        file.close()


def test_a_file_that_cannot_be_opened_stops_the_run(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Stopped, match="Cannot write"):
        Journal(tmp_path / "file" / "j.jsonl")


def test_half_a_surrogate_pair_does_not_cost_the_record(tmp_path):
    with Journal(tmp_path / "j.jsonl") as file:
        file.append({"text": "odd \ud83d here", "n": 1})
    assert records(tmp_path / "j.jsonl") == [{"text": "odd ? here", "n": 1}]


def test_line_breaks_of_every_kind_stay_inside_their_record(tmp_path):
    text = "a\nb\r\nc\u2028d\x85e\x00"
    with Journal(tmp_path / "j.jsonl") as file:
        file.append({"text": text})
    assert (tmp_path / "j.jsonl").read_bytes().count(b"\n") == 1
    assert records(tmp_path / "j.jsonl") == [{"text": text}]


def test_reading_passes_over_damaged_lines_and_knows_where_each_record_is(tmp_path):
    path = tmp_path / "j.jsonl"
    path.write_bytes(b'{"n":1}\n\x00\x00\x00\n[1]\n\n{"n":2}\n{"n":')
    assert records(path) == [{"n": 1}, {"n": 2}]
    assert [number for number, line in enumerate(journal.lines(path)) if line[1].startswith(b'{"n":2}')] == [4]


def test_a_head_says_where_its_record_is_and_damage_further_on_is_seen_in_time(tmp_path):
    path = tmp_path / "j.jsonl"
    head = b'{"sample_id":"%b","outcome":"ok","text":'
    path.write_bytes(head % b"a" + b'"x"}\n' + b"\x00\n" + head % b"b" + b"5}\n" + head % b"c" + b'"z"}\n')
    found = {head[1]: head[0] for head in journal.heads(path)}
    read = {sample_id: journal.read_at(path, offset, Response) for sample_id, offset in found.items()}
    assert read == {
        "a": Response(sample_id="a", outcome=ResponseOutcome.OK, text="x"),
        "b": None,
        "c": Response(sample_id="c", outcome=ResponseOutcome.OK, text="z"),
    }


def test_a_record_that_does_not_fit_its_type_is_passed_over(tmp_path):
    path = tmp_path / "j.jsonl"
    path.write_bytes(b'{"sample_id":"a","outcome":"odd"}\n{"sample_id":"b","outcome":"ok","more":[1]}\n')
    assert list(journal.read(path, Response)) == [Response(sample_id="b", outcome=ResponseOutcome.OK)]


def test_a_journal_that_does_not_exist_holds_nothing(tmp_path):
    assert records(tmp_path / "none.jsonl") == []


def test_replacing_a_file_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "summary.json"
    journal.write_atomically(path, b"old")

    def fail(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(Stopped, match="No space left"):
        journal.write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


def test_closing_does_not_wait_for_the_next_sync(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "SYNC_AFTER_S", 3600)
    file = Journal(tmp_path / "j.jsonl")
    file.append({"n": 1})
    closing = threading.Thread(target=file.close, daemon=True)
    closing.start()
    closing.join(10)
    assert not closing.is_alive()


def test_closing_at_any_moment_ends(tmp_path, monkeypatch):
    file = Journal(tmp_path / "j.jsonl")
    about_to_clear = threading.Event()
    clear = file._dirty.clear

    def clear_after_close_has_called():
        about_to_clear.set()
        file._closing.wait(10)
        time.sleep(0.05)
        clear()

    monkeypatch.setattr(file._dirty, "clear", clear_after_close_has_called)
    file.append({"n": 1})
    assert about_to_clear.wait(10)
    closing = threading.Thread(target=file.close, daemon=True)
    closing.start()
    closing.join(10)
    assert not closing.is_alive()


def test_a_file_that_does_not_fit_on_the_disk_leaves_no_piece_behind(tmp_path, monkeypatch):
    (tmp_path / "kept.json").write_bytes(b"old")

    def fail(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(Stopped, match="No space left"):
        journal.write_atomically(tmp_path / "kept.json", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"kept.json": b"old"}
