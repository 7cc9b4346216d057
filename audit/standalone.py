"""The verifier as one file: what every bundle carries as `verify.py`.

The parts are the modules that this package itself uses, one after another, without the imports
they make of each other. So the file that an auditor reads is the code that is tested here.
"""

import ast
from pathlib import Path

PARTS = (
    "errors",
    "problems",
    "dsse",
    "votes",
    "disclosures",
    "merkle",
    "note",
    "archive",
    "entries",
    "verify",
)
"""Modules of this package, each after those that it needs."""

_HEADER = """\
# This file stands alone: Python 3.11 or later and the package `cryptography` are all it needs.
# It came with the evidence, so it is only as good as the evidence: an auditor who wants to trust
# nobody reads it, or takes the same file from the project's own release.
#
# Run:  python verify.py BUNDLE --key VKEY
"""


def standalone_verifier() -> bytes:
    """The source text of the stand-alone `verify.py`."""
    folder = Path(__file__).parent
    parts = (_part(name, (folder / f"{name}.py").read_text(encoding="utf-8")) for name in PARTS)
    return "\n".join([_HEADER, *parts]).encode()


def _part(name: str, source: str) -> str:
    dropped = _lines_of_own_imports(source)
    kept = [line for number, line in enumerate(source.splitlines(), 1) if number not in dropped]
    return f"# ----- audit/{name}.py " + "-" * 60 + "\n\n" + "\n".join(kept).strip() + "\n"


def _lines_of_own_imports(source: str) -> set[int]:
    """The numbers of the lines that import from this package."""
    own = (
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("audit")
    )
    return {number for node in own for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
