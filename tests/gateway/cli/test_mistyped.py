"""What people mistype on the command line: the sentence names the mistake and what to write instead."""

from pathlib import Path

import pytest

from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.command import run_opa
from gateway.app.backup import restore
from gateway.app.upkeep import refuse_no_gateway
from gateway.cli.actions import read_proposal
from gateway.core.errors import MalformedError, SettingsError
from gateway.settings import CONFIG_NAME, Settings


def test_a_type_where_the_file_of_a_proposal_belongs(tmp_path: Path) -> None:
    with pytest.raises(MalformedError, match="name a file with the proposal as JSON"):
        read_proposal(tmp_path / "branch.create")


def test_a_proposal_that_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "act.json").write_text("{type: branch.create}")
    with pytest.raises(MalformedError, match="cannot be read as JSON"):
        read_proposal(tmp_path / "act.json")


def test_a_policy_folder_that_is_not_there_is_not_the_fault_of_opa(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as told:
        run_opa(opa_binary(), ["version"], cwd=tmp_path / "polices")

    assert "polices is not a folder" in told.value.detail
    assert "opa" not in told.value.detail


def test_a_folder_that_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"has no backup\.json; name a folder that `loopgate backup` made"
    ):
        restore(Settings(home=tmp_path / "home"), tmp_path)


def test_a_home_that_lost_its_key_is_not_called_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="run `loopgate init"):
        refuse_no_gateway(tmp_path)
    (tmp_path / CONFIG_NAME).touch()
    with pytest.raises(SettingsError, match="restore the keys from its backup"):
        refuse_no_gateway(tmp_path)
