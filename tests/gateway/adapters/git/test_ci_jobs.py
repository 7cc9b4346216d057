"""Jobs of a CI configuration, never counted too low."""

import pytest

from gateway.adapters.git.ci_documents import CiDocument, parsed_ci
from gateway.adapters.git.ci_jobs import jobs_in

JOB = "build: {script: [make]}\n"


def count(root: str, **others: str) -> int | None:
    texts = {"root": root, **{name.replace("_", "/"): text for name, text in others.items()}}
    documents: dict[str, CiDocument] = {name: parsed_ci(text) for name, text in texts.items()}
    tallies = {name: document.tally for name, document in documents.items()}
    return jobs_in("root", tallies, {name: document.included for name, document in documents.items()})


@pytest.mark.parametrize(
    ("text", "jobs"),
    [
        ("", 0),
        (JOB, 1),
        (JOB + "stages: [a]\nvariables: {A: 1}\ndefault: {image: x}\n.hidden: {script: [x]}\n", 1),
        (JOB + "test: {script: [x], rules: [{when: never}], needs: [build]}\n", 2),
        ("test: {script: [x], parallel: 5}\n", 5),
        ("test: {script: [x], parallel: {matrix: [{A: [1, 2, 3], B: [x, y]}, {C: z}]}}\n", 7),
        (
            ".wide: {parallel: 4}\ntest: {extends: .wide, script: [x]}\nown: {extends: .wide, parallel: 2}\n",
            6,
        ),
        ("pages: {script: [x]}\nbad: {script: [x], parallel: yes}\n", None),
        ("bad: {script: [x], parallel: {matrix: 3}}\n", None),
        ("bad: {script: [x], parallel: 0}\n", None),
        ("bad: {script: [x], parallel: {matrix: []}}\n", None),
        ("child: {trigger: other/project}\n", None),
        ("child: {trigger: {include: [{remote: 'https://x.test/ci.yml'}]}}\n", None),
        ("child: {trigger: {include: {local: 'ci/*.yml'}}}\n", None),
    ],
)
def test_one_file(text: str, jobs: int | None) -> None:
    assert count(text) == jobs


def test_included_files_are_part_of_the_pipeline_once() -> None:
    assert count("include: [a, {local: /b}]\n" + JOB, a="include: b\n" + JOB, b=JOB) == 3


def test_a_child_pipeline_counts_as_often_as_it_is_started() -> None:
    text = "child: {trigger: {include: a}, parallel: {matrix: [{A: [1, 2]}]}}\n"

    assert count(text, a=JOB + "more: {script: [x]}\n") == 2 + 2 * 2


def test_children_without_end_are_unknown() -> None:
    assert count("child: {trigger: {include: root}}\n") is None
