"""`loopgate act` and `loopgate actions`: the exit codes of api.md, and one JSON document where JSON is asked for."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox.switches import Fault
from tests.gateway.cli.conftest import held_merge
from tests.gateway.cli.shell import Shell
from tests.town import AUDITOR, DEVELOPER, proposal

pytestmark = pytest.mark.slow


def branch(name: str) -> dict[str, Any]:
    return proposal("branch.create", {"from": "main"}, branch=name)


def comment(body: str) -> dict[str, Any]:
    return proposal("issue.comment", {"body": body}, jira=True, issue="SHOP-1")


def test_what_is_done_ends_in_0_and_the_same_key_never_acts_again(shell: Shell) -> None:
    first = shell.act(branch("agent/first"), "--key", "first")
    again = shell.act(branch("agent/first"), "--key", "first")

    assert (first.code, again.code) == (0, 0)
    assert first.document["status"] == "performed"
    assert again.document["action_id"] == first.document["action_id"]


def test_what_is_done_is_told_to_people_in_words(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "proposal.json"
    file.write_text(json.dumps(branch("agent/words")))

    said = shell.agent("act", str(file))

    assert said.code == 0
    assert "performed" in said.out
    assert "agent/words" in said.out


def test_what_is_denied_ends_in_3_and_says_what_helps(shell: Shell) -> None:
    said = shell.agent("act", "-", stdin=json.dumps(branch("main/not-mine")))

    assert said.code == 3
    assert said.out == ""
    assert "denied" in said.err
    assert "hint:" in said.err


def test_a_denial_is_one_json_document_too(shell: Shell) -> None:
    said = shell.act(branch("main/not-mine"))

    assert said.code == 3
    assert said.document["code"] == "denied"
    assert said.document["findings"]


def test_out_of_the_tokens_scope_ends_in_3(shell: Shell) -> None:
    elsewhere = branch("agent/x")
    elsewhere["target"]["project"] = "other/place"

    said = shell.act(elsewhere)

    assert (said.code, said.document["code"]) == (3, "out_of_scope")


def test_what_waits_for_people_ends_in_4(shell: Shell, held: dict[str, Any]) -> None:
    said = shell.agent("actions", "show", held["action_id"])

    assert held["status"] == "held"
    assert held["ticket"]["id"] in said.out


def test_what_may_have_happened_ends_in_5_and_is_listed(shell: Shell) -> None:
    switches = shell.served.town.sandbox.switches
    switches.add(Fault("lose_reply", method="POST", path="/rest/api/3/issue/.*", system="jira"))

    said = shell.act(comment("Is anybody there?"))
    switches.reset()

    assert (said.code, said.document["code"]) == (5, "in_doubt")
    assert shell.agent("actions", "list", "--in-doubt", "--json").code == 0


def test_what_the_target_refuses_ends_in_1(shell: Shell) -> None:
    switches = shell.served.town.sandbox.switches
    switches.add(Fault("status", method="POST", path="/rest/api/3/issue/.*", system="jira", status=400))

    said = shell.act(comment("Hello."))
    switches.reset()

    assert (said.code, said.document["code"]) == (1, "target_refused")


def test_a_dry_run_shows_the_ruling_and_does_nothing(shell: Shell) -> None:
    good = shell.act(branch("agent/dry"), "--dry-run")
    bad = shell.act(branch("main/dry"), "--dry-run")
    words = shell.agent("act", "-", "--dry-run", stdin=json.dumps(branch("main/dry")))

    assert (good.code, bad.code, words.code) == (0, 3, 3)
    assert bad.document["effect"] == "deny"
    assert "would be: deny" in words.out
    project = shell.served.town.sandbox.forge.project_at("shop/checkout")
    assert project is not None
    assert "agent/dry" not in project.repository.branches()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "\udcff",
        '{"type": NaN}',
        '{"type": "issue.comment", "target": {}, "params": {"body": "\\ud800"}}',
        "[" * 200_000,
        '{"type": "repository.destroy", "target": {}}',
    ],
)
def test_a_proposal_that_is_none_is_refused_in_a_sentence(shell: Shell, text: str) -> None:
    said = shell.agent("act", "-", stdin=text)

    assert said.code == 1
    assert said.err.startswith("error: ")


def test_a_missing_file_is_named(shell: Shell, tmp_path: Path) -> None:
    said = shell.agent("act", str(tmp_path / "nowhere.json"))

    assert said.code == 1
    assert "nowhere.json" in said.err.replace("\n", "")


def test_actions_are_listed_shown_and_cancelled(shell: Shell) -> None:
    waiting = held_merge(shell, "agent/cancelled")["action_id"]

    listed = shell.agent("actions", "list", "--status", "held", "--json").document["items"]
    cancelled = shell.agent("actions", "cancel", waiting, "--json")
    twice = shell.agent("actions", "cancel", waiting)
    shown = shell.agent("actions", "show", waiting, "--json").document

    assert waiting in [a["action_id"] for a in listed]
    assert cancelled.document["status"] == shown["status"] == "cancelled"
    assert twice.code == 1
    assert waiting in shell.agent("actions", "list").out


@pytest.mark.parametrize("name", ["act_unknown", "../tickets", "act_1/cancel", "..", "%2e%2e", "act_\n", "é"])
def test_an_unknown_id_is_an_error_and_never_another_route(shell: Shell, name: str) -> None:
    assert shell.agent("actions", "show", name).code == 1


@pytest.mark.parametrize("token", ["lg_unknown", "lg_é", "two words", "a.b.c"])
def test_a_token_that_is_none_is_refused(shell: Shell, token: str) -> None:
    said = shell.agent("actions", "list", token=token)

    assert said.code == 1
    assert said.err.startswith("error: ")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://[", "ftp://x"])
def test_a_gateway_that_does_not_answer_is_said_so(shell: Shell, url: str) -> None:
    said = shell.agent("actions", "list", "--url", url)

    assert said.code == 1
    assert said.err.startswith("error: ")


def test_something_else_at_that_address_is_said_so(shell: Shell) -> None:
    sandbox = shell.served.town.sandbox

    said = shell.agent("actions", "list", "--url", sandbox.gitlab_url)

    assert said.code == 1
    assert "--url" in said.err.replace("\n", "")


def test_a_person_reads_actions_with_the_vote_key(shell: Shell) -> None:
    shell.act(branch("agent/listed"))

    said = shell.person(AUDITOR, "actions", "list", "--agent", "agt_fixer", "--json")

    assert said.code == 0
    assert {a["agent"] for a in said.document["items"]} == {"agt_fixer"}


def test_a_person_cannot_act(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "proposal.json"
    file.write_text(json.dumps(branch("agent/mine")))

    said = shell.person(DEVELOPER, "act", str(file), "--json")

    assert (said.code, said.document["code"]) == (3, "out_of_scope")
