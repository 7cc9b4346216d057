"""What an exported bundle holds, and what does not end a work item."""

import base64
import json
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from audit.archive import decode_archive
from audit.note import parse_vkey
from audit.verify import verify_bundle
from tests.town import AUDITOR, OPERATOR, ROOT, Town, proposal

REPORT = ROOT / "gateway/cli/demonstration/data/trivy-npm.json"


@pytest.mark.slow
async def test_a_bundle_holds_the_policy_its_events_name_and_verifies(town: Town, tmp_path: Path) -> None:
    async with await town.sign_in(AUDITOR) as auditor:
        await auditor.bundle(tmp_path / "evidence.tar")
        vkey = (await auditor.keys())["vkey"]

    content = (tmp_path / "evidence.tar").read_bytes()
    members = decode_archive(content)
    digest = town.gateway.policy.in_force.version.digest
    with tarfile.open(fileobj=BytesIO(members[f"policies/{digest}.tar.gz"])) as policy:
        manifest = policy.extractfile("/.manifest")
        assert manifest is not None
        assert digest.encode() in manifest.read()
    verdict = verify_bundle(content, [parse_vkey(vkey)])
    assert verdict.ok, verdict


@pytest.mark.slow
async def test_every_leaf_of_a_working_gateway_fits_the_published_schema(town: Town, tmp_path: Path) -> None:
    async with await town.sign_in(OPERATOR) as operator:
        await operator.import_trivy(REPORT.read_bytes(), project="shop/checkout", tracker="SHOP")
    async with await town.sign_in(AUDITOR) as auditor:
        await auditor.bundle(tmp_path / "evidence.tar")

    lines = decode_archive((tmp_path / "evidence.tar").read_bytes())["events.dsse.jsonl"].splitlines()
    leaves = [json.loads(base64.b64decode(json.loads(line)["envelope"]["payload"])) for line in lines]
    schema = Draft202012Validator(json.loads((ROOT / "schemas" / "event.json").read_text(encoding="utf-8")))
    assert {"loopgate.log.opened", "loopgate.action.performed"} <= {leaf["type"] for leaf in leaves}
    assert [error.message for leaf in leaves for error in schema.iter_errors(leaf)] == []


@pytest.mark.slow
async def test_an_issue_brought_to_done_leaves_its_work_item_open(town: Town) -> None:
    async with await town.sign_in(OPERATOR) as operator, await town.agent() as agent:
        made = await operator.import_trivy(REPORT.read_bytes(), project="shop/checkout", tracker="SHOP")
        issue = made["items"][0]["issue"]
        done = await agent.propose(proposal("issue.transition", {"to": "Done"}, jira=True, issue=issue))
        items = (await operator.work_items())["items"]

    assert done["status"] == "performed", done
    assert [item["state"] for item in items if item["issue"] == issue] == ["open"]


@pytest.mark.slow
async def test_an_agent_that_read_others_words_has_a_person_look_at_what_matters(town: Town) -> None:
    run = proposal("pipeline.run", {"ref": "agent/seen"})
    async with await town.sign_in(OPERATOR) as operator:
        await operator.import_trivy(REPORT.read_bytes(), project="shop/checkout", tracker="SHOP")
    async with await town.agent() as agent:
        await agent.propose(proposal("branch.create", branch="agent/seen"))
        declared = await agent.rehearse({**run, "sources": [{"kind": "web", "ref": "https://a.test/x"}]})
        before = await agent.rehearse(run)
        await agent.work_items()
        served = await agent.rehearse(run)

    kinds = [
        {f["code"]: f["facts"]["kinds"] for f in ruling["findings"] if f["code"] == "TRUST-001"}
        for ruling in (declared, before, served)
    ]
    assert kinds == [{"TRUST-001": ["web"]}, {}, {"TRUST-001": ["work_item"]}]
