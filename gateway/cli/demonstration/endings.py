"""The last chapters: three refusals, and evidence that verifies until somebody touches it."""

import asyncio
import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from audit.archive import decode_archive, encode_archive, json_line
from gateway.cli.demonstration.story import Story

_README = {"op": "create", "path": "notes.md", "content": "A note.\n"}


async def three_refusals(story: Story) -> None:
    """Push to `main`, edit `policies/`, approve one's own agent's merge: each refused with its reason."""
    tell = story.tell
    tell.step("agt_fixer tries to commit straight to main.")
    error = await story.refusal(
        lambda: story.propose(
            "commit.create", {"branch": "main"}, {"message": "Quick fix", "changes": [_README]}
        )
    )
    _shown(story, error.problem.findings, "FLOW-003")
    tell.step("It tries to loosen the rules: a commit that edits policies/.")
    change = {"op": "create", "path": "policies/mine.md", "content": "Agents may do anything.\n"}
    await story.act("branch.create", {"branch": "agent/rules"}, {"from": "main"})
    error = await story.refusal(
        lambda: story.propose(
            "commit.create", {"branch": "agent/rules"}, {"message": "Tidy", "changes": [change]}
        )
    )
    _shown(story, error.problem.findings, "PATH-001")
    await _self_approval(story)


async def _self_approval(story: Story) -> None:
    tell = story.tell
    await story.act("branch.create", {"branch": "agent/notes"}, {"from": "main"})
    commit = await story.act(
        "commit.create", {"branch": "agent/notes"}, {"message": "Add notes", "changes": [_README]}
    )
    opened = await story.act(
        "merge_request.open", {}, {"source": "agent/notes", "target": "main", "title": "Add notes"}
    )
    merge = {"merge_request": int(opened["result"]["merge_request"])}
    held = await story.propose("merge_request.merge", merge, {"expected_head": commit["result"]["commit"]})
    tell.expect(held["status"] == "held", f"the merge must be held, it is {held['status']}")
    ticket = held["ticket"]["id"]
    tell.step("Its owner, who also owns the service, tries to approve the agent's next merge.")
    status, shown = await asyncio.to_thread(
        story.stage.as_person, "prn_developer", "tickets", "approve", ticket, "--reason", "Looks good to me"
    )
    tell.expect(
        status != 0 and "self_approval" in shown, f"the owner's vote must be refused: {shown.strip()}"
    )
    tell.refused("self_approval: nobody approves their own work, and an agent's work is its owner's.")
    after = await story.fixer.action(held["action_id"])
    tell.expect(after["status"] == "held" and not after["ticket"]["votes"], "nothing may have been counted")
    await story.fixer.cancel(held["action_id"])


async def evidence(story: Story) -> None:
    """Export, verify offline, and see a tampered copy refused."""
    stage, tell = story.stage, story.tell
    bundle = stage.folder / "loopgate.evidence.tar"
    tell.step("The auditor exports the log as one bundle and verifies it offline.")
    status, shown = await asyncio.to_thread(
        stage.as_person, "prn_auditor", "audit", "export", str(bundle), "--url", stage.url
    )
    tell.expect(status == 0, f"the export failed: {shown.strip()}")
    vkey = await asyncio.to_thread(_pinned_key, stage.home)
    verdict = json.loads(
        await asyncio.to_thread(stage.command, "audit", "verify", str(bundle), "--key", vkey, "--json")
    )
    tell.expect(verdict["ok"] is True, "the bundle must verify")
    tell.good(
        f"{verdict['entries']} events: every signature, every hash, the whole tree. Key pinned outside: {vkey[:40]}…"
    )
    tell.step("Somebody makes a copy in which a denied action reads as performed, and mends the manifest.")
    copy = stage.folder / "tampered.evidence.tar"
    copy.write_bytes(_tampered(bundle.read_bytes()))
    code, refusal = await asyncio.to_thread(stage.try_command, "audit", "verify", str(copy), "--key", vkey)
    tell.expect(code == 1, "a tampered copy must not verify")
    tell.refused(refusal.strip().replace("\n", " "))


def _shown(story: Story, findings: tuple[dict[str, Any], ...], code: str) -> None:
    story.tell.expect(
        code in {f["code"] for f in findings},
        f"{code} must refuse this, found {[f['code'] for f in findings]}",
    )
    story.tell.findings(f for f in findings if f["effect"] == "deny")
    found = next(f for f in findings if f["code"] == code)
    story.tell.detail(f"what helps: {found['remediation']}")


def _pinned_key(home: Path) -> str:
    return (home / "log.vkey").read_text(encoding="utf-8").strip()


def _tampered(archive: bytes) -> bytes:
    """A copy in which the last denial reads as performed, made by somebody who also mends the manifest."""
    members = decode_archive(archive)
    lines = members["events.dsse.jsonl"].splitlines(keepends=True)
    at, line = next((n, x) for n, x in reversed(list(enumerate(lines))) if b"action.denied" in _payload(x))
    forged = base64.b64encode(_payload(line).replace(b"action.denied", b"action.performed"))
    lines[at] = line.replace(base64.b64encode(_payload(line)), forged)
    members["events.dsse.jsonl"] = b"".join(lines)
    manifest = json.loads(members["manifest.json"])
    manifest["members"]["events.dsse.jsonl"] = hashlib.sha256(members["events.dsse.jsonl"]).hexdigest()
    members["manifest.json"] = json_line(manifest)
    return encode_archive(members)


def _payload(line: bytes) -> bytes:
    return base64.b64decode(json.loads(line)["envelope"]["payload"])
