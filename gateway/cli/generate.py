"""Everything generated from the code: schemas, reference pages, pictures. `--check` fails on drift.

Run as `python -m gateway.cli.generate [--check]`; `make docs` and `make check` do.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from audit.leaf_schema import leaf_schema
from gateway.cli.pictures import road_picture
from gateway.cli.reference import (
    actions_page,
    command_page,
    errors_page,
    routes_page,
    settings_page,
)
from gateway.cli.terminal import console, print_error
from gateway.core.rulings import Decision
from gateway.doors.rest.door import rest_door
from gateway.workbench.docs import rule_pages
from gateway.workbench.schema import policy_input_schema

ROOT = Path(__file__).parents[2]


def generated() -> Iterator[tuple[Path, str]]:
    """Every generated file: its path in the project and its content."""
    openapi = rest_door(None).openapi()
    yield Path("schemas/openapi.json"), _json(openapi)
    yield Path("schemas/policy_input.json"), _json(policy_input_schema())
    yield Path("schemas/event.json"), _json(leaf_schema())
    yield Path("schemas/decision.json"), _json(Decision.model_json_schema())
    yield Path("docs/reference/settings.md"), settings_page()
    yield Path("docs/reference/errors.md"), errors_page()
    yield Path("docs/reference/actions.md"), actions_page()
    yield Path("docs/reference/api.md"), routes_page(openapi)
    yield Path("docs/reference/command-line.md"), command_page()
    yield Path("docs/images/road.svg"), road_picture()
    for path, content in rule_pages(ROOT / "policies"):
        yield Path("docs/reference/rules") / path, content


def main(arguments: list[str]) -> int:
    """Write what differs, or with `--check` only name it; exit code 1 on drift."""
    stale = [(p, c) for p, c in generated() if not _same(ROOT / p, c)]
    if "--check" in arguments:
        for path, _ in stale:
            print_error(f"{path} is not what the code says.", hint="run `make docs` and commit the result")
        return 1 if stale else 0
    for path, content in stale:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(content, encoding="utf-8")
        console.print(f"written: {path}")
    return 0


def _same(path: Path, content: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == content


def _json(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
