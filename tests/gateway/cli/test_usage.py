"""Usage errors end in 2, and the roster is edited without breaking it; neither needs a gateway."""

import shutil
from pathlib import Path

import pytest

from gateway.cli.main import _run
from gateway.workbench.data_files import policy_data
from tests.gateway.cli.shell import loopgate
from tests.town import ROOT

WRONG = [
    "nonsense",
    "act",
    "act file --wait many",
    "act file --wait 999",
    "act file --nonsense",
    "actions list --status nonsense",
    "actions show",
    "tickets",
    "tickets approve",
    "stop nothing --reason x",
    "lift",
    "login",
    "init",
    "agents token agt_x",
    "agents token agt_x --project a --door window",
    "agents token agt_x --project a --days 0",
    "agents add agt_x --owner prn_x --tier king",
    "people add prn_x --role king",
    "audit events --limit 0",
    "audit export",
    "audit verify",
    "signals import report.json",
    "policy check a b",
]


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A policy checkout to edit."""
    return Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))


@pytest.mark.parametrize("command", WRONG)
def test_a_usage_error_ends_in_2_and_says_what_was_wrong(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = _run(command.split())
    shown = "".join(capsys.readouterr())

    assert code == 2
    assert "Usage:" in shown
    assert "Traceback" not in shown


def test_the_process_itself_ends_in_2_too() -> None:
    said = loopgate("actions", "show")

    assert said.code == 2
    assert said.out == ""


@pytest.mark.parametrize("command", ["--help", "act --help", "tickets approve --help"])
def test_help_is_no_error(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(command.split()) == 0
    assert "Usage:" in capsys.readouterr().out


def test_an_agent_is_added_to_the_roster_once(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["agents", "add", "agt_new", "--owner", "prn_developer", "--grant", "issues-only"]
    where = ["--project", "shop/*", "--policies", str(policies)]

    assert _run([*arguments, *where]) == 0
    assert _run([*arguments, *where]) == 1

    assert "agt_new" in {a.id for a in policy_data(policies).agents}
    shown = capsys.readouterr()
    assert "loopgate agents token agt_new --project 'shop/*'" in " ".join(shown.out.split())
    assert "in the roster already" in shown.err


def test_a_person_is_added_to_the_roster(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["people", "add", "prn_new", "--role", "auditor", "--policies", str(policies), "--json"]

    assert _run(wanted) == 0

    assert "prn_new" in {p.id for p in policy_data(policies).people}
    assert '"auditor"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("agents", "agents add agt_x --owner prn_x --grant no-such-grant"),
        ("agents", "agents add bad/id --owner prn_x"),
        ("people", "people add someone@example.com"),
    ],
)
def test_what_the_policy_would_refuse_is_not_written(policies: Path, name: str, command: str) -> None:
    path = policies / "data" / f"{name}.yaml"
    before = path.read_text()

    code = _run([*command.split(), "--policies", str(policies)])

    assert code == 1
    assert path.read_text() == before


@pytest.mark.parametrize("text", ["", "people: 3", "people: [1]", "people: [{name: x}]", "a: [", "\udcff"])
def test_a_roster_that_is_none_is_refused(
    policies: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (policies / "data" / "people.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))

    assert _run(["people", "list", "--policies", str(policies)]) == 1
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("name", ["people", "agents"])
def test_the_roster_is_listed_in_words_and_json(
    name: str, policies: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run([name, "list", "--policies", str(policies)]) == 0
    assert _run([name, "list", "--policies", str(policies), "--json"]) == 0
    assert _run([name, "list", "--policies", "nowhere"]) == 1
    assert "--policies" in capsys.readouterr().err


def test_no_terminal_anywhere_is_said_in_a_sentence(tmp_path: Path) -> None:
    said = loopgate("login", "some-code-or-other", "--config", str(tmp_path / "me"), stdin="passphrase\n" * 2)

    assert said.code == 1
    assert "terminal" in said.err
    assert not (tmp_path / "me").exists()


def test_nobody_logged_in_is_said_in_a_sentence(tmp_path: Path) -> None:
    said = loopgate("tickets", "list", "--config", str(tmp_path))

    assert said.code == 1
    assert "loopgate login" in said.err
