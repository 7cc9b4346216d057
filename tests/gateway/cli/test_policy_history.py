"""The workbench's commands over real decisions, on the real command line: from a home, a bundle, and over HTTP."""

import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.gateway.cli.shell import Shell, loopgate
from tests.town import AUDITOR, proposal

pytestmark = pytest.mark.slow
ALWAYS = ("--since", "2020-01-01")


@pytest.fixture(scope="module")
def issue(shell: Shell) -> str:
    """The id of an action that was allowed."""
    said = shell.act(proposal("issue.create", {"title": "A note"}, jira=True))
    return str(said.document["action_id"])


@pytest.fixture(scope="module")
def home(shell: Shell, issue: str, held: dict[str, Any]) -> str:
    """The home of a gateway with a history."""
    assert issue.startswith("act_")
    assert held["status"] == "held"
    return str(shell.served.town.home)


@pytest.fixture
def policy(shell: Shell) -> str:
    return str(shell.served.town.settings.policy.folder)


@pytest.fixture(scope="module")
def draft(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The policy in force, with no release manager asked before production."""
    folder = tmp_path_factory.mktemp("draft") / "policies"
    shutil.copytree(shell.served.town.settings.policy.folder, folder)
    (folder / "data" / "modes.yaml").write_text("modes: {DEPLOY-002: {mode: shadow}}\n", "utf-8")
    return str(folder)


def test_the_policy_in_force_flips_nothing(shell: Shell, home: str, policy: str) -> None:
    said = loopgate(
        "policy", "replay", "--home", home, *ALWAYS, "--policy", policy, "--json", "--at-least", "3"
    )

    assert said.code == 0, said
    assert (said.document["looser"], said.document["stricter"], said.document["unreplayable"]) == (0, 0, 0)
    assert said.document["seen"] >= 3
    token = shell.served.tokens["policy-author"]
    over_http = loopgate(
        *("policy", "replay", *ALWAYS, "--policy", policy, "--format", "json"),
        LOOPGATE_URL=shell.served.url,
        LOOPGATE_TOKEN=token,
    )
    assert over_http.code == 0, over_http
    assert over_http.document["seen"] == said.document["seen"]


def test_a_laxer_draft_ends_with_an_error_and_says_who_is_touched(home: str, draft: str) -> None:
    said = loopgate("policy", "replay", "--home", home, *ALWAYS, "--policy", draft, "--format", "markdown")
    spared = loopgate("policy", "replay", "--home", home, *ALWAYS, "--policy", draft, "--fail-on", "none")

    assert said.code == 1
    assert "DEPLOY-002 in shadow now" in said.out
    assert "agt\\_fixer" in said.out
    assert "shop/checkout" in said.out
    assert spared.code == 0


def test_a_bundle_is_replayed_and_written_for_a_pipeline(
    shell: Shell, home: str, draft: str, tmp_path: Path
) -> None:
    bundle, report = tmp_path / "e.evidence.tar", tmp_path / "out" / "replay.xml"
    made = shell.person(AUDITOR, "audit", "export", str(bundle))
    assert made.code == 0, made
    arguments = ("--bundle", str(bundle), "--key", str(Path(home) / "log.vkey"), *ALWAYS, "--policy", draft)
    said = loopgate("policy", "replay", *arguments, "--format", "junit", "--out", str(report))

    assert said.code == 1, said
    assert said.out == ""
    suites = ET.parse(report).getroot()  # noqa: S314 - it is our own text
    assert int(suites.attrib["failures"]) >= 1


def test_too_little_history_can_be_an_error(home: str, policy: str) -> None:
    arguments = ("--home", home, "--since", "2020-01-01", "--until", "2020-01-02", "--policy", policy)
    said = loopgate("policy", "replay", *arguments, "--at-least", "1")

    assert said.code == 1
    assert "fewer than --at-least 1" in said.err


def test_a_recorded_action_is_explained_also_under_a_draft(
    home: str, held: dict[str, Any], draft: str, policy: str
) -> None:
    action = held["action_id"]
    then = loopgate("policy", "explain", action, "--home", home, "--policy", policy)
    now = loopgate("policy", "explain", action, "--home", home, "--policy", draft, "--json")

    assert then.code == 4, then
    assert "decided alike" in then.out
    assert "DEPLOY-002" in then.out
    assert now.code in {0, 4}, now
    assert now.document["difference"]["flip"]["turn"] == "looser"
    assert {look["outcome"] for look in now.document["looks"]} >= {"in shadow", "quiet"}


def test_what_shadow_would_have_done_is_told_by_day(home: str, draft: str) -> None:
    recorded = loopgate("policy", "shadow", "--home", home, *ALWAYS, "--json")
    asked = loopgate("policy", "shadow", "--home", home, *ALWAYS, "--policy", draft, "--json")

    assert recorded.code == asked.code == 0
    assert recorded.document["rules"] == []
    assert [rule["code"] for rule in asked.document["rules"]] == ["DEPLOY-002"]


def test_exceptions_are_listed_with_their_uses(home: str, policy: str, tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    shutil.copytree(policy, folder)
    excused = {
        "id": "EX-1",
        "code": "DEPLOY-002",
        "project": "**",
        "agent": "*",
        "expires_ms": 1,
        "owner": "prn_platform",
        "ticket": "SHOP-1",
        "reason": "A test.",
    }
    (folder / "data" / "exceptions.yaml").write_text(json.dumps({"exceptions": [excused]}), "utf-8")
    said = loopgate("policy", "exceptions", str(folder), "--home", home, *ALWAYS, "--strict", "--json")

    (line,) = said.document["exceptions"]
    assert said.code == 1
    assert line["uses"] == 0
    assert set(line["faults"]) >= {"expired", "unused", "too broad"}
    assert loopgate("policy", "exceptions", str(folder)).code == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("replay", "--since", "yesterday"), "is no moment"),
        (("replay", "--home", "nowhere"), "holds no gateway"),
        (("replay", "--bundle", "nowhere.tar"), "nowhere.tar"),
        (("replay", "--bundle", "a", "--home", "b"), "not both"),
        (("replay", "--home", "b", "--key", "k"), "--key verifies a bundle"),
        (("replay", "--since", "2026-02-01", "--until", "2026-01-01"), "later than --since"),
        (("explain", "nowhere.json"), "nowhere.json"),
        (("shadow", "--bundle", "nowhere.tar"), "nowhere.tar"),
        (("exceptions", "nowhere"), "is not a policy folder"),
        (("docs", "nowhere"), "nowhere"),
    ],
)
def test_a_mistake_is_a_sentence(arguments: tuple[str, ...], complaint: str) -> None:
    said = loopgate("policy", *arguments)

    assert said.code == 1
    assert complaint in said.err


def test_an_action_nobody_recorded_is_told(home: str, policy: str) -> None:
    said = loopgate("policy", "explain", "act_0", "--home", home, "--policy", policy)

    assert said.code == 1
    assert "no ruling on act_0" in said.err


def test_check_writes_a_report_for_a_pipeline(policy: str, tmp_path: Path) -> None:
    checked = loopgate("policy", "check", policy, "--format", "sarif", "--out", str(tmp_path / "check.sarif"))

    assert checked.code == 0, checked
    assert checked.out == ""
    assert json.loads((tmp_path / "check.sarif").read_text("utf-8"))["version"] == "2.1.0"
