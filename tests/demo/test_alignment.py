"""The finding for every method: trained and measured on the spot, and continued after a stop."""

import json
from dataclasses import replace

import pytest

from vlsbench.cli.main import main
from vlsbench.core.errors import UserError
from vlsbench.demo import alignment

pytest.importorskip("torch")
pytest.importorskip("trl")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture
def short(monkeypatch):
    """Two of the trainings, cut to a step."""
    cut = {
        name: replace(alignment.ALIGNMENTS[name], max_steps=1, batch_size=4)
        for name in ("textual-dpo", "multimodal-safe-unlearning")
    }
    cut = {name: replace(one, data=(one.data[0].rsplit(":", 1)[0] + ":8",)) for name, one in cut.items()}
    monkeypatch.setattr(alignment, "ALIGNMENTS", cut)


def test_a_stopped_demonstration_goes_on_and_prints_every_cell(short, tmp_path, capsys):
    words = ["demo", "--alignment", "--seed", "7", "--samples", "4", "--out", str(tmp_path / "demo"), "--json"]
    assert main(words) == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert list(found) == ["base", "textual-dpo", "multimodal-safe-unlearning"]
    for cells in found.values():
        assert cells["leaky"]["safety_rate"]["n"] + cells["leaky"]["unscored"] == 4
        assert {"benign", "naming", "leakless"} < set(cells)
    assert "mini:textual-pairs:8:7" in shown.err
    assert main(words) == 0
    again = capsys.readouterr()
    assert json.loads(again.out) == found
    assert "training" not in again.err
    alignment.ALIGNMENTS["textual-dpo"] = replace(alignment.ALIGNMENTS["textual-dpo"], lr=1.0)
    with pytest.raises(UserError, match="another recipe"):
        alignment.demonstrate_alignment(tmp_path / "demo", seed=7, n=4)


def test_every_method_has_a_textual_and_a_multimodal_form():
    names = ["sft", "dpo", "rl", "unlearning", "safe-unlearning"]
    assert list(alignment.ALIGNMENTS) == [f"{form}-{name}" for name in names for form in ("textual", "multimodal")]
    for name, settings in alignment.ALIGNMENTS.items():
        assert settings.data[0].startswith(f"mini:{name.partition('-')[0]}")
        assert alignment.seeded(name, 3).seed == 3
