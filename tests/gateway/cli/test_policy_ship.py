"""Shipping a policy at terminals: from a key to what is in force, back, and past the seal (docs/how-to/ship-a-policy.md)."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.cli.shell import Shell, loopgate
from tests.gateway.doors.rest.conftest import Served
from tests.town import OPERATOR, ROOT, built_town, proposal

pytestmark = pytest.mark.slow
AUTHOR, APPROVER = "prn_platform", "prn_security"
BRANCH = proposal("branch.create", {"from": "main"}, branch="agent/x")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("key") / "keys" / "policy.pem"


@pytest.fixture(scope="module")
def shell(home_template: Path, tmp_path_factory: pytest.TempPathFactory, key: Path) -> Iterator[Shell]:
    """Shells at a gateway of its own, whose settings name the key that `policy key` made."""
    made = loopgate("policy", "key", "--key", str(key), "--json").document
    with built_town(home_template, tmp_path_factory.mktemp("hall")) as town:
        config = town.home / "loopgate.toml"
        line = f'keys = ["{made["public"]}"]\n'
        config.write_text(config.read_text().replace("[policy]\n", f"[policy]\n{line}", 1))
        served = Served(town)
        served.start()
        yield Shell(served, tmp_path_factory.mktemp("shells"))
        served.stop()


def build(folder: Path, key: Path, *, branches: bool) -> tuple[Path, str]:
    """A signed build of the shipped library, perhaps without branches; where it is, and its digest."""
    policies = Path(shutil.copytree(ROOT / "policies", folder / "policies"))
    if not branches:
        grants = policies / "data" / "grants.yaml"
        grants.write_text(grants.read_text().replace("      - branch.create\n", ""))
    out = folder / "built"
    said = loopgate(
        "policy", "build", str(policies), "--sign", "--key", str(key), "--out", str(out), "--json"
    )
    assert said.code == 0, said.err
    assert said.document["signed_by"]
    return out, str(said.document["digest"])


def listed(shell: Shell) -> dict[str, Any]:
    document: dict[str, Any] = shell.person(AUTHOR, "policy", "list", "--json").document
    return document


def test_a_policy_is_shipped_tried_rolled_back_and_after_the_seal_approved(
    shell: Shell, key: Path, tmp_path: Path
) -> None:
    strict, digest = build(tmp_path / "strict", key, branches=False)
    same, same_digest = build(tmp_path / "same", key, branches=True)
    wanted = tmp_path / "proposal.json"
    wanted.write_text(json.dumps(BRANCH))

    assert digest in shell.person(AUTHOR, "policy", "upload", str(strict)).out
    tried = shell.person(AUTHOR, "policy", "rehearse", str(wanted), "--agent", "agt_fixer", "--json")
    assert (tried.document["effect"], tried.document["policy_digest"]) == ("deny", digest)
    shown = shell.person(AUTHOR, "policy", "rehearse", str(wanted), "--agent", "agt_fixer")
    assert "GATE-001" in shown.out

    done = shell.person(AUTHOR, "policy", "activate", "--digest", digest, "--reason", "Try.")
    assert (done.code, f"In force: {digest}" in done.out) == (0, True)
    again = shell.person(AUTHOR, "policy", "activate", str(strict), "--reason", "Twice.")
    assert (again.code, "in force already" in again.out) == (0, True)
    back = shell.person(AUTHOR, "policy", "rollback", "--reason", "Nobody can work.", "--json")
    assert (back.code, back.document["digest"]) == (0, same_digest)

    early = shell.person(OPERATOR, "seal", "--json")
    assert (early.code, early.document["code"]) == (1, "bundle_refused")
    assert shell.person(AUTHOR, "policy", "upload", str(same)).code == 0
    assert "changes by approval only" in shell.person(OPERATOR, "seal").out

    held = shell.person(AUTHOR, "policy", "activate", str(strict), "--reason", "As agreed.", "--json")
    assert (held.code, held.document["status"]) == (4, "held")
    assert listed(shell)["in_force"] == same_digest
    ticket = held.document["ticket"]["id"]
    assert shell.person(APPROVER, "tickets", "approve", ticket, "--reason", "Read it.").code == 0
    for _ in range(20):
        if shell.person(AUTHOR, "actions", "show", held.document["action_id"], "--json").document[
            "status"
        ] in {"performed", "refused", "denied", "stale"}:
            break
    assert listed(shell)["in_force"] == digest
    shown = shell.person(AUTHOR, "policy", "list")
    assert "Sealed since" in shown.out
    assert "in force" in shown.out


def test_signing_without_a_key_and_shipping_without_a_build_are_said_in_a_sentence(tmp_path: Path) -> None:
    unsigned = loopgate("policy", "build", "--key", str(tmp_path / "no.pem"))
    unbuilt = loopgate("policy", "upload", str(tmp_path))
    twice = [loopgate("policy", "key", "--key", str(tmp_path / "keys" / "k.pem")) for _ in range(2)]
    locked = loopgate("policy", "key", "--key", str(tmp_path / "keys" / "l.pem"), "--passphrase")

    assert (unsigned.code, "loopgate policy key" in unsigned.err) == (1, True)
    assert (unbuilt.code, "policy build --sign" in unbuilt.err) == (1, True)
    assert [said.code for said in twice] == [0, 1]
    assert "exists already" in twice[1].err
    assert (locked.code, "terminal" in locked.err) == (1, True)
    assert not (tmp_path / "keys" / "l.pem").exists()
