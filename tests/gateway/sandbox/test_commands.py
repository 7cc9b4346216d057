"""Every quick action the sandbox carries out, and what stops each."""

from pathlib import Path

import pytest

from gateway.sandbox.clock import Clock
from gateway.sandbox.gitlab.commands import Effect
from gateway.sandbox.gitlab.entities import Issue, Project, Role, User
from gateway.sandbox.gitlab.forge import Forge
from gateway.sandbox.gitlab.workings import Workings, workings_of
from gateway.sandbox.seed import Tokens, seed_forge
from gateway.sandbox.server import wall_clock
from gateway.sandbox.switches import Switches


class Room:
    """A seeded forge without a server, an issue in it, and a way to speak."""

    def __init__(self, folder: Path) -> None:
        self.forge = Forge(folder, Clock(wall_clock), Switches())
        self.workings: Workings = workings_of(self.forge)
        seed_forge(self.forge, self.workings, Tokens())
        self.project: Project = self.forge.projects[1]
        self.issue: Issue = self.project.issues[1]
        self.road: User = self.forge.users[2]

    def say(self, text: str) -> Effect:
        return self.workings.commands.obey(self.project, self.issue, self.road, text)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.mark.parametrize(
    ("texts", "changes"),
    [
        (["/close", "/reopen"], {"state_event": "reopen"}),
        (["/duplicate #2"], {"state_event": "close"}),
        (['/labels ~a ~"two words" plain'], {"add_label_ids": ["a", "two words", "plain"]}),
        (["/label ~a", "/unlabel"], {"remove_label_ids": ["a"]}),
        (["/relabel ~b"], {"label_ids": ["b"]}),
        (["/assign @maya me"], {"assignee_ids": [1, 2]}),
        (["/assign @maya", "/reassign me"], {"assignee_ids": [2]}),
        (["/assign @maya me", "/unassign @maya"], {"assignee_ids": [2]}),
        (["/assign @maya", "/unassign"], {"assignee_ids": []}),
        (["/lock", "/unlock"], {"discussion_locked": False}),
        (["/due 2026-12-24", "/remove_due_date"], {"due_date": None}),
        (["/title A\n/close"], {"title": "A", "state_event": "close"}),
    ],
)
def test_a_command_changes_what_it_says(room: Room, texts: list[str], changes: dict[str, object]) -> None:
    effects = [room.say(text) for text in texts]

    assert effects[-1].changes == changes
    assert all(sentence.startswith("Applied") for sentence in effects[-1].summary)


@pytest.mark.parametrize(
    "text",
    ["/reopen", "/title", "/label", "/assign @nobody", "/due soon", "/draft", "/ready", "/approve", "/unapprove", "/merge",
     "/target_branch main", "/move shop/payments", "/spend 1h"],
)  # fmt: skip
def test_a_command_that_does_not_fit_an_issue_changes_nothing(room: Room, text: str) -> None:
    effect = room.say(text)

    assert (effect.changes, len(effect.commands)) == ({}, 1)
    assert effect.summary[0].startswith("Could not apply")


def test_a_guest_commands_nothing(room: Room) -> None:
    room.project.members[room.road.id] = Role.GUEST

    assert room.say("/close").changes == {}
    assert room.issue.state == "opened"
