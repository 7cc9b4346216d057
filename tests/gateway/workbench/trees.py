"""Policy folders made for one test."""

import shutil
from pathlib import Path

SHIPPED = Path(__file__).parents[3] / "policies"
DATA = """
grants: {issues: {tiers: [observer], actions: ["issue.*"], projects: ["shop/*"]}}
contract: {needs: {issue.create: [text]}}
"""


def tree(folder: Path, files: dict[str, str], *, data: str = DATA) -> Path:
    """A folder with the shipped helpers and capabilities, the given files, and little data."""
    shutil.copytree(SHIPPED / "lib", folder / "lib", ignore=shutil.ignore_patterns("*_test.rego"))
    shutil.copy(SHIPPED / "capabilities.json", folder)
    for name, text in {"data/all.yaml": data, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def shipped_copy(folder: Path) -> Path:
    """A copy of the shipped library, to be changed."""
    return Path(shutil.copytree(SHIPPED, folder / "policies"))


FAULTY_GATE = """
package gate

_sound := {"effect": "allow", "findings": [], "waived": [], "shadow": [], "warnings": [], "grants": ["g"],
	"reserve": [], "missing": []}

_clause := {"count": 1, "any_of_roles": ["sre"], "assurance": "signed"}

_many := [n | some a in _ten; some b in _ten; n := a + b]

_ten := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

decision := object.union(_sound, {"effect": "deny", "grants": [], "findings": [
	{"code": "GATE-001", "effect": "deny", "facts": {}},
	{"code": "GATE-004", "effect": "deny", "facts": {}},
]}) if input.action.type == "loopgate.self_test"

decision := _sound if input.fault == "none"

decision := _sound if input.fault == "conflict"

decision := {"other": "answer"} if input.fault == "conflict"

decision := _sound if {
	input.fault == "slow"
	count([1 | some a in _many; some b in _many; some c in _many; some d in _many; a + b + c + d == 37]) > 0
}

decision := 7 if input.fault == "no document"

decision := object.union(_sound, {"extra": 1}) if input.fault == "extra key"

decision := object.remove(_sound, ["missing"]) if input.fault == "missing key"

decision := object.union(_sound, {"effect": "permit"}) if input.fault == "unknown effect"

decision := object.union(_sound, {"grants": []}) if input.fault == "allow without a grant"

decision := object.union(_sound, {"findings": [{"code": "X-001", "effect": "deny", "facts": {}}]}) if {
	input.fault == "allow with a denial"
}

decision := object.union(_sound, {"effect": "require_approval", "findings": [
	{"code": "X-001", "effect": "require_approval", "facts": {}},
]}) if input.fault == "question to nobody"

decision := object.union(_sound, {"effect": "require_approval", "findings": [
	{"code": "X-001", "effect": "require_approval", "facts": {}, "clauses": [object.union(_clause, {"any": true})]},
]}) if input.fault == "unknown clause"

decision := object.union(_sound, {"warnings": [{"code": "X-001", "effect": "warn", "facts": {"x": 1 / 3}}]}) if {
	input.fault == "fraction"
}
"""
"""A gate that answers as `input.fault` says; sound for the self-test and for `none`."""

LENIENT_GATE = """
package gate

decision := {"effect": "allow", "findings": [], "waived": [], "shadow": [], "warnings": [], "grants": ["g"],
	"reserve": [], "missing": []}
"""
"""A gate that allows everything, the forbidden action too."""
