"""Reads `.gitlab-ci.yml` as far as the sandbox runs it: jobs, stages, environments, simple rules."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

_NOT_JOBS = frozenset(
    [
        "stages",
        "variables",
        "default",
        "include",
        "workflow",
        "image",
        "services",
        "before_script",
        "after_script",
        "cache",
        "spec",
    ]
)
_DEFAULT_STAGES = (".pre", "build", "test", "deploy", ".post")
_COMPARISON = re.compile(r'^\s*\$(\w+)\s*(==|!=)\s*(?:"([^"]*)"|\'([^\']*)\'|\$(\w+))\s*$')


class CiError(Exception):
    """The CI file is not valid; the message is what GitLab shows as `yaml_errors`."""


@dataclass(frozen=True)
class CiJob:
    """A job that takes part in a pipeline."""

    name: str
    stage: str
    environment: str | None
    manual: bool
    allow_failure: bool


def plan(text: bytes, variables: Mapping[str, str]) -> tuple[CiJob, ...]:
    """The jobs of a pipeline in stage order; `variables` hold CI_COMMIT_BRANCH and its like."""
    document = _load(text)
    stages = _stages(document.get("stages"))
    named = {
        name: body for name, body in document.items() if name not in _NOT_JOBS and not name.startswith(".")
    }
    jobs = [job for name, body in named.items() if (job := _job(name, body, stages, variables))]
    return tuple(sorted(jobs, key=lambda job: stages.index(job.stage)))


def static(text: bytes) -> list[dict[str, Any]]:
    """Every job the file holds, as GitLab's lint tells them: its rules are not looked at."""
    document = _load(text)
    stages = _stages(document.get("stages"))
    names = [name for name in document if name not in _NOT_JOBS and not name.startswith(".")]
    # A job without conditions always takes part.
    plain = {name: {k: v for k, v in document[name].items() if k not in ("rules", "only")} for name in names}
    jobs = [job for name, body in plain.items() if (job := _job(name, body, stages, {}))]
    return [
        {
            "name": job.name,
            "stage": job.stage,
            "environment": job.environment,
            "when": "manual" if job.manual else "on_success",
            "allow_failure": job.allow_failure,
        }
        for job in jobs
    ]


def _load(text: bytes) -> dict[str, Any]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CiError(f"Invalid configuration format: {str(error).splitlines()[0]}") from error
    if not isinstance(document, dict) or not all(isinstance(name, str) for name in document):
        raise CiError("Invalid configuration format")
    return document


def _stages(named: Any) -> tuple[str, ...]:
    if named is None:
        return _DEFAULT_STAGES
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise CiError("stages config should be an array of strings")
    return (".pre", *named, ".post")


def _job(name: str, body: Any, stages: tuple[str, ...], variables: Mapping[str, str]) -> CiJob | None:
    if not isinstance(body, dict) or "script" not in body:
        raise CiError(f"jobs:{name} config should implement the script:, run:, or trigger: keyword")
    stage = str(body.get("stage", "test"))
    if stage not in stages:
        raise CiError(
            f"{name} job: chosen stage {stage} does not exist; available stages are {', '.join(stages)}"
        )
    when = _when(body, variables)
    if when == "never":
        return None
    manual = when == "manual"
    return CiJob(name, stage, _environment(body), manual, bool(body.get("allow_failure", manual)))


def _environment(body: dict[str, Any]) -> str | None:
    value = body.get("environment")
    named = value.get("name") if isinstance(value, dict) else value
    return None if named is None else str(named)


def _when(body: dict[str, Any], variables: Mapping[str, str]) -> str:
    """`on_success`, `manual` or `never`, from `rules`, `only` and `when`."""
    usual = str(body.get("when", "on_success"))
    if "rules" in body:
        return _first_rule(body["rules"], usual, variables)
    only = body.get("only")
    branches = [only] if isinstance(only, str) else only
    if branches is None or {variables["CI_COMMIT_BRANCH"], "branches"} & set(map(str, branches)):
        return usual
    return "never"


def _first_rule(rules: Any, usual: str, variables: Mapping[str, str]) -> str:
    for rule in rules if isinstance(rules, list) else []:
        if isinstance(rule, dict) and _holds(str(rule.get("if", "")), variables):
            return str(rule.get("when", usual))
    return "never"


def _holds(condition: str, variables: Mapping[str, str]) -> bool:
    return not condition or all(_compare(part, variables) for part in condition.split("&&"))


def _compare(part: str, variables: Mapping[str, str]) -> bool:
    found = _COMPARISON.match(part)
    if found is None:
        raise CiError(
            f'rules:if invalid expression syntax (the sandbox reads $A == "b" && …): {part.strip()}'
        )
    left, sign, double, single, other = found.groups()
    right = variables.get(other) if other else (double if double is not None else single)
    return (variables.get(left) == right) == (sign == "==")
