"""Building: one tree, one digest, two bundles; what must not build says where and why."""

import subprocess
import tarfile
from pathlib import Path

import pytest

from gateway.adapters.opa.wasm import WasmPolicy
from gateway.core.errors import SettingsError
from gateway.workbench.build import build
from tests.gateway.workbench.trees import DATA, FAULTY_GATE, SHIPPED, shipped_copy, tree

RULE = """# METADATA
# title: A rule for tests
# description: It never fires.
# custom:
#   code: DEMO-001
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.rule

findings contains {"code": "DEMO-001", "effect": "deny", "facts": {}} if false
"""


def members(bundle: Path) -> dict[str, bytes]:
    with tarfile.open(bundle) as archive:
        read = {entry.name.lstrip("/"): archive.extractfile(entry) for entry in archive.getmembers()}
        return {name: content.read() for name, content in read.items() if content}


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    # The commit stands in the manifest beside the digest: neither of these is at one.
    one, two = (build(shipped_copy(tmp_path / name), tmp_path / f"{name}-built") for name in ("one", "two"))
    assert one.digest == two.digest
    assert one.wasm_sha256 == two.wasm_sha256
    assert one.wasm_bundle.read_bytes() == two.wasm_bundle.read_bytes()
    assert one.rego_bundle.read_bytes() == two.rego_bundle.read_bytes()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("gate/gate.rego", "# title: The gate", "# title: The Gate"),
        ("data/params.yaml", "high: 50", "high: 51"),
        ("capabilities.json", '"features"', ' "features"'),
    ],
)
def test_any_change_of_a_source_changes_the_digest(tmp_path: Path, name: str, old: str, new: str) -> None:
    copied = shipped_copy(tmp_path)
    text = (copied / name).read_text(encoding="utf-8")
    assert old in text
    (copied / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    assert build(copied, tmp_path / "two").digest != build(SHIPPED, tmp_path / "one").digest


def test_a_changed_test_does_not_change_the_digest(tmp_path: Path) -> None:
    copied = shipped_copy(tmp_path)
    (copied / "gate" / "gate_test.rego").write_text("package gate_test\n", encoding="utf-8")
    assert build(copied, tmp_path / "two").digest == build(SHIPPED, tmp_path / "one").digest


def git(folder: Path, *arguments: str) -> str:
    named = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    command = ["git", "-C", str(folder), *named, *arguments]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def test_the_revision_is_the_commit_of_the_policy_folder_and_says_when_files_differ(tmp_path: Path) -> None:
    copied = shipped_copy(tmp_path)
    assert build(copied, tmp_path / "out").revision == ""

    git(copied, "init", "-q")
    git(copied, "add", ".")
    git(copied, "commit", "-qm", "The policy")
    commit = git(copied, "rev-parse", "HEAD")
    clean = build(copied, tmp_path / "out")
    assert clean.in_force("wasm", "1").version.revision == clean.revision == commit

    with (copied / "gate" / "gate.rego").open("a", encoding="utf-8") as file:
        file.write("\n# A change.\n")
    assert build(copied, tmp_path / "out").revision == f"{commit}-changed"


def test_a_copy_that_another_repository_ignores_has_no_revision(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text("*\n!.gitignore\n", encoding="utf-8")
    git(tmp_path, "add", ".gitignore")
    git(tmp_path, "commit", "-qm", "Something else")
    assert build(shipped_copy(tmp_path), tmp_path / "out").revision == ""


def test_both_bundles_carry_the_digest_as_their_revision_and_no_tests(tmp_path: Path) -> None:
    built = build(SHIPPED, tmp_path)
    for bundle in (built.wasm_bundle, built.rego_bundle):
        content = members(bundle)
        assert built.digest.encode() in content[".manifest"]
        assert content["data.json"].rstrip() == built.data_json
        assert not [name for name in content if name.endswith(("_test.rego", ".yaml"))]
    assert "policy.wasm" in members(built.wasm_bundle)
    assert "policy.wasm" not in members(built.rego_bundle)


def test_every_rule_is_registered_from_its_metadata(tmp_path: Path) -> None:
    folder = tree(tmp_path, {"gate/gate.rego": FAULTY_GATE, "rules/demo/rule/rule.rego": RULE})
    built = build(folder, tmp_path / "out")
    assert built.data["registry"] == {"DEMO-001": {"package": "rules.demo.rule", "waivable": True}}
    assert built.cards["DEMO-001"].remediation == "Nothing to do."
    assert not built.cards["POLICY_UNAVAILABLE"].waivable


async def test_what_is_in_force_is_known_to_the_road(tmp_path: Path) -> None:
    built = build(SHIPPED, tmp_path)
    policy = WasmPolicy.load(built)
    assert policy.in_force.version.digest == built.digest
    assert policy.in_force.version.engine == "opa-wasm"
    assert policy.in_force.roster.agent("agt_fixer") is not None
    assert policy.in_force.catalogue.service("checkout") is not None
    assert policy.in_force.cards["GATE-001"].severity == "high"
    await policy.close()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"rules/demo/rule/rule.rego": RULE.replace("if false", "if http.send({})")},
            "undefined function http.send",
        ),
        ({"rules/demo/rule/rule.rego": RULE.replace("if false", "if")}, "rule.rego:14"),
        (
            {"rules/demo/rule/rule.rego": RULE.replace("retry: never", "retry: perhaps")},
            "rule.rego:11: METADATA custom.retry",
        ),
        (
            {
                "rules/demo/rule/rule.rego": RULE,
                "rules/demo/two/two.rego": RULE.replace("demo.rule", "demo.two"),
            },
            "taken",
        ),
        (
            {"rules/demo/rule/more.rego": 'package gate.grants\n\nheld contains "everything"\n'},
            "rules/demo/rule/more.rego: package gate.grants does not belong in this folder; write package rules.demo.rule",
        ),
        (
            {"rules/demo/rule/rule.rego": RULE.replace("demo.rule", "other.rule")},
            "package rules.other.rule does not belong",
        ),
        ({"lib/more.rego": "package rules.demo.rule\n"}, "package rules.demo.rule does not belong"),
        ({"rules/demo/rule/rule.rego": RULE.replace("DEMO-001\n", "OUT_OF_SCOPE\n")}, "taken"),
        ({"data/all.yaml": DATA + "modes: {XX-001: {mode: maybe}}\n"}, "modes.XX-001.mode"),
        ({"data/all.yaml": DATA + "froozes: []\n"}, "froozes"),
        ({"data/all.yaml": DATA + "grants: {}\n"}, "stands twice"),
        ({"data/more.yaml": "modes: {}\n", "data/zmore.yaml": "modes: {}\n"}, "already in more.yaml"),
        (
            {"data/all.yaml": DATA + "params: {XX-001: {limit: 0.5}}\n"},
            "params.XX-001.limit: write whole numbers",
        ),
        ({"data/all.yaml": DATA.replace("[text]", "[texts]")}, "texts"),
        ({"data/all.yaml": DATA.replace("issue.create", "issue.invent")}, "issue.invent"),
        ({"data/all.yaml": DATA + "weights: [\n"}, "all.yaml:"),
        ({"data/all.yaml": "just text"}, "must be a mapping"),
        (
            {
                "data/all.yaml": DATA
                + "freezes: [{id: f, projects: [a], starts_ms: 2, ends_ms: 1, reason: r}]\n"
            },
            "ends before it starts",
        ),
        (
            {"data/all.yaml": DATA + "agents: [{id: a, owner: p, tier: observer, grants: [gone]}]\n"},
            "grants that do not exist: gone",
        ),
        (
            {"data/all.yaml": DATA + "people: [{id: p}, {id: p}]\n"},
            "same id twice: p",
        ),
    ],
)
def test_what_is_wrong_does_not_build_and_is_named(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    folder = tree(tmp_path, {"gate/gate.rego": FAULTY_GATE, **files})
    with pytest.raises(SettingsError) as refused:
        build(folder, tmp_path / "out")
    assert message in refused.value.detail


def test_a_folder_that_is_no_policy_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is not a policy folder"):
        build(tmp_path, tmp_path / "out")


def test_policy_data_holds_ids_and_roles_but_no_names_or_addresses(tmp_path: Path) -> None:
    data = build(SHIPPED, tmp_path).data
    assert all(
        person["id"].startswith("prn_") and set(person) == {"id", "roles", "approves_as", "deputy"}
        for person in data["people"]
    )
    assert "@" not in str(data["people"]) + str(data["agents"])
