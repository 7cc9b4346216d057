"""The question people answer: what is in it, what never is, and that its digest does not depend on the process."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import CanonicalError
from gateway.core.blast_radius import BlastRadius, Driver
from gateway.core.changes import Change
from gateway.core.digests import digest_of, sha256_text
from gateway.core.facts import (
    BranchFacts,
    DeploymentFacts,
    Facts,
    IssueFacts,
    MergeRequestFacts,
    PipelineFacts,
)
from gateway.core.questions import Question, ask, difference, names_its_state
from gateway.core.rulings import Binding, Effect, Ruling
from gateway.core.vocabulary import ActionType as T
from gateway.core.vocabulary import System
from tests.gateway.core.making import HEAD, OLD, action, change, changed, clause, facts, finding, ruling

ROOT = Path(__file__).parents[3]
REQUEST = MergeRequestFacts(
    iid=7,
    head=HEAD,
    source_branch="agent/x",
    target_branch="main",
    source_project_id="1",
    target_project_id="1",
    author="agt_fixer",
    state="opened",
    draft=False,
    merge_status="mergeable",
    target_protected=True,
)
ASK = finding(
    effect=Effect.REQUIRE_APPROVAL,
    facts={"files": 45, "limit": 20, "note": "x"},
    bound_facts=("files", "limit"),
)


def question(
    given_: Ruling | None = None, known: Facts | None = None, blast: BlastRadius | None = None
) -> Question:
    """The question of a merge."""
    return ask(
        action(),
        known or facts(merge_request=REQUEST),
        blast,
        given_ or ruling(Effect.REQUIRE_APPROVAL, (ASK,)),
    )


def test_a_merge_asks_about_exactly_that_head_into_exactly_that_branch() -> None:
    assert question().subject == {
        "iid": 7,
        "head": HEAD,
        "source_branch": "agent/x",
        "target_branch": "main",
        "source_project_id": "1",
        "target_project_id": "1",
        "squash": False,
        "remove_source_branch": False,
    }
    assert question(known=facts()).subject == {}
    other = ask(action(T.COMMIT_REVERT), facts(merge_request=REQUEST), None, ruling())
    assert other.subject == {}


@pytest.mark.parametrize(
    ("kind", "known", "subject"),
    [
        (
            T.ISSUE_TRANSITION,
            {"issue": IssueFacts(key="S-1", status="To Do", project="S")},
            {"status": "To Do"},
        ),
        (T.ISSUE_TRANSITION, {}, {}),
        (
            T.COMMIT_CREATE,
            {"branch": BranchFacts(name="agent/x", head=OLD, protected=False, default=False)},
            {"branch": "agent/x", "head": OLD},
        ),
        (
            T.COMMIT_CHERRY_PICK,
            {"branch": BranchFacts(name="agent/x", head=OLD, protected=False, default=False)},
            {"branch": "agent/x", "head": OLD},
        ),
        (T.MERGE_REQUEST_CLOSE, {"subject": {"state": "opened"}}, {"state": "opened"}),
        (T.BRANCH_CREATE, {"branch": BranchFacts(name="b", head=None, protected=False, default=False)}, {}),
        (
            T.DEPLOYMENT_ROLLBACK,
            {
                "deployment": DeploymentFacts(
                    environment="production",
                    current_id=2,
                    current_sha=HEAD,
                    to_id=1,
                    to_sha=OLD,
                    history_total=0,
                )
            },
            {"environment": "production", "current_id": 2, "current_sha": HEAD, "to_id": 1, "to_sha": OLD},
        ),
        (T.DEPLOYMENT_ROLLBACK, {}, {}),
    ],
)
def test_each_type_asks_about_the_state_it_overwrites(
    kind: T, known: dict[str, Any], subject: dict[str, Any]
) -> None:
    params = {
        T.ISSUE_TRANSITION: {"to": "Done"},
        T.DEPLOYMENT_ROLLBACK: {"to": "1"},
        T.COMMIT_CREATE: {"message": "m", "changes": [{"op": "delete", "path": "a"}]},
    }.get(kind, {})

    assert ask(action(kind, params=params), facts(**known), None, ruling()).subject == subject


def test_only_approval_findings_bound_to_the_state_are_asked_with_their_bound_facts() -> None:
    moment = finding("SOD-002", Effect.REQUIRE_APPROVAL, binding=Binding.MOMENT)
    denied = finding("FLOW-001", Effect.DENY)

    asked = question(ruling(Effect.REQUIRE_APPROVAL, (moment, denied, ASK))).asks

    assert asked == (
        {
            "code": "BLAST-001",
            "facts": {"files": 45, "limit": 20},
            "clauses": [clause().model_dump(mode="json")],
        },
    )


def test_the_order_of_findings_clauses_and_files_does_not_matter() -> None:
    many = ASK.model_copy(update={"clauses": (clause("a"), clause("b"))})
    turned = ASK.model_copy(update={"clauses": (clause("b"), clause("a"))})
    other = finding("PATH-003", Effect.REQUIRE_APPROVAL)
    one, two = changed("a"), changed("b", previous_path="c")

    left = question(ruling(findings=(many, other)), facts(change=change(one, two)))
    right = question(ruling(findings=(other, turned)), facts(change=change(two, one)))

    assert left.digest == right.digest


@pytest.mark.parametrize(
    "moved",
    [
        {"context": facts().context.model_copy(update={"now_ms": 1})},
        {"pipeline": PipelineFacts(status="success", sha=HEAD)},
        {"concurrent": 9},
        {"approvals": ()},
        {"authors": ("prn_x",)},
        {"stops": ("stp_1",)},
    ],
)
def test_what_belongs_to_the_moment_leaves_the_question_alone(moved: dict[str, Any]) -> None:
    assert question(known=facts(merge_request=REQUEST, **moved)).digest == question().digest


def test_score_drivers_and_concurrent_work_are_no_part_of_the_question() -> None:
    blast = BlastRadius(files=1, services=("checkout",))
    later = blast.model_copy(
        update={
            "score": 99,
            "level": "critical",
            "concurrent": 4,
            "entropy_permille": 3,
            "drivers": (Driver(name="lines", permille=1),),
        }
    )

    assert question(blast=later).digest == question(blast=blast).digest
    assert (
        question(blast=blast.model_copy(update={"services": ("checkout", "auth")})).digest
        != question(blast=blast).digest
    )
    assert question().reach == {}


@pytest.mark.parametrize(
    "other",
    [
        change(changed("a"), base=HEAD),
        change(changed("b")),
        change(changed("a", new_oid="c" * 40)),
        change(changed("a", new_mode="100755")),
        change(changed("a", status="D")),
        change(changed("a", previous_path="z")),
        change(),
    ],
)
def test_any_other_diff_is_another_question(other: Change) -> None:
    base = facts(merge_request=REQUEST, change=change(changed("a")))

    assert question(known=base.model_copy(update={"change": other})).digest != question(known=base).digest


def test_renames_from_different_paths_are_different_questions() -> None:
    one, two = (change(changed("a", previous_path=p)) for p in ("y", "z"))

    assert question(known=facts(change=one)).digest != question(known=facts(change=two)).digest


def test_the_digest_of_a_known_question_never_changes() -> None:
    asked = question(
        known=facts(merge_request=REQUEST, change=change(changed("a"))), blast=BlastRadius(files=1)
    )

    assert asked.version == 1
    assert asked.digest == "5b70c4e9d18ac5a409d02f44749fd8ed95f5e477455ebb7c42cf2ea397633c91"


def test_the_difference_names_what_reads_differently() -> None:
    moved = REQUEST.model_copy(update={"head": "c" * 40})
    before, after = question(), question(known=facts(merge_request=moved))

    assert list(difference(before, after)) == ["subject"]
    assert difference(before, after)["subject"]["after"]["head"] == "c" * 40
    assert difference(before, before) == {}


def test_actions_that_name_their_state_end_when_it_moves() -> None:
    assert names_its_state(action())
    assert names_its_state(
        action(T.BRANCH_PUSH, aims={"project": "shop/checkout", "refs": ("refs/heads/x",)})
    )
    assert not names_its_state(
        action(T.ISSUE_CREATE, system=System.JIRA, aims={"project": "SHOP"}, params={"title": "t"})
    )


SCRIPT = """
from gateway.core.blast_radius import BlastRadius
from gateway.core.rulings import Effect
from tests.gateway.core.making import action, change, changed, clause, facts, finding, judgement, ruling
findings = tuple(finding(c, Effect.REQUIRE_APPROVAL, clauses=(clause("b"), clause("a"))) for c in ("X-1", "A-1"))
known = facts(authors=("prn_b", "prn_a"))
judged = judgement(ruling(Effect.REQUIRE_APPROVAL, findings), known=known, change=change(changed("b"), changed("a")))
print(judged.question.digest, judged.action.digest)
"""


def test_digests_are_the_same_in_every_process() -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            capture_output=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        ).stdout
        for seed in ("0", "1", "4711")
    }

    assert len(printed) == 1


def test_a_digest_is_sha_256_over_the_canonical_form() -> None:
    assert digest_of({"b": 1, "a": [True, None]}) == sha256_text('{"a":[true,null],"b":1}')
    with pytest.raises(CanonicalError):
        digest_of({"a": 0.5})


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(-100, 100) | st.text(max_size=5), max_size=5))
def test_the_order_of_members_does_not_change_a_digest(value: dict[str, Any]) -> None:
    assert digest_of(value) == digest_of(dict(reversed(list(value.items()))))
