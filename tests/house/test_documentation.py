"""Documentation is tested: what the code can say, the reference explains."""

import ast
import re
from pathlib import Path

from gateway.core.error_codes import ERROR_CODES
from tests.house.test_tree import ROOT, SOURCE, tracked, tree_of


def raised_codes() -> set[str]:
    """Every literal error code: class attributes of errors, and `code=` of errors raised."""
    constants = [c for path in SOURCE for node in ast.walk(tree_of(path)) for c in _codes_in(node)]
    return {c.value for c in constants if isinstance(c, ast.Constant) and isinstance(c.value, str)}


def _codes_in(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
        assigned = [s for s in node.body if isinstance(s, ast.Assign)]
        return [s.value for s in assigned if isinstance(s.targets[0], ast.Name) and s.targets[0].id == "code"]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error"):
        return [k.value for k in node.keywords if k.arg == "code"]
    return []


# Raised and settled inside the gateway; no door ever answers with them.
INSIDE = {"git", "story_differs", "error", "facts_missing", "permit_refused", "settings", "target_error"}


def test_every_error_code_is_documented() -> None:
    documented = {c.code for c in ERROR_CODES}

    assert raised_codes() - INSIDE - documented == set()


def test_every_local_link_of_the_documentation_leads_somewhere() -> None:
    links = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
    broken = [
        f"{page} → {target}"
        for page in tracked(".md")
        for target in links.findall((ROOT / page).read_text(encoding="utf-8"))
        if not (ROOT / page.parent / target).exists()
    ]

    assert broken == []


def test_every_decision_record_names_its_negative_consequences() -> None:
    records = sorted((ROOT / "docs/adr").glob("0*.md"))

    assert records
    assert [
        r.name for r in records if "## Negative consequences\n" not in r.read_text(encoding="utf-8")
    ] == []


def test_every_decision_record_is_in_the_index() -> None:
    index = (ROOT / "docs/adr/README.md").read_text(encoding="utf-8")

    assert [r.name for r in sorted(Path(ROOT / "docs/adr").glob("0*.md")) if r.name not in index] == []
