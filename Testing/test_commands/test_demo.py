"""psma-planning demo: every lesion that must be found is found, in the right class, for unseen seeds."""

import json

import pytest
from PSMAPlanningLib.chain import run_chain
from PSMAPlanningLib.commandline import main
from PSMAPlanningLib.commands.demo import truth_documents, write_patient
from PSMAPlanningLib.imaging.phantom import PhantomParameters, make_phantom
from PSMAPlanningLib.settings import Settings


def demo_truth(folder, **parameters):
    phantom = make_phantom(PhantomParameters(**parameters))
    case = run_chain(write_patient(phantom, folder), Settings(), "test")
    return truth_documents(phantom, case), case


def check(truth):
    due = [row for row in truth if row["must_be_found"]]
    assert len(due) >= 7
    for row in due:
        assert row["found_as"], row["name"]
        assert row["classes_right"], row["name"]
    assert len({row["found_as"] for row in due}) == len(due)


def test_demo_writes_everything_and_says_what_it_found(tmp_path, capsys):
    out = tmp_path / "demo für alle"
    assert main(["demo", str(out), "--small", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["reviewed"] is False
    assert {row["name"] for row in document["truth"]} >= {"Mesorectal", "Retroperitoneal", "Pelvic bone"}
    assert {v["name"] for v in document["volumes"]} == {"CTVn", "PTVn", "CTVsb", "PTVsb"}
    assert (out / "patient" / "PT").is_dir()
    assert (out / "report.html").is_file()
    assert document["case"]["suv"]["units_in"] == "BQML"


@pytest.mark.parametrize("seed", [101, 102])
def test_full_size_patient(tmp_path, seed):
    truth, case = demo_truth(tmp_path, seed=seed)
    check(truth)
    found = {row["found_as"] for row in truth}
    extra = [lesion.id for lesion in case.state.lesions if lesion.id not in found]
    assert len(extra) <= 4, "few regions are taken for lesions that are none"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [200, *range(300, 320)])
def test_patients_nobody_looked_at(tmp_path, seed):
    """Seed 200 once lost its anastomosis in the shell of the urethra; the others are new."""
    check(demo_truth(tmp_path, seed=seed)[0])


def test_bad_seed_is_one_sentence(tmp_path, capsys):
    assert main(["demo", str(tmp_path / "x"), "--seed", "-1"]) == 2
    assert "seed" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
