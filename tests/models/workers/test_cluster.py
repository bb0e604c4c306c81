"""What cannot be joined is said before anything is loaded."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from builders import vlsbench
from loopback import serve
from vlsbench.core.errors import UserError
from vlsbench.models.workers import cluster
from vlsbench.models.workers.settings import Workers

pytest.importorskip("ray")


def words(tmp_path, *more):
    return ("eval", "--model", "mini:base", "--dataset", "mini:leakless", "--out", tmp_path / "run", *more)


@pytest.mark.parametrize("address", ["", "auto", "ray://head:10001", "head", "head:99999", "http://head:6379"])
def test_an_address_is_local_or_that_of_a_head(address, tmp_path, capsys):
    assert vlsbench(*words(tmp_path, "--workers", 2, "--ray", address)) == 2
    assert "--ray takes local, or HOST:PORT of the cluster's head" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_an_unknown_address_is_said_at_once(tmp_path, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"  # nobody listens there
        started = time.monotonic()
        assert vlsbench(*words(tmp_path, "--workers", 2, "--ray", address)) == 2
    assert time.monotonic() - started < 30
    assert f"No Ray cluster answers at {address}" in capsys.readouterr().err


def test_something_else_that_listens_there_is_said_at_once(tmp_path, capsys):
    with serve() as server:
        address = server.url.removeprefix("http://").removesuffix("/v1")
        assert vlsbench(*words(tmp_path, "--workers", 2, "--ray", address)) == 2
    assert f"No Ray cluster answers at {address} (something else listens there)" in capsys.readouterr().err


def test_something_that_listens_and_is_silent_is_said_too(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cluster, "_REACH_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert vlsbench(*words(tmp_path, "--workers", 2, "--ray", address)) == 2
    assert f"No Ray cluster answers at {address} (timed out)" in capsys.readouterr().err


def test_an_address_that_is_empty_is_not_taken_for_this_machine(tmp_path, capsys):
    assert vlsbench(*words(tmp_path, "--workers", 2, "--ray", "")) == 2
    assert "--ray takes local, or HOST:PORT" in capsys.readouterr().err


def test_where_workers_are_goes_with_how_many(tmp_path, capsys):
    assert vlsbench(*words(tmp_path, "--worker-gpus", 1)) == 2
    assert "--ray and --worker-gpus go with --workers N" in capsys.readouterr().err
    assert vlsbench(*words(tmp_path, "--workers", 0)) == 2


@pytest.mark.parametrize("number", ["1.5", "-1", "-2", "nan", "inf", "two"])
def test_a_number_of_gpus_is_a_part_of_one_or_whole_ones(number, tmp_path, capsys):
    assert vlsbench(*words(tmp_path, "--workers", 2, f"--worker-gpus={number}")) == 2
    assert "a part of a GPU or a whole number" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "has_file", "expected"),
    [
        ({}, False, None),
        ({}, True, "token"),
        ({"RAY_AUTH_TOKEN": "0" * 64}, False, "token"),
        ({"RAY_AUTH_MODE": "disabled"}, True, "disabled"),
    ],
)
def test_a_token_that_is_there_is_used_as_by_ray_start(environment, has_file, expected, tmp_path, monkeypatch):
    """A head started by somebody who has a token wants it, and a driver that shows none is turned away."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.setenv(name, "")  # so that whatever is set meanwhile is gone afterwards
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if has_file:
        (tmp_path / ".ray").mkdir()
        (tmp_path / ".ray" / "auth_token").write_text("0" * 64)
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    cluster._ready_token(Workers(count=2, ray="127.0.0.1:6379"))
    assert os.environ.get("RAY_AUTH_MODE") == expected


class TestPlace:
    """What each worker reserves, by what the cluster has."""

    def needs(self, workers, total, **options):
        return cluster._needs(workers, total, on_cpu=options.get("on_cpu", False))

    def test_a_gpu_each_where_there_are_any(self):
        assert self.needs(Workers(count=8, ray="h:1"), {"CPU": 64.0, "GPU": 8.0}) == (1.0, 1.0)
        assert self.needs(Workers(count=8, ray="h:1"), {"CPU": 64.0, "GPU": 8.0}, on_cpu=True) == (1.0, 0.0)
        assert self.needs(Workers(count=8), {"CPU": 2.0}) == (0.0, 0.0)
        assert self.needs(Workers(count=8, gpus=0.25), {"CPU": 2.0, "GPU": 2.0}) == (0.0, 0.25)

    def test_no_gpu_where_one_is_asked_for(self):
        with pytest.raises(UserError, match=r"There is no GPU: Ray at local knows of none. Leave --worker-gpus out"):
            self.needs(Workers(count=2, gpus=1), {"CPU": 8.0})

    def test_so_many_processes_are_not_started_on_one_machine(self):
        with pytest.raises(UserError, match=r"1,000 workers on this machine .* over 64 are not"):
            self.needs(Workers(count=1000), {"CPU": 2.0})
        assert self.needs(Workers(count=200), {"CPU": 64.0}) == (0.0, 0.0)
        assert self.needs(Workers(count=1000, ray="h:1"), {"CPU": 2.0}) == (1.0, 0.0)

    def test_a_machine_does_not_grow_but_a_cluster_may(self):
        with pytest.raises(UserError, match="cannot be placed"):
            self.needs(Workers(count=4, gpus=1), {"CPU": 8.0, "GPU": 2.0})
        assert self.needs(Workers(count=4, ray="h:1", gpus=1), {"CPU": 8.0, "GPU": 2.0}) == (1.0, 1.0)

    def test_gpus_that_the_other_model_holds_are_named(self, monkeypatch):
        monkeypatch.setattr(cluster, "_joined", cluster._Joined(address="h:1", pools=1, gpus=2.0))
        with pytest.raises(UserError, match="of which the other model's workers hold 2"):
            self.needs(Workers(count=2, ray="h:1"), {"CPU": 8.0, "GPU": 2.0})


def test_a_cluster_of_another_version_is_refused(tmp_path, capsys):
    """A head that says it is another Ray."""
    code = (
        "import sys, ray; ray.__version__ = '2.1.0'\n"
        "from ray.cluster_utils import Cluster\n"
        "c = Cluster(initialize_head=True, head_node_args=dict(num_cpus=1, object_store_memory=80_000_000,"
        " include_dashboard=False))\n"
        "print(c.address, flush=True); sys.stdin.readline(); c.shutdown()"
    )
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    head = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        assert head.stdout is not None
        address = head.stdout.readline().strip()
        # In a process of its own: Ray keeps its settings for as long as a process lives.
        asked = subprocess.run(
            [sys.executable, "-m", "vlsbench", *map(str, words(tmp_path, "--workers", 1, "--ray", address))],
            capture_output=True,
            text=True,
            env={**environment, "PYTHONPATH": str(Path(__file__).parents[3] / "src")},
            timeout=120,
        )
    finally:
        head.communicate("\n", timeout=60)
    assert asked.returncode == 2
    assert f"The Ray cluster at {address} has other versions" in asked.stderr
    assert "2.1.0" in asked.stderr
