"""Break-glass on the road: fewer people are asked, for as long as it is in force, and nothing else changes."""

import pytest

from gateway.core.outcomes import Denied, Held, Performed
from gateway.core.rulings import Clause, Narrowing
from tests.world import World, asks, denies


@pytest.fixture
def world() -> World:
    return World()


TWO = Clause(count=2, any_of_roles=("service-owner", "sre"))


async def test_break_glass_asks_one_person_and_the_ruling_says_so(world: World) -> None:
    world.policy.says = (asks("BLAST-001", TWO),)
    world.counters.break_glass = "bgl_1"
    held = await world.propose()
    await world.vote(held)
    done = (await world.resume())[0]

    assert isinstance(done, Performed)
    ticket = await world.ticket(held)
    assert [c.count for c in ticket.clauses] == [1]
    ruling = world.ledger.kept.rows[held.action_id].ruling
    assert ruling
    assert ruling.break_glass == Narrowing(id="bgl_1", codes=("BLAST-001",))


async def test_an_approval_on_break_glass_is_void_once_that_has_ended(world: World) -> None:
    world.policy.says = (asks("BLAST-001", TWO),)
    world.counters.break_glass = "bgl_1"
    held = await world.propose(kind="merge_request.comment", body="Hm.")
    await world.vote(held)
    world.counters.break_glass = None
    again = (await world.resume())[0]

    assert isinstance(again, Held)
    assert [c.count for c in (await world.ticket(again)).clauses] == [2]
    assert world.effects() == 0


async def test_break_glass_makes_no_denial_an_allowance(world: World) -> None:
    world.policy.says = (asks("BLAST-001", TWO), denies("PATH-001"))
    world.counters.break_glass = "bgl_1"

    assert isinstance(await world.propose(), Denied)


async def test_break_glass_is_not_even_asked_for_where_one_person_is_enough(world: World) -> None:
    world.policy.says = (asks(),)
    world.counters.break_glass = "bgl_1"
    held = await world.propose()

    ruling = world.ledger.kept.rows[held.action_id].ruling
    assert ruling
    assert ruling.break_glass is None
