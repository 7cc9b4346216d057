"""What a Jira site holds: accounts, projects, issues, and the search index that lags behind."""

import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.sandbox.clock import Clock
from gateway.sandbox.switches import Switches
from gateway.sandbox.wire import Document


@dataclass(frozen=True)
class Account:
    """A Jira account."""

    account_id: str
    email: str
    name: str


@dataclass(frozen=True)
class Status:
    """A status of the workflow; `category` is `new`, `indeterminate` or `done`."""

    id: str
    name: str
    category: str


@dataclass(frozen=True)
class Transition:
    """A move every issue may make to `to`, unless it is there already."""

    id: str
    name: str
    to: Status


TO_DO = Status("10000", "To Do", "new")
IN_PROGRESS = Status("10001", "In Progress", "indeterminate")
DONE = Status("10002", "Done", "done")
# The transitions of Jira's simplified workflow: global, one per status.
TRANSITIONS = (
    Transition("11", "To Do", TO_DO),
    Transition("21", "In Progress", IN_PROGRESS),
    Transition("31", "Done", DONE),
)
ISSUE_TYPES = {"10001": "Task", "10002": "Bug", "10003": "Story", "10004": "Epic"}
RESOLUTIONS = {"10000": "Done", "10001": "Won't Do", "10002": "Duplicate"}
PRIORITIES = {"1": "Highest", "2": "High", "3": "Medium", "4": "Low", "5": "Lowest"}


@dataclass(frozen=True)
class LinkType:
    """A type of link: what its source says of its destination is `outward`, the reverse `inward`."""

    id: str
    name: str
    inward: str
    outward: str


LINK_TYPES = (
    LinkType("10000", "Blocks", "is blocked by", "blocks"),
    LinkType("10001", "Cloners", "is cloned by", "clones"),
    LinkType("10002", "Duplicate", "is duplicated by", "duplicates"),
    LinkType("10003", "Relates", "relates to", "relates to"),
)


@dataclass(frozen=True)
class Attachment:
    """A file on an issue."""

    id: str
    filename: str
    author: Account
    created: datetime
    content: bytes
    media_type: str


@dataclass
class Comment:
    """A comment; the body is an Atlassian document."""

    id: str
    body: Document
    author: Account
    created: datetime
    updated: datetime
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One entry of the changelog: (field, old id, old text, new id, new text) each."""

    id: str
    author: Account
    created: datetime
    items: tuple[tuple[str, str | None, str | None, str | None, str | None], ...]
    metadata: Document | None = None


@dataclass
class JiraProject:
    """A project and who may see it."""

    id: str
    key: str
    name: str
    members: set[str] = field(default_factory=set)
    last_number: int = 0


@dataclass
class JiraIssue:
    """An issue with everything hanging on it."""

    id: str
    key: str
    project: JiraProject
    summary: str
    issue_type: str
    creator: Account
    created: datetime
    updated: datetime
    description: Document | None = None
    priority: str = "3"
    status: Status = TO_DO
    labels: list[str] = field(default_factory=list)
    reporter: Account | None = None
    assignee: Account | None = None
    duedate: str | None = None
    comments: list[Comment] = field(default_factory=list)
    changelog: list[Change] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)
    remote_links: dict[int, Document] = field(default_factory=dict)
    worklog: list[str] = field(default_factory=list)
    resolution: str | None = None
    attachments: list[Attachment] = field(default_factory=list)


@dataclass(frozen=True)
class IssueLink:
    """A link: `source` is what its type's `outward` is said of (`source` blocks `destination`)."""

    id: str
    type: LinkType
    source: JiraIssue
    destination: JiraIssue


@dataclass
class Site:
    """All state of the sandbox's Jira; every change is made while holding `clock.lock`.

    `index` is what search sees: copies taken some seconds of background work after each change. `screens` are the
    fields a transition shows, by its id, and whether each must be filled in; without one it takes no fields.
    """

    clock: Clock
    switches: Switches
    url: str = ""
    accounts: dict[str, Account] = field(default_factory=dict)
    secrets: dict[str, Account] = field(default_factory=dict)
    projects: dict[str, JiraProject] = field(default_factory=dict)
    issues: dict[str, JiraIssue] = field(default_factory=dict)
    index: dict[str, JiraIssue] = field(default_factory=dict)
    links: list[IssueLink] = field(default_factory=list)
    screens: dict[str, dict[str, bool]] = field(default_factory=dict)
    _numbers: dict[str, Iterator[int]] = field(default_factory=dict)

    def number(self, kind: str) -> str:
        """The next id of a kind; Jira starts at 10000."""
        return str(next(self._numbers.setdefault(kind, itertools.count(10_000))))

    def add_account(self, account_id: str, email: str, name: str, secret: str) -> Account:
        """Open an account with an API token."""
        account = Account(account_id, email, name)
        self.accounts[account_id] = account
        self.secrets[secret] = account
        return account

    def add_project(self, key: str, name: str, members: tuple[Account, ...]) -> JiraProject:
        """Make a project its members can see."""
        made = JiraProject(self.number("project"), key, name, {each.account_id for each in members})
        self.projects[key] = made
        return made

    def add_issue(self, project: JiraProject, summary: str, issue_type: str, creator: Account) -> JiraIssue:
        """Make an issue in the first status."""
        now = self.clock.now()
        project.last_number += 1
        key = f"{project.key}-{project.last_number}"
        made = JiraIssue(
            self.number("issue"), key, project, summary, issue_type, creator, now, now, reporter=creator
        )
        self.issues[made.id] = made
        self.touch(made)
        return made

    def find(self, name: str) -> JiraIssue | None:
        """The issue with this id or key."""
        upper = name.upper()
        return self.issues.get(name) or next(
            (each for each in self.issues.values() if each.key == upper), None
        )

    def touch(self, issue: JiraIssue) -> None:
        """Note that an issue changed: the index will see it later."""
        issue.updated = self.clock.now()
        self.clock.after(self.switches.search_lag, lambda: self.reindex(issue))

    def reindex(self, issue: JiraIssue) -> None:
        """Show search the issue as it is now."""
        self.index[issue.id] = copy.copy(issue)
        self.index[issue.id].labels = list(issue.labels)

    def move(
        self,
        issue: JiraIssue,
        transition: Transition,
        who: Account,
        *,
        resolution: str = "10000",
        metadata: Document | None = None,
    ) -> None:
        """Take a transition and note it in the changelog."""
        before, issue.status = issue.status, transition.to
        issue.resolution = resolution if transition.to.category == "done" else None
        moved = ("status", before.id, before.name, transition.to.id, transition.to.name)
        self.note_change(issue, who, moved, metadata=metadata)

    def note_change(
        self,
        issue: JiraIssue,
        who: Account,
        *items: tuple[str, str | None, str | None, str | None, str | None],
        metadata: Document | None = None,
    ) -> None:
        """Write a changelog entry and touch the issue."""
        kept = metadata if self.switches.history_metadata else None
        issue.changelog.append(Change(self.number("change"), who, self.clock.now(), items, kept))
        self.touch(issue)

    def comment(self, issue: JiraIssue, who: Account, body: Document) -> Comment:
        """Add a comment."""
        now = self.clock.now()
        made = Comment(self.number("comment"), body, who, now, now)
        issue.comments.append(made)
        self.touch(issue)
        return made

    def attach(
        self, issue: JiraIssue, who: Account, filename: str, content: bytes, media_type: str
    ) -> Attachment:
        """Put a file on an issue."""
        made = Attachment(self.number("attachment"), filename, who, self.clock.now(), content, media_type)
        issue.attachments.append(made)
        self.note_change(issue, who, ("Attachment", None, None, made.id, filename))
        return made

    def link(self, kind: LinkType, source: JiraIssue, destination: JiraIssue, who: Account) -> None:
        """Link two issues, once; both changelogs tell."""
        if any(
            (each.type, each.source, each.destination) == (kind, source, destination) for each in self.links
        ):
            return
        self.links.append(IssueLink(self.number("link"), kind, source, destination))
        for issue, other, said in ((source, destination, kind.outward), (destination, source, kind.inward)):
            told = f"This issue {said} {other.key}"
            self.note_change(issue, who, ("Link", None, None, other.key, told))
