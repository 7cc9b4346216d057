"""People at terminals: logging in, reading tickets, voting with a signature, the brake, credentials, evidence."""

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest

from gateway.client.vote_keys import Profile
from tests.gateway.cli.conftest import held_merge
from tests.gateway.cli.shell import PASSPHRASE, Shell, loopgate
from tests.town import AUDITOR, DEVELOPER, OPERATOR, OWNER, RELEASE, ROOT, proposal

pytestmark = pytest.mark.slow
REPORT = ROOT / "gateway/cli/demonstration/data/trivy-npm.json"


def test_two_signatures_approve_a_merge_and_the_gateway_carries_it_out(shell: Shell) -> None:
    action = held_merge(shell, "agent/approved")
    ticket = action["ticket"]["id"]

    waiting = shell.person(OWNER, "tickets", "list", "--json").document["items"]
    first = shell.person(OWNER, "tickets", "approve", ticket, "--reason", "Read it.", "--json")
    second = shell.person(RELEASE, "tickets", "approve", ticket, "--reason", "Goes out.")
    again = shell.person(OWNER, "tickets", "approve", ticket, "--reason", "Twice.", "--json")

    assert ticket in [t["id"] for t in waiting]
    assert (first.code, second.code) == (0, 0)
    assert first.document["votes"][0]["assurance"] == "signed"
    assert "approve recorded" in second.out
    assert (again.code, again.document["code"]) in {(1, "ticket_closed"), (1, "already_voted")}
    assert shell.agent("actions", "show", action["action_id"], "--json").document["status"] != "held"


def test_votes_that_do_not_count_are_refused_with_the_reason(shell: Shell, held: dict[str, Any]) -> None:
    ticket = held["ticket"]["id"]

    own = shell.person(DEVELOPER, "tickets", "approve", ticket, "--reason", "Mine.", "--json")
    other = shell.person(
        OWNER, "tickets", "approve", ticket, "--reason", "Old.", "--digest", "0" * 64, "--json"
    )
    auditor = shell.person(AUDITOR, "tickets", "approve", ticket, "--reason", "Fine.", "--json")
    unknown = shell.person(OWNER, "tickets", "approve", "tkt_1", "--reason", "What?", "--json")

    assert (own.code, own.document["code"]) == (1, "self_approval")
    assert (other.code, other.document["code"]) == (1, "stale_question")
    assert (auditor.code, auditor.document["code"]) == (3, "out_of_scope")
    assert (unknown.code, unknown.document["code"]) == (1, "not_found")


def test_a_wrong_passphrase_and_damaged_files_are_said_in_a_sentence(shell: Shell, tmp_path: Path) -> None:
    shell.person(OWNER, "tickets", "list")
    good = shell.config(OWNER)
    damaged, foreign, gone, nobody = (tmp_path / name for name in ("damaged", "foreign", "gone", "nobody"))
    for copy in (damaged, foreign, gone, nobody):
        shutil.copytree(good, copy)
    (damaged / "key.pem").write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nbm90aGluZw==\n")
    (foreign / "key.pem").write_text("hello")
    (gone / "key.pem").unlink()
    (nobody / "profile.json").write_text("[]")

    wrong = shell.person(OWNER, "tickets", "list", passphrase="not the passphrase")
    said = {c.name: shell.at_terminal(c, "tickets", "list") for c in (damaged, foreign, gone, nobody)}

    assert wrong.code == 1
    assert "does not open the vote key" in wrong.err
    assert {s.code for s in said.values()} == {1}
    assert "damaged" in said["damaged"].err
    assert "no encrypted key" in said["foreign"].err
    assert "is gone" in said["gone"].err
    assert "damaged" in said["nobody"].err


def test_a_passphrase_through_a_pipe_is_refused(shell: Shell) -> None:
    shell.person(OWNER, "tickets", "list")

    said = loopgate("tickets", "list", "--config", str(shell.config(OWNER)), stdin=PASSPHRASE + "\n")

    assert said.code == 1
    assert said.out == ""
    assert "from a terminal" in said.err


def test_the_passphrase_is_not_echoed(shell: Shell) -> None:
    said = shell.person(OWNER, "tickets", "list")

    assert PASSPHRASE not in said.err + said.out


def test_a_code_works_once_and_for_nobody_in_a_used_folder(shell: Shell, tmp_path: Path) -> None:
    code = shell.person(OPERATOR, "people", "invite", "prn_security", "--json").document["code"]

    first = shell.at_terminal(tmp_path / "first", "login", code, "--json")
    used = shell.at_terminal(tmp_path / "used", "login", code)
    wrong = shell.at_terminal(tmp_path / "used", "login", "not-a-code-of-anybody", "--json")
    occupied = shell.at_terminal(tmp_path / "first", "login", code)
    unreachable = shell.at_terminal(tmp_path / "used", "login", code, "--url", "http://127.0.0.1:1")

    assert Profile(**first.document).person == "prn_security"
    assert [s.code for s in (used, wrong, occupied, unreachable)] == [1, 1, 1, 1]
    assert "bad_code" in used.err
    assert wrong.document["code"] == "bad_code"
    assert "holds a vote key already" in occupied.err
    assert not (tmp_path / "used" / "key.pem").exists()


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [(["short", "short"], "8 to"), (["one passphrase", "another one"], "differ"), (["", ""], "8 to")],
)
def test_a_passphrase_that_is_no_good_makes_no_key(
    shell: Shell, tmp_path: Path, typed: list[str], complaint: str
) -> None:
    command = f"login some-code-or-other --config {tmp_path / 'me'} --url {shell.served.url}"
    with at_terminal(command.split()) as terminal:
        for word in typed:
            terminal.expect("assphrase[^:]*: ?$|again: ?$")
            terminal.sendline(word)
        terminal.expect(complaint)
        terminal.expect(pexpect.EOF)
        terminal.close()

    assert terminal.exitstatus == 1
    assert not (tmp_path / "me").exists()


def test_an_interrupted_prompt_ends_in_a_sentence(shell: Shell) -> None:
    shell.person(OWNER, "tickets", "list")
    command = ["tickets", "list", "--config", str(shell.config(OWNER))]
    with at_terminal(command) as terminal:
        terminal.expect("assphrase[^:]*: ")
        terminal.sendintr()
        shown = terminal.read()
        terminal.close()

    assert terminal.exitstatus == 1
    assert b"Interrupted" in shown
    assert b"Traceback" not in shown


def test_the_brake_stops_at_once_and_two_others_are_asked_to_lift_it(shell: Shell) -> None:
    stopped = shell.person(OPERATOR, "stop", "agent", "agt_fixer", "--reason", "Trying it.", "--json")
    denied = shell.act(proposal("branch.create", {"from": "main"}, branch="agent/stopped"))
    nobody = shell.person(OWNER, "stop", "--reason", "Not mine to stop.", "--json")
    why = ("--reason", "Seen to.", "--json")
    asked = shell.person(OPERATOR, "lift", stopped.document["id"], *why)
    unknown = shell.person(OPERATOR, "lift", "stp_1", *why)
    for other in ("prn_operator_two", "prn_operator_three"):
        shell.person(other, "tickets", "approve", asked.document["ticket"]["id"], *why)
    valueless = shell.person(OPERATOR, "stop", "agent", "--reason", "Whom?", "--json")

    assert (stopped.code, asked.code, asked.document["status"]) == (0, 0, "held")
    assert denied.code == 3
    assert (nobody.code, nobody.document["code"]) == (3, "out_of_scope")
    assert (unknown.code, unknown.document["code"]) == (1, "not_found")
    assert (valueless.code, valueless.document["code"]) == (1, "malformed")
    wanted = ("actions", "show", asked.document["action_id"], "--json")
    statuses = (shell.person(OPERATOR, *wanted).document["status"] for _ in range(30))
    assert "performed" in statuses
    assert shell.act(proposal("branch.create", {"from": "main"}, branch="agent/going-on")).code == 0


def test_a_fresh_token_opens_its_door_and_no_other(shell: Shell) -> None:
    rest = shell.person(OPERATOR, "agents", "token", "agt_fixer", "--project", "shop/*", "--json").document
    git = shell.person(
        OPERATOR, "agents", "token", "agt_fixer", "--project", "shop/*", "--door", "git", "--json"
    ).document
    words = shell.person(OPERATOR, "agents", "token", "agt_fixer", "--project", "shop/*")
    unknown = shell.person(OPERATOR, "agents", "token", "agt_nobody", "--project", "shop/*", "--json")

    assert shell.agent("actions", "list", token=rest["secret"]).code == 0
    assert "wrong_door" in shell.agent("actions", "list", token=git["secret"]).err
    assert "export LOOPGATE_TOKEN=lg_" in words.out
    assert (unknown.code, unknown.document["code"]) == (1, "not_found")


def test_evidence_is_exported_and_verified_offline_until_it_is_touched(shell: Shell, tmp_path: Path) -> None:
    bundle = tmp_path / "evidence.tar"

    exported = shell.person(AUDITOR, "audit", "export", str(bundle), "--json")
    vkey = shell.person(AUDITOR, "audit", "keys", "--json").document["vkey"]
    verified = loopgate("audit", "verify", str(bundle), "--key", vkey, "--json")
    damaged = tmp_path / "damaged.tar"
    damaged.write_bytes(bundle.read_bytes().replace(b"events", b"evenTs", 1))
    refused = loopgate("audit", "verify", str(damaged), "--key", vkey)
    missing = loopgate("audit", "verify", str(tmp_path / "nowhere"), "--key", vkey)

    assert exported.document["bytes"] == bundle.stat().st_size
    assert (verified.code, verified.document["ok"]) == (0, True)
    assert (refused.code, missing.code) == (1, 2)


def test_a_failed_export_leaves_what_was_there(shell: Shell, tmp_path: Path) -> None:
    bundle = tmp_path / "evidence.tar"
    bundle.write_text("an older export")

    beyond = shell.person(AUDITOR, "audit", "export", str(bundle), "--from", "999999", "--json")
    stranger = shell.person(OWNER, "audit", "export", str(bundle))
    nowhere = shell.person(AUDITOR, "audit", "export", str(tmp_path / "no" / "folder" / "x.tar"))

    assert [s.code for s in (beyond, stranger, nowhere)] == [1, 3, 1]
    assert bundle.read_text() == "an older export"
    assert [p.name for p in tmp_path.iterdir()] == ["evidence.tar"]


def test_a_report_becomes_work_items_once(shell: Shell, tmp_path: Path) -> None:
    names = ("--project", "shop/checkout", "--tracker", "SHOP")
    broken = tmp_path / "broken.json"
    broken.write_text("{}")

    made = shell.person(OPERATOR, "signals", "import", str(REPORT), *names, "--json")
    again = shell.person(OPERATOR, "signals", "import", str(REPORT), *names)
    bad = shell.person(OPERATOR, "signals", "import", str(broken), *names, "--json")
    missing = loopgate("signals", "import", str(tmp_path / "nowhere"), *names)

    assert made.code == again.code == 0
    issues = [w["issue"] for w in made.document["items"]]
    assert len(issues) == 1
    assert issues[0] in again.out
    assert (bad.code, missing.code) == (1, 1)
    assert bad.document["detail"]


def test_everything_that_lists_or_shows_does_so_in_words_and_in_one_json_document(
    shell: Shell, held: dict[str, Any]
) -> None:
    ticket = held["ticket"]["id"]
    for person, command, known in (
        (OWNER, ("tickets", "list"), ticket),
        (OWNER, ("tickets", "list", "--all"), ticket),
        (OWNER, ("tickets", "show", ticket), ticket),
        (AUDITOR, ("audit", "events", "--subject", held["action_id"]), "action.held"),
        (AUDITOR, ("audit", "keys"), "town.test/log"),
        (AUDITOR, ("actions", "show", held["action_id"]), held["action_id"]),
    ):
        words, document = shell.person(person, *command), shell.person(person, *command, "--json")

        assert (words.code, document.code) == (0, 0), command
        assert known in words.out.replace("\n", ""), words
        assert known in json.dumps(document.document)


def at_terminal(command: list[str]) -> "pexpect.spawn[bytes]":
    """A terminal the test types at itself."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LOOPGATE_")}
    program = ["-m", "gateway.cli.main", *command]
    return pexpect.spawn(
        sys.executable,
        program,
        env={**environment, "NO_COLOR": "1"},
        timeout=60,
        preexec_fn=_hear_interrupts,
    )


def _hear_interrupts() -> None:
    """Whoever runs the suite in the background has it ignore the interrupt, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_break_glass_goes_from_hand_to_hand_to_hand(shell: Shell) -> None:
    wanted = ("break-glass", "open", "project", "shop/checkout", "--ticket", "INC-7", "--minutes", "5")
    opened = shell.person(OPERATOR, *wanted, "--reason", "The shop is down.", "--json")
    glass = opened.document["id"]
    own = shell.person(OPERATOR, "break-glass", "confirm", glass, "--json")
    confirmed = shell.person(OWNER, "break-glass", "confirm", glass)
    closed = shell.person(OWNER, "break-glass", "close", glass)
    found = ("--finding", "It was right.", "--justified")
    reviewed = shell.person(RELEASE, "break-glass", "review", glass, *found, "--json")
    listed = shell.person(OPERATOR, "break-glass", "list", "--json").document["items"]
    table = shell.person(OPERATOR, "break-glass", "list")

    assert (opened.code, confirmed.code, closed.code, reviewed.code) == (0, 0, 0, 0)
    assert own.document["code"] == "self_approval"
    assert "in force for 5 minutes" in confirmed.out
    assert reviewed.document["stands"] == "reviewed"
    assert glass in [item["id"] for item in listed]
    assert table.code == 0
