"""The events reference says which types nothing records; the code must agree."""

import ast
import re

from audit.events import EventType
from tests.house.test_tree import ROOT, SOURCE, tree_of

REFERENCE = ROOT / "docs" / "reference" / "events.md"


def test_what_the_code_can_record_is_the_reference_without_its_section_of_what_is_not_recorded() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    table = set(re.findall(r"^\| `(\w+\.\w+)` \|", text.split("\n## ")[0], re.MULTILINE))
    section = text.split("\n## Not recorded yet\n")[1].split("\n## ")[0]
    listed = [line for line in section.splitlines() if line.startswith("- ")]
    unrecorded = {name for line in listed for name in re.findall(r"`(\w+\.\w+)`", line)}

    assert unrecorded <= table
    assert recordable() == table - unrecorded


def recordable() -> set[str]:
    """Every member of `EventType` that the source names, under its own name or as `E`.

    audit/events.py declares the types and is left out: to declare one is not to record it.
    """
    named = (
        node.attr
        for path in SOURCE
        if path.as_posix() != "audit/events.py"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"E", "EventType"}
    )
    return {EventType[name].value for name in named if name in EventType.__members__}
