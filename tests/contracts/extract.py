"""Takes the operations we use, and the schemas they reach, out of the vendors' own API documents.

`python -m tests.contracts.extract` writes gitlab.json and jira.json beside this file;
with `--check` it writes nothing and fails when they differ. Prose and examples are left out.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tests.contracts import swagger
from tests.contracts.operations import GITLAB, JIRA

HERE = Path(__file__).parent
VENDORS = HERE.parents[1].parent / "shared" / "vendor-contracts"
Document = dict[str, Any]
_PROSE = ("description", "example", "examples", "externalDocs", "deprecated", "summary", "tags")


def gitlab() -> Document:
    """GitLab's Swagger 2.0 document, cut down and turned into OpenAPI 3.1."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = (VENDORS / "gitlab-rest-v4.swagger2.yaml").read_bytes()
    whole = yaml.load(text, Loader=loader)  # noqa: S506  both loaders are the safe one
    paths = _paths(whole["paths"], GITLAB)
    made = {
        path: {method: swagger.operation(each) for method, each in item.items()}
        for path, item in paths.items()
    }
    wanted = _reached(made, {name: _definition(name, each) for name, each in whole["definitions"].items()})
    return _document("3.1.0", "GitLab REST API v4 (extract)", made, {"schemas": wanted})


def _definition(name: str, old: Document) -> Document:
    return swagger.schema(old, nullable=not swagger.is_request(name))


def jira() -> Document:
    """Jira's OpenAPI 3.0 document, cut down."""
    whole = json.loads((VENDORS / "jira-cloud-v3.openapi.json").read_bytes())
    made: Document = {}
    for path, item in _paths(whole["paths"], JIRA).items():
        made[path] = {method: _plain(each) for method, each in item.items()}
        for each in made[path].values():
            each.pop("security", None)
    schemas = {name: _plain(each) for name, each in whole["components"]["schemas"].items()}
    return _document(
        whole["openapi"], "Jira Cloud REST API v3 (extract)", made, {"schemas": _reached(made, schemas)}
    )


def _paths(paths: Document, wanted: Iterable[tuple[str, str]]) -> dict[str, Document]:
    """Only the wanted operations; one the document lacks is for the overlay to add."""
    found: dict[str, Document] = {}
    for method, path in wanted:
        if method in paths.get(path, {}):
            found.setdefault(path, {})[method] = paths[path][method]
    return found


def _plain(value: Any, *, names: bool = False) -> Any:
    """Without prose and vendor extensions; the keys of a `properties` map are names, never prose."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {key: each for key, each in value.items() if names or not (key in _PROSE or key.startswith("x-"))}
    return {
        key: _plain(each, names=key in ("properties", "responses") and not names)
        for key, each in kept.items()
    }


def _reached(start: Any, schemas: Document) -> Document:
    """The schemas that `start` refers to, and those they refer to."""
    found: Document = {}
    waiting = list(_references(start))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = schemas[name]
            waiting += _references(schemas[name])
    return dict(sorted(found.items()))


def _references(value: Any) -> Iterable[str]:
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
    elif isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        for each in value.values():
            yield from _references(each)


def _document(version: str, title: str, paths: Document, components: Document) -> Document:
    info = {"title": title, "version": "extract"}
    servers = [{"url": "/"}]
    return {"openapi": version, "info": info, "servers": servers, "paths": paths, "components": components}


def printed(document: Document) -> str:
    """The text of an extract."""
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def main() -> int:
    """Write or check both extracts."""
    stale = []
    for name, make in (("gitlab.json", gitlab), ("jira.json", jira)):
        text = printed(make())
        if "--check" not in sys.argv:
            (HERE / name).write_text(text)
        elif (HERE / name).read_text() != text:
            stale.append(name)
    if stale:
        sys.stderr.write(
            f"{', '.join(stale)}: differ from a fresh extraction; run python -m tests.contracts.extract\n"
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
