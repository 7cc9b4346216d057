"""What the events of the road say, and what they never say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.events import EventType, check_draft, free_text
from gateway.adapters.store import events
from gateway.adapters.store.store import Store
from gateway.core.actions import Redaction
from gateway.core.blast_radius import BlastRadius
from gateway.core.rulings import Retry, Waived
from gateway.core.steps import Finish, Performance, Preparation
from gateway.core.vocabulary import ActionType
from tests.gateway.adapters.store.world import (
    AGENT,
    NOW_MS,
    OWNER,
    VOTERS,
    World,
    asking,
    denying,
    reserving,
    vote,
)


async def leaves(store: Store, kind: str) -> list[Any]:
    rows = await store.archive.events(subject=None, event_type=kind, after=None, limit=100)
    return [r.leaf["data"] for r in rows]


def test_a_judged_event_says_enough_to_replay_the_decision(world: World) -> None:
    action = world.action(ActionType.MERGE_REQUEST_MERGE, params={"expected_head": "9" * 40}, merge_request=7)
    judgement = world.judge(action, findings=(asking(), denying("PATH-001", Retry.FIX_AND_RETRY)))
    blast = BlastRadius(files=2, services=("checkout",), score=31, level="medium")
    waived = (Waived(code="TIME-001", by=("exc-1",), facts={"why": "a free text"}),)
    ruling = judgement.ruling.model_copy(update={"waived": waived, "grants": ("code",)})
    judgement = judgement.model_copy(update={"blast": blast, "ruling": ruling})

    draft = events.judged(judgement)

    data = draft.data
    assert data["actor"] == {"agent": AGENT, "on_behalf_of": OWNER}
    assert (data["type"], data["door"], data["trace"]) == ("merge_request.merge", "rest", "trc_1")
    assert data["target"] == {"system": "gitlab", "project": "shop/checkout", "merge_request": 7}
    assert data["action_digest"] == action.digest
    assert (data["effect"], data["ruling"]) == ("deny", ruling.id)
    assert data["codes"] == [f["code"] for f in data["findings"]] == ["BLAST-001", "PATH-001"]
    assert data["findings"][0]["facts"] == {"services": ["checkout"]}
    assert "facts" not in data["findings"][1]
    assert data["waived"] == [{"code": "TIME-001", "by": ["exc-1"]}]
    assert data["blast"]["score"] == 31
    assert data["policy"] == ruling.policy.model_dump(mode="json")
    assert data["input_digest"] == ruling.input_digest
    assert data["question_digest"] == judgement.question.digest
    assert data["obligations"][0]["any_of_roles"] == ["service-owner"]
    assert data["grants"] == ["code"]
    assert draft.private["input"] == judgement.document
    assert draft.private["finding_facts"][1]["facts"] == {"path": "a file with spaces.txt"}


def test_a_request_keeps_its_words_beside_the_log(world: World) -> None:
    action = world.action(key="my key").model_copy(
        update={"redactions": (Redaction(field="/params/body", detector="aws", line=1),)}
    )

    draft = events.requested(action)

    assert draft.private == {"intent": action.intent, "params": {"body": "Looks good to me."}}
    assert draft.data["redactions"] == [{"field": "/params/body", "detector": "aws", "line": 1}]
    assert "my key" not in str(draft.data)


def test_what_does_not_apply_is_left_out(world: World) -> None:
    draft = events.started(world.judge(world.action()), Preparation(marker="lg-1"), ())

    assert "commit" not in draft.data
    assert draft.private == {}


def test_a_start_says_what_it_will_be_recognised_by(world: World) -> None:
    preparation = Preparation(marker="lg-1", commit="9" * 40, before={"title": "Old words"})

    draft = events.started(world.judge(world.action()), preparation, (reserving(),))

    assert (draft.data["marker"], draft.data["commit"]) == ("lg-1", "9" * 40)
    assert draft.data["reserve"] == [{"budget": "actions", "window": "hour", "amount": 1, "limit": 2}]
    assert draft.private == {"before": {"title": "Old words"}}


def test_the_targets_own_words_stand_beside_the_log(world: World) -> None:
    finish = Finish(
        action_id="act_1",
        outcome="refused",
        performance=Performance(result={"url": "https://x.example/1"}),
        reason="Branch is protected, says ada@example.org",
        reconciled=True,
    )

    proved, ended = events.finished(world.action(), finish)

    assert proved.type is EventType.ACTION_RECONCILED
    assert proved.data["outcome"] == "refused"
    assert ended.type is EventType.ACTION_REFUSED
    assert ended.data["result"] == {"url": "https://x.example/1"}
    assert ended.private == {"reason": finish.reason}


def test_an_opened_ticket_says_who_is_asked_until_when(world: World) -> None:
    hold = world.hold(world.action())

    draft = events.opened(hold.ticket, hold.judgement.action)

    assert draft.subject == hold.ticket.id
    assert draft.data["expires_ms"] == NOW_MS + 8 * 3_600_000
    assert draft.data["excluded"] == [AGENT, OWNER]
    assert draft.private == {"question": hold.ticket.question.model_dump(mode="json")}


def test_a_plain_vote_has_no_key_and_its_reason_stands_beside_the_log(world: World) -> None:
    ticket = world.hold(world.action()).ticket

    draft = events.voted(ticket, vote(ticket, VOTERS[1], "reject"))

    assert (draft.data["voter"], draft.data["answer"], draft.data["assurance"]) == (
        VOTERS[1],
        "reject",
        "token",
    )
    assert "key_id" not in draft.data
    assert draft.private == {"reason": "I read it."}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from("abcdefgh"), JSON, max_size=6), st.text())
def test_no_value_whatever_brings_text_or_fractions_into_a_leaf(data: dict[str, Any], words: str) -> None:
    encodable = "".join(c for c in words if not "\ud800" <= c <= "\udfff")

    draft = events.drafted(EventType.SETTINGS_CHANGED, "x", data, {"words": encodable})

    assert free_text(draft.data) == ()
    assert {**draft.data, **draft.private}.keys() >= {n for n, v in data.items() if v is not None}
    check_draft(draft)


@pytest.mark.parametrize(
    "value", ["two words", "a@b", "x" * 201, 0.5, 2**60, {"\u00e4": 1}, ["x"] * 5000, "\ud800"]
)
def test_what_may_not_stand_in_a_leaf(value: Any) -> None:
    assert not events.is_clean(value)


@pytest.mark.parametrize("value", ["act_1", 7, True, ["a", "b"], {"a": {"b": 2}}, "x" * 200])
def test_what_may_stand_in_a_leaf(value: Any) -> None:
    assert events.is_clean(value)


def test_the_codes_stay_in_the_leaf_when_the_findings_are_too_large_for_it(world: World) -> None:
    many = tuple(asking(f"CODE-{n:03d}", services=["x" * 150] * 20) for n in range(40))

    draft = events.judged(world.judge(world.action(), findings=many))

    assert len(draft.data["codes"]) == 40
    assert "findings" not in draft.data
    assert len(draft.private["findings"]) == 40
    check_draft(draft)


async def test_a_path_with_spaces_never_reaches_a_leaf(world: World, store: Store) -> None:
    action = world.action(project="shop/check out")
    await store.ledger.admit(action)
    await store.ledger.record(world.deny(action))

    judged = (await leaves(store, "action.judged"))[0]

    assert "target" not in judged
    assert "a file with spaces" not in str(judged)
    row = (await store.archive.events(subject=action.id, event_type="action.judged", after=None, limit=1))[0]
    assert row.disclosures["target"]["project"] == "shop/check out"
