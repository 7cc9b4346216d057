"""What an action aims at, in canonical form: one spelling for one thing, checked against the vocabulary."""

import re
from collections.abc import Callable
from typing import Any

from gateway.core.actions import Target
from gateway.core.errors import MalformedError
from gateway.core.issue_params import IssueLink
from gateway.core.param_fields import Params
from gateway.core.refs import check_full_ref, check_name
from gateway.core.vocabulary import SPECS, ActionType, System

_GITLAB_PART = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,254}")
_JIRA_PROJECT = re.compile(r"[A-Z][A-Z0-9_]{1,9}")
_JIRA_ISSUE = re.compile(r"([A-Z][A-Z0-9_]{1,9})-[1-9][0-9]{0,9}")
_NUMBER = re.compile(r"[1-9][0-9]{0,9}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_ENVIRONMENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _./-]{0,253}[A-Za-z0-9_.-])?")
_OWN_ID = re.compile(r"[a-z]{3}_[0-9A-Za-z_]{1,60}")
_MAX_NUMBER = 10**10
_MAX_REFS = 50
_MAX_PARTS = 21  # a project and GitLab's twenty levels of groups
_Parser = Callable[[System, Any], Any]


def aim(action_type: ActionType, given: dict[str, Any]) -> Target:
    """The canonical target. Raises `MalformedError` for missing, unknown, misplaced or misspelt fields."""
    spec = SPECS[action_type]
    system = _system(action_type, given)
    present = {k: v for k, v in given.items() if k != "system" and v is not None}
    _check_fields(action_type, present, needed=spec.aims, allowed=(*spec.aims, *spec.may_aim))
    target = Target(system=system, **{name: _PARSERS[name](system, value) for name, value in present.items()})
    return _consistent(target)


def place_of(target: Target) -> str | None:
    """The project as scopes and grants write it: `shop/checkout`, `jira:SHOP`; None where there is none."""
    if target.project is None:
        return None
    return f"jira:{target.project}" if target.system is System.JIRA else target.project


def places_of(target: Target, params: Params) -> tuple[str, ...]:
    """Every project the action touches: the target's, and that of the issue it links to. Raises `MalformedError`."""
    touched = (target, linked(target, params)) if isinstance(params, IssueLink) else (target,)
    return tuple(dict.fromkeys(place for one in touched if (place := place_of(one)) is not None))


def linked(target: Target, params: IssueLink) -> Target:
    """The issue at the other end of a link, which must be written in canonical form. Raises `MalformedError`."""
    try:
        project, issue = _other(target, params)
        other = _consistent(Target(system=target.system, project=project, issue=issue))
    except MalformedError as error:
        said = error.detail.replace("/target/", "/params/")
        raise MalformedError(said, field="/params/issue") from error
    if (issue, other.project) == (target.issue, target.project):
        raise MalformedError("/params/issue is the issue itself; name another one.", field="/params/issue")
    if issue != params.issue or params.project not in (None, project):
        raise MalformedError(
            f"/params names the other issue in a spelling of its own; write {project} and {issue}.",
            field="/params/issue",
        )
    return other


def _other(target: Target, params: IssueLink) -> tuple[str, str]:
    issue = _issue(target.system, params.issue)
    if target.system is System.JIRA and params.project is None:
        return issue.rsplit("-", 1)[0], issue
    return _project(target.system, params.project or target.project), issue


def project_at(place: str) -> str | None:
    """The project of targets at a place that people name, in canonical form; None where no target can be.

    `Shop/Checkout` is `shop/checkout`, `jira:SHOP` and `SHOP` are `SHOP`.
    """
    key = place.removeprefix("jira:")
    if "/" not in place:
        return key if _JIRA_PROJECT.fullmatch(key) else None
    try:
        return str(_project(System.GITLAB, place))
    except MalformedError:
        return None


def _system(action_type: ActionType, given: dict[str, Any]) -> System:
    allowed = [s.value for s in SPECS[action_type].systems]
    if given.get("system") not in allowed:
        raise MalformedError(
            f"/target/system must be {' or '.join(allowed)} for {action_type.value}.", field="/target/system"
        )
    return System(given["system"])


def _check_fields(
    action_type: ActionType, present: dict[str, Any], *, needed: tuple[str, ...], allowed: tuple[str, ...]
) -> None:
    takes = ", ".join(("system", *allowed))
    for name in needed:
        if name not in present:
            raise MalformedError(
                f"/target/{name} is missing; {action_type.value} needs {takes}.", field=f"/target/{name}"
            )
    for name in present:
        if name not in allowed:
            raise MalformedError(
                f"/target/{name} means nothing for {action_type.value}; it takes {takes}.",
                field=f"/target/{name}",
            )


def _consistent(target: Target) -> Target:
    if target.system is System.JIRA and target.issue is not None:
        owner = target.issue.rsplit("-", 1)[0]
        if owner != target.project:
            raise MalformedError(
                f"/target/issue is of project {owner}, but /target/project says {target.project}.",
                field="/target/issue",
            )
    return target


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.isascii():
        raise MalformedError(f"/target/{name} must be text in plain ASCII.", field=f"/target/{name}")
    return value


def _shaped(name: str, value: str, pattern: re.Pattern[str], shape: str) -> str:
    if not pattern.fullmatch(value):
        raise MalformedError(f"/target/{name} must be {shape}.", field=f"/target/{name}")
    return value


def _project(system: System, value: Any) -> str:
    given = _text("project", value)
    if system is System.JIRA:
        return _shaped("project", given.upper(), _JIRA_PROJECT, "the key of a Jira project, such as SHOP")
    path = given.lower()
    parts = path.split("/")
    if not 1 < len(parts) <= _MAX_PARTS or not all(_usable(p) for p in parts):
        raise MalformedError(
            "/target/project must be a GitLab path, such as shop/checkout.", field="/target/project"
        )
    return path


def _usable(part: str) -> bool:
    return (
        bool(_GITLAB_PART.fullmatch(part)) and ".." not in part and not part.endswith((".", ".git", ".atom"))
    )


def _issue(system: System, value: Any) -> str:
    if system is System.JIRA:
        return _shaped("issue", _text("issue", value).upper(), _JIRA_ISSUE, "a Jira key, such as SHOP-12")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return _shaped("issue", _text("issue", value), _NUMBER, "the number of a GitLab issue in its project")


def _number(name: str) -> _Parser:
    def parse(_system: System, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < _MAX_NUMBER:
            raise MalformedError(f"/target/{name} must be a positive whole number.", field=f"/target/{name}")
        return value

    return parse


def _named(name: str) -> _Parser:
    return lambda _system, value: check_name(_text(name, value), f"/target/{name}")


def _commit(_system: System, value: Any) -> str:
    return _shaped(
        "commit", _text("commit", value).lower(), _COMMIT, "a whole commit id: 40 hexadecimal digits"
    )


def _environment(_system: System, value: Any) -> str:
    return _shaped(
        "environment", _text("environment", value), _ENVIRONMENT, "the name of a GitLab environment"
    )


def _own_id(name: str) -> _Parser:
    return lambda _system, value: _shaped(name, _text(name, value), _OWN_ID, "an id, such as stp_01KA…")


def _refs(_system: System, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= _MAX_REFS:
        raise MalformedError(f"/target/refs must be a list of 1 to {_MAX_REFS} refs.", field="/target/refs")
    refs = [check_full_ref(_text(f"refs/{n}", ref), f"/target/refs/{n}") for n, ref in enumerate(value)]
    if len(set(refs)) != len(refs):
        raise MalformedError("/target/refs names a ref twice.", field="/target/refs")
    return tuple(sorted(refs))


_PARSERS: dict[str, _Parser] = {
    "project": _project,
    "issue": _issue,
    "branch": _named("branch"),
    "commit": _commit,
    "merge_request": _number("merge_request"),
    "environment": _environment,
    "pipeline": _number("pipeline"),
    "job": _number("job"),
    "tag": _named("tag"),
    "refs": _refs,
    "stop": _own_id("stop"),
    "subject": _own_id("subject"),
}
