"""Which code owners a change needs, as ids of the roster."""

from gateway.core.change_input import code_owners_input
from gateway.core.changes import OwnedPart, Ownership
from gateway.core.owned_paths import ownership
from gateway.core.rulings import Clause
from tests.gateway.core.making import bench, change

PEOPLE = {"maya": "prn_maya", "omar": "prn_omar"}
FILE = """* @maya @shop/team @@developer omar@shop.example
[Security][2]
/auth/ @omar @maya
^[Docs]
/docs/ @omar
"""


def test_owners_are_those_the_roster_knows() -> None:
    found = ownership(FILE, ("auth/login.py", "docs/a.md"), PEOPLE.get)

    assert found == Ownership(
        parts=(
            OwnedPart(section="codeowners", approvals=1, owners=("prn_maya",)),
            OwnedPart(section="security", approvals=2, owners=("prn_maya", "prn_omar")),
        )
    )


def test_a_path_that_nobody_owns_asks_nobody() -> None:
    assert ownership("/a @maya", ("b",), PEOPLE.get) == Ownership()
    assert ownership("", ("b",), PEOPLE.get) == Ownership()


def test_what_cannot_be_read_is_told() -> None:
    assert ownership(None, ("b",), PEOPLE.get) == Ownership(unread=1)
    assert ownership("a[ @maya\n* @maya", ("b",), PEOPLE.get).unread == 1


def test_no_section_asks_more_people_than_a_clause_can() -> None:
    (part,) = ownership("[All][20]\n* @maya", ("b",), PEOPLE.get).parts

    assert part.approvals == 9


def test_a_change_whose_owners_nobody_read_has_none_to_show() -> None:
    assert code_owners_input(change()) is None


def test_the_policy_sees_parts_and_owners_with_their_totals() -> None:
    seen = code_owners_input(change(ownership=ownership(FILE, ("auth/login.py",), PEOPLE.get)))

    assert seen is not None
    assert [(p.part, p.section, p.approvals) for p in seen.required] == [
        (0, "codeowners", 1),
        (1, "security", 2),
    ]
    assert [(o.part, o.person) for o in seen.owners] == [(0, "prn_maya"), (1, "prn_maya"), (1, "prn_omar")]
    assert (seen.required_total, seen.owners_total, seen.unread) == (2, 3, 0)


def test_a_person_holds_a_clause_that_names_them() -> None:
    people = bench(maya=("sre",), omar=("sre",))
    maya, omar = people.roster.people

    assert people.holds(maya, Clause(count=1, any_of_roles=("prn_maya",)))
    assert not people.holds(omar, Clause(count=1, any_of_roles=("prn_maya",)))
