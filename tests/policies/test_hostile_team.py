"""What a team could try with a module of its own: permit, silence another team, look at the machine. All of it is refused.

`check` names each with its file. Most do not even build; with the others in the library, no verdict gets easier.
"""

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gateway.adapters.opa.wasm import WasmEvaluator
from gateway.core.errors import SettingsError
from gateway.workbench.build import build
from gateway.workbench.cases import PlacedCase, cases, patched_data
from gateway.workbench.check import check
from gateway.workbench.complaints import Complaint
from gateway.workbench.mutations_in_inputs import looser
from tests.gateway.workbench.trees import shipped_copy

pytestmark = pytest.mark.slow

HEAD = """# METADATA
# title: Nothing to see here
# description: A module that wants more than it may.
# custom:
#   code: {code}
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package {package}

"""
FINDING = 'findings contains {{"code": "{code}", "effect": "deny", "facts": {{}}}} if {body}\n'


class Attempt(NamedTuple):
    """A hostile module: its package and code (its own when empty), its text, what check says, whether it builds."""

    text: str
    says: str
    package: str = ""
    code: str = ""
    builds: bool = False
    file: str = ""


def finding(body: str) -> str:
    return FINDING.replace("{body}", body)


ATTEMPTS = {
    "grants": Attempt('held contains "mine"\n', "does not belong in this folder", package="gate.grants"),
    "gate": Attempt('effect := "allow"\n', "does not belong in this folder", package="gate"),
    "modes": Attempt('mode(_) := "off"\n', "does not belong in this folder", package="gate.modes"),
    "waivers": Attempt('for_code(_) := {{"EX-1"}}\n', "does not belong", package="gate.exceptions"),
    "neighbour": Attempt("_unused := 1\n", "does not belong in this folder", package="rules.blast.files"),
    "helpers": Attempt('tier := "steward"\n', "does not belong in this folder", package="lib.facts"),
    "registry": Attempt("entries := 1\n", "does not belong in this folder", package="registry"),
    "deeper": Attempt(finding("false"), "does not belong in this folder", package="rules.evil.deeper.gate"),
    "shallow": Attempt(finding("false"), "does not belong in this folder", package="rules.evil"),
    "stolen_code": Attempt(finding("false"), "code BLAST-001 is taken", code="BLAST-001"),
    "gate_code": Attempt(finding("false"), "code POLICY_UNAVAILABLE is taken", code="POLICY_UNAVAILABLE"),
    "environment": Attempt(finding('opa.runtime().env.X == "1"'), "opa.runtime is not among the builtins"),
    "clock": Attempt(finding("time.now_ns() > 1"), "time.now_ns is not among the builtins"),
    "network": Attempt(
        finding('http.send({{"method": "GET", "url": "x"}}).status == 1'), "http.send is not among"
    ),
    "names_of_hosts": Attempt(finding('net.lookup_ip_addr("x") == set()'), "net.lookup_ip_addr is not among"),
    "chance": Attempt(finding('rand.intn("x", 2) == 1'), "rand.intn is not among the builtins"),
    "permit": Attempt(
        'findings contains {{"code": "{code}", "effect": "allow", "facts": {{}}}}\n',
        "allow is no effect of a finding",
        builds=True,
    ),
    "other_code": Attempt(
        'findings contains {{"code": "EVIL-999", "effect": "warn", "facts": {{}}}} if false\n',
        "the finding's code EVIL-999 is not this rule's",
        builds=True,
    ),
    "other_findings": Attempt(
        finding("data.rules.blast.files.findings == set()"),
        "data.rules.blast.files.findings is read",
        builds=True,
    ),
    "all_findings": Attempt(
        finding('count(data.rules["blast"]) > 0'), "data.rules.blast is read", builds=True
    ),
    "whole_data": Attempt(
        'findings contains {{"code": "{code}", "effect": "deny", "facts": {{}}}} if {{\n\tsome part in ["params"]\n\t'
        "data[part] == 1\n}}\n",
        "data is read whole",
        builds=False,
    ),
    "alias": Attempt(
        "import data.gate.registry as harmless\n\n" + finding("harmless.floor == set()"),
        "the import harmless reads gate.registry",
    ),
    "other_input": Attempt(
        finding('data.lib.facts.tier == "x" with input as {{"agent": {{"tier": "x"}}}}'),
        "`with` outside a test",
        builds=True,
    ),
    "other_data": Attempt(
        finding("data.lib.changes.written with data.params as {{}}"), "`with` outside a test", builds=True
    ),
    "builtin": Attempt(
        "is_number(_)\n\n" + finding('is_number("x")'),
        "rule name conflicts with built-in function",
        builds=False,
    ),
    "shadowed_input": Attempt(
        'findings contains {{"code": "{code}", "effect": "deny", "facts": {{}}}} if {{\n\tinput := {{"a": 1}}\n\tinput.a == 2\n}}\n',
        "shadow",
        builds=False,
    ),
    "complete": Attempt(
        'findings := {{{{"code": "{code}", "effect": "deny", "facts": {{}}}}}} if false\n',
        "findings must be a set",
    ),
    "silent": Attempt("nothing := 1\n", "the package has no rule named findings"),
    "tests": Attempt(
        'held contains "mine"\n',
        "does not belong in this folder",
        package="gate.grants",
        file="tests_test.rego",
        builds=True,
    ),
}
OUTSIDE = {name: one for name, one in ATTEMPTS.items() if one.package and not one.file}
REFUSED = [
    *OUTSIDE,
    "stolen_code",
    "gate_code",
    "environment",
    "clock",
    "network",
    "names_of_hosts",
    "chance",
]
ALONE = ["builtin", "shadowed_input"]
"""What OPA itself refuses before it looks at anything else."""
STANDING = [name for name, one in ATTEMPTS.items() if one.builds]


def with_attempts(folder: Path, *names: str) -> Path:
    """A copy of the library in which a team has tried these."""
    policies = shipped_copy(folder)
    for name in names:
        one = ATTEMPTS[name]
        code = one.code or f"EVIL-{100 + list(ATTEMPTS).index(name)}"
        text = (HEAD + one.text).format(code=code, package=one.package or f"rules.evil.{name}")
        place = policies / "rules" / "evil" / name / (one.file or f"{name}.rego")
        place.parent.mkdir(parents=True)
        place.write_text(text, encoding="utf-8")
    return policies


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> tuple[Complaint, ...]:
    """Of two libraries: what breaks the gate's own packages keeps OPA from looking at anything else."""
    breaking = {*OUTSIDE, "tests", "alias"}
    one, two = breaking, ATTEMPTS.keys() - breaking - set(ALONE)
    return tuple(
        complaint
        for names in (one, two)
        for complaint in check(with_attempts(tmp_path_factory.mktemp("hostile"), *sorted(names)))
    )


@pytest.mark.parametrize("name", [name for name in ATTEMPTS if name not in ALONE])
def test_every_attempt_is_named_by_check(name: str, complaints: tuple[Complaint, ...]) -> None:
    own = [one for one in complaints if one.file.startswith(f"rules/evil/{name}/")]
    assert [one for one in own if ATTEMPTS[name].says in one.problem], [str(one) for one in own]


@pytest.mark.parametrize("name", ALONE)
def test_what_is_no_rego_is_named_too(name: str, tmp_path: Path) -> None:
    found = check(with_attempts(tmp_path, name))
    assert any(
        one.file == f"rules/evil/{name}/{name}.rego" and ATTEMPTS[name].says in one.problem for one in found
    )


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_reach_out_does_not_even_build(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        build(with_attempts(tmp_path, name), tmp_path / "out")


def test_with_all_others_in_the_library_no_verdict_gets_easier(tmp_path: Path) -> None:
    policies = with_attempts(tmp_path, *STANDING)
    data = {"gate": {"effect": "allow"}}
    (policies / "rules" / "evil" / "permit" / "data.json").write_text(str(data).replace("'", '"'), "utf-8")
    built = build(policies, tmp_path / "out", packed=False)
    assert not [file for file in built.files if file.endswith("_test.rego")]
    plain = build(shipped_copy(tmp_path / "plain"), tmp_path / "plain-out", packed=False)
    placed = cases(policies)[::5]
    before, after = (_answers(one, placed) for one in (plain, built))
    assert [one.case.name for one, b, a in zip(placed, before, after, strict=True) if looser(b, a)] == []
    assert {answer["effect"] for answer in before} == {"allow", "require_approval", "deny"}


def _answers(built: Any, placed: tuple[PlacedCase, ...]) -> list[dict[str, Any]]:
    evaluator = WasmEvaluator(built.wasm_path.read_bytes(), built.data, pool=1, timeout_seconds=5)
    answers = []
    for one in placed:
        evaluator.replace_data({**patched_data(built.data, one.case), "registry": built.data["registry"]})
        answers.append(evaluator.evaluate_now(one.document))
    evaluator.close_now()
    return answers
