"""Tickets and votes: who counts, for what, and who never does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.catalogue import Catalogue, Service
from gateway.core.errors import CallerError, ConflictError, OutOfScopeError
from gateway.core.holding import open_ticket
from gateway.core.principals import Person, Roster
from gateway.core.rulings import Assurance, Clause, Effect
from gateway.core.tickets import (
    TICKET_LIFE,
    Bench,
    Carried,
    Ticket,
    TicketState,
    Vote,
    covers,
    eligible,
    excluded_voters,
    merged,
    outcome_of,
    refuse_vote,
    satisfiable,
)
from tests.gateway.core.making import (
    AGENT,
    NOW_MS,
    OWNER,
    action,
    bench,
    clause,
    facts,
    finding,
    judgement,
    ruling,
    ticket,
    vote,
)
from tests.voting import signed

CHECKOUT = Service(name="checkout", project="shop/checkout", owners=("prn_maya",))
PEOPLE = bench((CHECKOUT,), maya=(), sam=("sre",), kim=("sre", "platform"), rob=("service-owner",))


def asking(*clauses: Clause, **changes: Any) -> Ticket:
    """An open ticket that asks for these clauses."""
    return ticket(clauses=clauses, **changes)


def with_votes(on: Ticket, *voters: str, **changes: Any) -> Ticket:
    """The ticket with approving votes of these people."""
    return on.model_copy(update={"votes": tuple(vote(v, on, **changes) for v in voters)})


def test_a_clause_is_filled_by_so_many_different_people() -> None:
    asked = asking(clause("sre", 2))

    assert not covers(with_votes(asked, "prn_sam"), PEOPLE)
    assert not covers(with_votes(asked, "prn_sam", "prn_sam"), PEOPLE)
    assert covers(with_votes(asked, "prn_sam", "prn_kim"), PEOPLE)


def test_one_person_may_fill_several_clauses() -> None:
    assert covers(with_votes(asking(clause("sre"), clause("platform")), "prn_kim"), PEOPLE)
    assert not covers(with_votes(asking(clause("sre"), clause("platform")), "prn_sam"), PEOPLE)


def test_the_owner_of_a_service_is_who_the_catalogue_says() -> None:
    asked = clause("service-owner", for_service="checkout")

    assert covers(with_votes(asking(asked), "prn_maya"), PEOPLE)
    assert not covers(with_votes(asking(asked), "prn_rob"), PEOPLE)
    assert covers(with_votes(asking(clause("service-owner")), "prn_rob"), PEOPLE)
    assert not covers(with_votes(asking(clause("service-owner", for_service="unknown")), "prn_maya"), PEOPLE)
    either = Clause(count=1, any_of_roles=("service-owner", "sre"), for_service="checkout")
    assert covers(with_votes(asking(either), "prn_sam"), PEOPLE)


@pytest.mark.parametrize(
    ("asked", "given_", "counts"),
    [
        (Assurance.TOKEN, Assurance.TOKEN, True),
        (Assurance.SIGNED, Assurance.TOKEN, False),
        (Assurance.SIGNED, Assurance.SIGNED, True),
        (Assurance.SIGNED, Assurance.WEBAUTHN, False),
        (Assurance.WEBAUTHN, Assurance.SIGNED, False),
    ],
)
def test_a_vote_must_be_proven_as_well_as_its_clause_asks(
    asked: Assurance,
    given_: Assurance,
    counts: bool,  # noqa: FBT001
) -> None:
    one = with_votes(asking(clause("sre", assurance=asked)), "prn_sam", assurance=given_)

    assert covers(one, PEOPLE) is counts


def test_each_unknown_author_asks_one_more_of_every_clause() -> None:
    asked = asking(clause("sre", 1), clause("platform", 9), unknown_authors=1)

    assert [c.count for c in asked.asked()] == [2, 10]
    assert not covers(with_votes(asking(clause("sre"), unknown_authors=1), "prn_sam"), PEOPLE)
    assert covers(with_votes(asking(clause("sre"), unknown_authors=1), "prn_sam", "prn_kim"), PEOPLE)


def test_votes_of_people_who_left_or_changed_do_not_count() -> None:
    one = with_votes(asking(clause("sre")), "prn_sam")

    assert covers(one, PEOPLE)
    assert not covers(one, bench(sam=("platform",)))
    assert not covers(one, bench())


def test_a_vote_on_another_question_or_against_does_not_count() -> None:
    asked = asking(clause("sre"))
    other = vote("prn_sam", asked).model_copy(update={"question_digest": "f" * 64})

    assert not covers(asked.model_copy(update={"votes": (other,)}), PEOPLE)
    assert not covers(with_votes(asked, "prn_sam", answer="reject"), PEOPLE)


def test_one_no_rejects_and_enough_yes_approve() -> None:
    asked = asking(clause("sre"))
    both = asked.model_copy(update={"votes": (vote("prn_sam", asked), vote("prn_kim", asked, "reject"))})

    assert outcome_of(asked, PEOPLE) is TicketState.OPEN
    assert outcome_of(with_votes(asked, "prn_sam"), PEOPLE) is TicketState.APPROVED
    assert outcome_of(both, PEOPLE) is TicketState.REJECTED


def refusal(voter: str, on: Ticket, **changes: Any) -> tuple[type[CallerError], str]:
    """The kind and code of the error a vote gets."""
    known: dict[str, Any] = {"digest": on.question_digest, "now_ms": NOW_MS, **changes}
    with pytest.raises(CallerError) as caught:
        refuse_vote(on, voter, known["digest"], now_ms=known["now_ms"], bench=PEOPLE)
    assert caught.value.detail.endswith(".")
    return type(caught.value), caught.value.code


def test_votes_that_cannot_count_are_refused_with_the_reason() -> None:
    asked = asking(clause("sre"), excluded=(AGENT, OWNER, "prn_kim"))

    assert refusal(OWNER, asked) == (OutOfScopeError, "self_approval")
    assert refusal(AGENT, asked) == (OutOfScopeError, "self_approval")
    assert refusal("prn_kim", asked) == (OutOfScopeError, "self_approval")
    assert refusal("prn_stranger", asked) == (OutOfScopeError, "not_eligible")
    assert refusal("prn_rob", asked) == (OutOfScopeError, "not_eligible")
    assert refusal("prn_sam", asked, digest="0" * 64) == (ConflictError, "stale_question")
    assert refusal("prn_sam", asked, now_ms=asked.expires_ms) == (ConflictError, "ticket_expired")
    assert refusal("prn_sam", with_votes(asked, "prn_sam")) == (ConflictError, "already_voted")
    for state in set(TicketState) - {TicketState.OPEN}:
        assert refusal("prn_sam", asking(clause("sre"), state=state)) == (ConflictError, "ticket_closed")


def test_a_vote_that_can_count_is_not_refused() -> None:
    asked = asking(clause("sre"))

    refuse_vote(asked, "prn_sam", asked.question_digest, now_ms=asked.expires_ms - 1, bench=PEOPLE)


def test_only_an_open_ticket_can_be_approved_and_only_an_approved_one_spent() -> None:
    assert {s for s, then in TICKET_LIFE.items() if TicketState.APPROVED in then} == {TicketState.OPEN}
    assert {s for s, then in TICKET_LIFE.items() if TicketState.SPENT in then} == {TicketState.APPROVED}
    assert TICKET_LIFE.keys() == set(TicketState)


def test_what_nobody_could_ever_fill_is_named() -> None:
    two = clause("sre", 2)

    assert satisfiable((two,), (), 0, PEOPLE) is None
    assert satisfiable((clause("platform"), two), ("prn_sam",), 0, PEOPLE) == two
    assert satisfiable((two,), (), 1, PEOPLE) == two
    assert satisfiable((), (), 5, PEOPLE) is None


def test_the_agent_its_owner_and_every_author_are_shut_out() -> None:
    assert excluded_voters(AGENT, OWNER, ("prn_sam", OWNER)) == (AGENT, OWNER, "prn_sam")


def test_a_ticket_is_opened_with_what_the_judgement_asks() -> None:
    asked = judgement(
        ruling(Effect.REQUIRE_APPROVAL, (finding(effect=Effect.REQUIRE_APPROVAL),)),
        known=facts(authors=("prn_sam",), unknown_authors=1),
    )

    opened = open_ticket(asked, "tkt_1", now_ms=5, ttl_ms=10, predecessor=None)

    assert (opened.state, opened.opened_ms, opened.expires_ms) == (TicketState.OPEN, 5, 15)
    assert opened.excluded == (AGENT, OWNER, "prn_sam")
    assert (opened.unknown_authors, opened.clauses) == (1, asked.ruling.clauses)
    assert opened.question_digest == asked.question.digest
    assert (opened.predecessor, opened.changed) == (None, None)


def test_a_successor_says_what_reads_differently() -> None:
    before = ticket()
    after = judgement(
        ruling(Effect.REQUIRE_APPROVAL, (finding(effect=Effect.REQUIRE_APPROVAL),)),
        of=action(on_behalf_of="prn_other"),
    )

    opened = open_ticket(after, "tkt_2", now_ms=5, ttl_ms=10, predecessor=before)

    assert opened.predecessor == "tkt_1"
    assert opened.changed is not None
    assert opened.changed["on_behalf_of"] == {"before": OWNER, "after": "prn_other"}


ROLES = st.sampled_from(["sre", "platform", "security"])
CLAUSES = st.builds(
    Clause,
    count=st.integers(1, 4),
    any_of_roles=st.lists(ROLES, min_size=1, max_size=2, unique=True).map(tuple),
    assurance=st.sampled_from(list(Assurance)),
)
VOTERS = [f"prn_{n}" for n in range(5)]
BENCHES = st.lists(st.lists(ROLES, unique=True).map(tuple), min_size=5, max_size=5).map(
    lambda held: Bench(
        roster=Roster(people=tuple(Person(id=v, approves_as=h) for v, h in zip(VOTERS, held, strict=True))),
        catalogue=Catalogue(),
    )
)


@st.composite
def tickets(draw: st.DrawFn) -> Ticket:
    """Tickets with votes of all kinds."""
    asked = asking(
        *draw(st.lists(CLAUSES, min_size=1, max_size=3)),
        excluded=tuple(sorted(draw(st.sets(st.sampled_from(VOTERS), max_size=2)))),
        unknown_authors=draw(st.integers(0, 2)),
    )
    votes = draw(
        st.lists(
            st.builds(_vote, st.just(asked), st.sampled_from(VOTERS), st.sampled_from(list(Assurance))),
            max_size=6,
        )
    )
    return asked.model_copy(update={"votes": tuple(votes)})


def _vote(on: Ticket, voter: str, assurance: Assurance) -> Vote:
    return vote(voter, on, assurance=assurance)


@given(tickets(), BENCHES, CLAUSES)
def test_adding_a_clause_never_satisfies_an_unsatisfied_ticket(
    asked: Ticket, people: Bench, more: Clause
) -> None:
    stricter = asked.model_copy(update={"clauses": (*asked.clauses, more)})

    assert covers(asked, people) or not covers(stricter, people)


@given(tickets(), BENCHES, st.sampled_from(VOTERS))
def test_a_person_who_is_shut_out_never_counts(asked: Ticket, people: Bench, person: str) -> None:
    shut_out = asked.model_copy(update={"excluded": (*asked.excluded, person)})
    silent = shut_out.model_copy(update={"votes": tuple(v for v in asked.votes if v.voter != person)})

    assert covers(shut_out, people) is covers(silent, people)
    assert covers(asked, people) or not covers(shut_out, people)
    assert all(not eligible(shut_out, p, people) for p in people.roster.people if p.id == person)


@given(tickets(), BENCHES)
def test_what_votes_have_covered_could_have_been_covered(asked: Ticket, people: Bench) -> None:
    if covers(asked, people):
        assert satisfiable(asked.clauses, asked.excluded, asked.unknown_authors, people) is None


@given(st.lists(st.lists(CLAUSES, max_size=4).map(tuple), max_size=4).map(tuple))
def test_merging_never_drops_a_clause(groups: tuple[tuple[Clause, ...], ...]) -> None:
    together = merged(groups)

    assert set(together) == {c for group in groups for c in group}
    assert len(set(together)) == len(together)
    assert merged(tuple(reversed(groups))) == together


@pytest.mark.parametrize(
    "change",
    [
        {"signature": None},
        {"public_key": None},
        {"key_id": "key_" + "0" * 32},
        {"public_key": "no base64"},
        {"reason": "something else"},
        {"signature": signed(vote("prn_kim", ticket()), "tkt_1").signature},
        {"assurance": Assurance.WEBAUTHN},
    ],
)
def test_a_vote_whose_stored_proof_does_not_hold_counts_for_nothing(change: dict[str, Any]) -> None:
    asked = asking(clause("sre", assurance=Assurance.TOKEN))
    genuine = vote("prn_sam", asked)
    forged = genuine.model_copy(update=change)

    assert covers(asked.model_copy(update={"votes": (genuine,)}), PEOPLE)
    assert not covers(asked.model_copy(update={"votes": (forged,)}), PEOPLE)


def test_a_signature_made_for_another_ticket_counts_for_nothing() -> None:
    asked = asking(clause("sre"))
    elsewhere = asked.model_copy(update={"id": "tkt_2", "votes": (vote("prn_sam", asked),)})

    assert not covers(elsewhere, PEOPLE)


def test_carried_votes_count_only_on_the_ticket_that_carries_them() -> None:
    before = asking(clause("sre"))
    kept = vote("prn_sam", before).model_copy(update={"ticket": before.id})
    after = asking(clause("sre"), id="tkt_2", question_digest="e" * 64)
    carried = Carried(ticket=before.id, question_digest=before.question_digest)

    assert covers(after.model_copy(update={"votes": (kept,), "carried": carried}), PEOPLE)
    assert not covers(after.model_copy(update={"votes": (kept,)}), PEOPLE)
    other = carried.model_copy(update={"question_digest": "f" * 64})
    assert not covers(after.model_copy(update={"votes": (kept,), "carried": other}), PEOPLE)
