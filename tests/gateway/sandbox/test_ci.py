"""The CI file is read as far as the sandbox runs it; the rest is an error, never ignored."""

import pytest

from gateway.sandbox.gitlab.ci import CiError, CiJob, plan

MAIN = {"CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main", "CI_PIPELINE_SOURCE": "push"}
SIDE = MAIN | {"CI_COMMIT_BRANCH": "agent/x"}


def names(text: str, variables: dict[str, str]) -> list[str]:
    return [job.name for job in plan(text.encode(), variables)]


def test_jobs_come_in_stage_order() -> None:
    text = "stages: [a, b]\nlast: {stage: b, script: x}\nfirst: {stage: a, script: x}\n.hidden: {script: x}\nvariables: {A: b}\n"

    assert names(text, MAIN) == ["first", "last"]


def test_an_environment_makes_a_deploy_job() -> None:
    text = b"deploy: {stage: deploy, script: x, environment: {name: production}}\ngo: {script: x, when: manual, environment: staging}"

    assert plan(text, MAIN) == (
        CiJob("go", "test", "staging", manual=True, allow_failure=True),
        CiJob("deploy", "deploy", "production", manual=False, allow_failure=False),
    )


@pytest.mark.parametrize(
    ("job", "on_main", "on_side"),
    [
        ("{script: x, only: [main]}", True, False),
        ("{script: x, only: main}", True, False),
        ("{script: x, only: [branches]}", True, True),
        ("{script: x, rules: [{if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH}]}", True, False),
        (
            '{script: x, rules: [{if: \'$CI_COMMIT_BRANCH == "main" && $CI_PIPELINE_SOURCE == "push"\'}]}',
            True,
            False,
        ),
        ("{script: x, rules: [{if: '$CI_COMMIT_BRANCH != \"main\"'}]}", False, True),
        (
            "{script: x, rules: [{if: '$CI_COMMIT_BRANCH == \"main\"', when: never}, {when: on_success}]}",
            False,
            True,
        ),
        ("{script: x, rules: []}", False, False),
        ("{script: x, when: never}", False, False),
    ],
)
def test_rules_say_when_a_job_takes_part(job: str, *, on_main: bool, on_side: bool) -> None:
    assert bool(names(f"job: {job}", MAIN)) is on_main
    assert bool(names(f"job: {job}", SIDE)) is on_side


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("job: {stage: nowhere, script: x}", "chosen stage nowhere does not exist"),
        ("job: {stage: test}", "should implement the script"),
        ("job: [", "Invalid configuration format"),
        ("- a\n", "Invalid configuration format"),
        ("stages: test\njob: {script: x}", "array of strings"),
        ("job: {script: x, rules: [{if: '$A =~ /x/'}]}", "invalid expression syntax"),
    ],
)
def test_a_file_that_cannot_be_run_says_why(text: str, reason: str) -> None:
    with pytest.raises(CiError, match=reason):
        plan(text.encode(), MAIN)
