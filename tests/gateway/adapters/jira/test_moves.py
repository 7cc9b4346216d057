"""Which transition is meant when an agent closes or reopens, over workflows of many shapes."""

import pytest

from gateway.adapters.jira.answers import Category, Status, Transition
from gateway.adapters.jira.moves import choose
from gateway.core.errors import TargetRefusedError
from gateway.core.vocabulary import ActionType as T
from gateway.core.vocabulary import System
from tests.fakes.permits import action_of

OPEN = Status(name="Open", statusCategory=Category(key="new"))
CLOSED = Status(name="Closed", statusCategory=Category(key="done"))


def way(name: str, category: str) -> Transition:
    return Transition(id=name, to=Status(name=name, statusCategory=Category(key=category)))


def chosen(kind: T, status: Status, *offered: Transition) -> str:
    action = action_of(kind, system=System.JIRA, project="SHOP", issue="SHOP-1")
    return choose(action, status, offered).to.name


def test_closing_takes_the_one_way_to_a_done_status() -> None:
    assert chosen(T.ISSUE_CLOSE, OPEN, way("Doing", "indeterminate"), way("Shipped", "done")) == "Shipped"


def test_two_ways_to_the_same_status_are_one() -> None:
    assert chosen(T.ISSUE_CLOSE, OPEN, way("Shipped", "done"), way("Shipped", "done")) == "Shipped"


def test_reopening_prefers_the_one_way_to_the_beginning() -> None:
    assert chosen(T.ISSUE_REOPEN, CLOSED, way("Doing", "indeterminate"), way("To do", "new")) == "To do"
    assert chosen(T.ISSUE_REOPEN, CLOSED, way("Doing", "indeterminate")) == "Doing"


@pytest.mark.parametrize(
    ("kind", "status", "offered", "said"),
    [
        (T.ISSUE_CLOSE, OPEN, (way("Done", "done"), way("Rejected", "done")), "Done, Rejected"),
        (T.ISSUE_CLOSE, OPEN, (way("Doing", "indeterminate"),), "no way to close"),
        (T.ISSUE_REOPEN, CLOSED, (way("A", "new"), way("B", "new")), "A, B"),
        (T.ISSUE_REOPEN, CLOSED, (), "no way to reopen"),
        (T.ISSUE_REOPEN, OPEN, (way("A", "new"),), "is not closed"),
        (T.ISSUE_CLOSE, CLOSED, (way("Done", "done"),), "closed already"),
    ],
)
def test_what_is_not_clear_is_refused_with_the_choice(
    kind: T, status: Status, offered: tuple[Transition, ...], said: str
) -> None:
    with pytest.raises(TargetRefusedError, match=said):
        chosen(kind, status, *offered)
