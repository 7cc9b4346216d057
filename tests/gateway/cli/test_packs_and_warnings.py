"""`init --pack` gives a home its own limits; `policy check` warns of exceptions and of a roster of one, and passes."""

import json
import shutil
import tomllib
from pathlib import Path

import pytest

from gateway.workbench.data_files import policy_data
from tests.gateway.cli.shell import loopgate
from tests.town import ROOT

pytestmark = pytest.mark.slow
LIBRARY = ROOT / "policies"
ALONE = """people:
  - {id: prn_developer, roles: [approver, operator], approves_as: [service-owner]}
"""


def alone(folder: Path) -> Path:
    """The library with one person, who answers for every agent."""
    shutil.copytree(LIBRARY, folder)
    (folder / "data" / "people.yaml").write_text(ALONE)
    agents = folder / "data" / "agents.yaml"
    agents.write_text(agents.read_text("utf-8").replace("prn_operator", "prn_developer"))
    return folder


def test_a_home_made_with_a_pack_has_its_own_checkout(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = loopgate("init", "--operator", "Olga", "--home", str(home), "--pack", "regulated", "--json")

    assert made.code == 0, made
    assert made.document["advice"] == []
    folder = Path(tomllib.loads((home / "loopgate.toml").read_text("utf-8"))["policy"]["folder"])
    assert folder == home.resolve() / "policies"
    assert policy_data(folder).pack == "regulated"
    assert policy_data(LIBRARY).pack == ""


def test_a_pack_that_is_not_there_leaves_nothing_behind(tmp_path: Path) -> None:
    home = tmp_path / "home"
    refused = loopgate("init", "--operator", "Olga", "--home", str(home), "--pack", "enterprise")

    assert refused.code == 1
    assert "regulated, solo, team" in " ".join(refused.err.split())
    assert not any(home.iterdir())


def test_whoever_is_alone_is_told_to_find_a_second_person(tmp_path: Path) -> None:
    library, home = alone(tmp_path / "policies"), tmp_path / "home"
    made = loopgate(
        "init", "--operator", "Olga", "--home", str(home), "--policies", str(library), "--pack", "solo"
    )

    assert made.code == 0, made
    assert "Add a second person" in " ".join(made.out.split())


def test_check_warns_and_passes(tmp_path: Path) -> None:
    folder = alone(tmp_path / "policies")
    excused = {
        "id": "EX-1",
        "code": "BLAST-001",
        "project": "**",
        "agent": "*",
        "expires_ms": 1,
        "owner": "prn_developer",
        "ticket": "SHOP-1",
        "reason": "a migration",
    }
    (folder / "data" / "exceptions.yaml").write_text(json.dumps({"exceptions": [excused]}))
    checked = loopgate("policy", "check", str(folder), "--json")
    told = " ".join(checked.err.split())

    assert checked.code == 0, checked
    assert checked.document == []
    assert told.count("Warning: EX-1") == 2
    assert "Add a second person" in told
