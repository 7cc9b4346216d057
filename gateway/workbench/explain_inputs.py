"""What `loopgate policy explain` can be handed: a whole policy input, a case, or an action as an agent proposes it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from gateway.core.errors import SettingsError
from gateway.core.policy_input import PolicyInput
from gateway.workbench.cases import Case, bases, case_document
from gateway.workbench.data_files import plain_yaml

_PROPOSAL = frozenset({"type", "target", "params", "intent", "trace", "when_ready"})
_CASE = frozenset(Case.model_fields)


class Given(NamedTuple):
    """A policy input to be explained; `assumed` is the base its other facts were taken from, if any."""

    document: dict[str, Any]
    assumed: str = ""


def input_in(file: Path, folder: Path) -> Given:
    """The policy input a file of JSON or YAML stands for.

    Raises `SettingsError` naming the file and what it may hold.
    """
    content = plain_yaml(file)
    if not isinstance(content, dict):
        raise SettingsError(f"{file}: the file holds no object; {_forms()}")
    if "base" in content and content.keys() <= _CASE:
        return _of_case(file, content, folder)
    if {"type", "target"} <= content.keys() <= _PROPOSAL:
        return _of_proposal(file, content, folder)
    try:
        return Given(PolicyInput.model_validate(content).model_dump(mode="json"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SettingsError(f"{file}: {where}: {first['msg']}; {_forms()}") from error


def _forms() -> str:
    return "it may be a policy input, a case with `base` and `set`, or an action with `type`, `target` and `params`"


def _of_case(file: Path, content: Mapping[str, Any], folder: Path) -> Given:
    expected = {"name": file.stem, "effect": "deny", "codes": []}
    try:
        case = Case.model_validate({**expected, **content})
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if case.data:
        raise SettingsError(f"{file}: data is not looked at here; change the folder's own data instead")
    known = bases(folder)
    if case.base not in known:
        raise SettingsError(f"{file}: there is no bases/{case.base}.yaml; known: {', '.join(known)}")
    return Given(case_document(known[case.base], case, str(file)), case.base)


def _of_proposal(file: Path, content: Mapping[str, Any], folder: Path) -> Given:
    """The base of that type with the proposal's own target and params in it."""
    known = bases(folder)
    found = [name for name, base in known.items() if base["action"]["type"] == content["type"]]
    if not found:
        raise SettingsError(
            f"{file}: no base in {folder}/bases is a {content['type']}; write a case or a whole policy input"
        )
    target = content["target"]
    if not isinstance(target, dict) or not isinstance(content.get("params", {}), dict):
        raise SettingsError(f"{file}: target and params are objects")
    document = known[found[0]]
    action = {**document["action"], "target": target, "params": content.get("params", {})}
    action |= {name: target[name] for name in ("system", "project") if name in target}
    return Given({**document, "action": action}, found[0])
