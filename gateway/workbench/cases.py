"""Cases: a named base, what is different, and what the gate must answer.

`policies/bases/<name>.yaml` holds whole policy inputs; each rule's `cases.yaml` says what differs from one of them.
A list that a case changes takes its total along, unless the case sets the total itself.
"""

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from gateway.core.errors import SettingsError
from gateway.core.model import Model
from gateway.core.policy_input import PolicyInput
from gateway.workbench.contract import typed_contract
from gateway.workbench.data_files import plain_yaml


class Case(Model):
    """One expectation. Paths are dotted, with numbers for places in a list and `+` for a new last place.

    `data` replaces parts of the data document for this case alone. `facts` is code → what the finding's facts must
    at least hold.
    """

    name: str = Field(min_length=1)
    base: str
    set: dict[str, Any] = Field(default_factory=dict)
    remove: tuple[str, ...] = ()
    data: dict[str, Any] = Field(default_factory=dict)
    effect: Literal["deny", "require_approval", "allow"]
    codes: tuple[str, ...]
    facts: dict[str, dict[str, Any]] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()


class PlacedCase(Model):
    """A case, where it stands (file relative to the policy folder, line), and its policy input."""

    file: str
    line: int
    case: Case
    document: dict[str, Any]


def bases(folder: Path) -> dict[str, dict[str, Any]]:
    """Every base by name, each a valid policy input.

    Raises `SettingsError` naming the file and the first thing wrong.
    """
    return {path.stem: _base(path) for path in sorted((folder / "bases").glob("*.yaml"))}


def cases(folder: Path) -> tuple[PlacedCase, ...]:
    """Every case of every rule, by file and place.

    Raises `SettingsError` naming file and line.
    """
    known = bases(folder)
    files = sorted((folder / "rules").rglob("cases.yaml")) + sorted((folder / "gate").rglob("cases.yaml"))
    return tuple(placed for path in files for placed in _cases_of(path, folder, known))


def patched_data(data: Mapping[str, Any], case: Case) -> dict[str, Any]:
    """The data document with the case's own parts in place."""
    changed = copy.deepcopy(dict(data))
    for path, value in case.data.items():
        _put(changed, path.split("."), value)
    return changed


def _base(path: Path) -> dict[str, Any]:
    document = plain_yaml(path)
    try:
        return PolicyInput.model_validate(document).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{path}: {where}: {first['msg']}") from error


def _cases_of(path: Path, folder: Path, known: Mapping[str, dict[str, Any]]) -> Iterator[PlacedCase]:
    entries, file = plain_yaml(path) or [], path.relative_to(folder).as_posix()
    if not isinstance(entries, list):
        raise SettingsError(f"{file}:1: a cases file is a list of cases")
    for entry, line in zip(entries, _lines(path), strict=True):
        case = _case(entry, file, line)
        if case.base not in known:
            raise SettingsError(
                f"{file}:{line}: there is no bases/{case.base}.yaml; known: {', '.join(known)}"
            )
        yield PlacedCase(
            file=file, line=line, case=case, document=case_document(known[case.base], case, file, line)
        )


def _case(entry: Any, file: str, line: int) -> Case:
    try:
        return Case.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{file}:{line}: {where}: {first['msg']}") from error


def _lines(path: Path) -> list[int]:
    node = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    return [entry.start_mark.line + 1 for entry in node.value] if node else []


def case_document(base: Mapping[str, Any], case: Case, file: str, line: int = 1) -> dict[str, Any]:
    """The policy input of a case on its base. Raises `SettingsError` naming file and line."""
    document = copy.deepcopy(dict(base))
    try:
        for path, value in case.set.items():
            _put(document, path.split("."), copy.deepcopy(value))
        _adjust_totals(document, case)
        for path in case.remove:
            _take(document, path.split("."))
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise SettingsError(f"{file}:{line}: no such place in base {case.base}: {error}") from error
    return document


@cache
def _totals() -> tuple[dict[str, Any], ...]:
    """The lists that are counted; read from the model once, for it takes longer than a case."""
    return tuple(typed_contract()["totals"])


def _adjust_totals(document: dict[str, Any], case: Case) -> None:
    for entry in _totals():
        total, lists = ".".join(entry["total"]), [".".join(path) for path in entry["lists"]]
        touched = any(
            path == one or path.startswith((f"{one}.", f"{one}+")) for path in case.set for one in lists
        )
        if touched and total not in case.set:
            found = [_get(document, path) for path in entry["lists"]]
            if all(isinstance(one, list) for one in found):
                _put(document, entry["total"], sum(len(one) for one in found))


def _get(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document.get(part) if isinstance(document, dict) else None
    return document


def _put(document: Any, path: list[str], value: Any) -> None:
    for part in path[:-1]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    last = path[-1]
    if isinstance(document, list) and last == "+":
        document.append(value)
    elif isinstance(document, list):
        document[int(last)] = value
    else:
        document[last] = value


def _take(document: Any, path: list[str]) -> None:
    for part in path[:-1]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    document.pop(int(path[-1]) if isinstance(document, list) else path[-1])
