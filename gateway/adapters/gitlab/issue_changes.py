"""Issues on GitLab whose fields are overwritten: recognised by the values, and by the traces GitLab keeps of who."""

import asyncio
from dataclasses import dataclass
from typing import Any

from gateway.adapters.gitlab.answers import Issue, User
from gateway.adapters.gitlab.forge import project_path
from gateway.adapters.gitlab.issues import issue_path
from gateway.adapters.gitlab.marks import marked
from gateway.adapters.gitlab.operation import (
    Access,
    params_of,
    performed,
    project_of,
    read_or_refuse,
)
from gateway.adapters.gitlab.values import (
    PRIORITY,
    has_trace,
    is_ours,
    issue_values,
    noted,
    noted_title,
    overwriting,
)
from gateway.core.actions import Action
from gateway.core.errors import TargetRefusedError
from gateway.core.params import IssueAssign, IssueUpdate
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.core.text import harmless
from gateway.ports import ActionRecord, Reconciliation


@dataclass(frozen=True, slots=True)
class UpdateIssue:
    """`issue.update`: a description carries the mark; without one GitLab's lines about the change must do."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Note the values that will be overwritten; refuse an update that changes nothing."""
        action, marker = permit.action, self.access.marker(permit.action.id)
        params = params_of(action, IssueUpdate)
        issue = await asyncio.to_thread(self.access.road.get, issue_path(action), Issue)
        current = issue_values(issue, params.given)
        if current == _wanted(params, ""):
            raise TargetRefusedError("The issue is like that already.")
        gone = [label for label in issue.labels if label.startswith(PRIORITY)]
        return Preparation(marker=marker, before={"current": current, "priorities": gone})

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Overwrite the fields that are given, and no others."""
        action, params = permit.action, params_of(permit.action, IssueUpdate)
        body = _body(params, preparation)
        issue = await asyncio.to_thread(self.access.road.put, issue_path(action), body, Issue)
        return performed(issue, issue=str(issue.iid), updated=list(params.given))

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Compare the fields, and look for our mark or trace."""
        return await asyncio.to_thread(self._look, record, preparation)

    def _look(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        action, params = record.action, params_of(record.action, IssueUpdate)
        issue = self.access.road.get(issue_path(action), Issue)
        described = params.description is not None
        traced = is_ours(
            self.access, issue_path(action), issue, record, preparation.marker, described=described
        )
        done = performed(issue, issue=str(issue.iid), updated=list(params.given))
        now, wanted = issue_values(issue, params.given), _wanted(params, preparation.marker)
        return overwriting(preparation.before["current"], wanted, now, done, traced=traced)


@dataclass(frozen=True, slots=True)
class AssignIssue:
    """`issue.assign`: recognised by who has it now, and GitLab's line about it."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Find the account; note who has the issue now."""
        action = permit.action
        issue = await asyncio.to_thread(self.access.road.get, issue_path(action), Issue)
        found = await asyncio.to_thread(self._account, action)
        current, wanted = issue_values(issue, ("assignee",)), [found.username] if found else []
        if current["assignee"] == wanted:
            raise TargetRefusedError("The issue is assigned like that already.")
        before = {"current": current, "wanted": wanted, "account": found.id if found else 0}
        return Preparation(marker=self.access.marker(action.id), before=before)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Assign it."""
        # GitLab reads an id of 0 as nobody (docs.gitlab.com/api/issues#edit-an-issue).
        body = {"assignee_ids": [preparation.before["account"]]}
        issue = await asyncio.to_thread(self.access.road.put, issue_path(permit.action), body, Issue)
        return _assigned(issue, preparation)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look who has it, and for our trace."""
        return await asyncio.to_thread(self._look, record, preparation)

    def _look(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        path = issue_path(record.action)
        issue = self.access.road.get(path, Issue)
        traced = has_trace(self.access, path, record.started_ms or 0)
        before, wanted = preparation.before["current"], {"assignee": preparation.before["wanted"]}
        now = issue_values(issue, ("assignee",))
        return overwriting(before, wanted, now, _assigned(issue, preparation), traced=traced)

    def _account(self, action: Action) -> User | None:
        """The member of the project that is meant, by user name or roster id; None to take the issue from everybody."""
        name = params_of(action, IssueAssign).assignee
        if name is None:
            return None
        path = project_path(project_of(action), "members", "all")
        members = read_or_refuse(lambda: self.access.road.list(path, User))
        found = [m for m in members if name in {m.username, self.access.people(m.username)}]
        if len(found) != 1:
            raise TargetRefusedError(f"{len(found)} members of the project are {name!r}; name a user name.")
        return found[0]


def _body(params: IssueUpdate, preparation: Preparation) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if params.title is not None:
        body["title"] = harmless(params.title)
    if params.description is not None:
        body["description"] = marked(params.description, preparation.marker)
    gone: list[str] = preparation.before["priorities"]
    named = [f"{PRIORITY}{params.priority.lower()}"] if params.priority else []
    if params.labels is not None:
        body["labels"] = ",".join((*params.labels, *(named or gone)))
    elif named:
        body |= {
            "add_labels": named[0],
            "remove_labels": ",".join(label for label in gone if label not in named),
        }
    return {name: value for name, value in body.items() if value or name != "remove_labels"}


def _wanted(params: IssueUpdate, marker: str) -> dict[str, Any]:
    """The values after the update, in the form `issue_values` has them."""
    text = params.description
    values = {
        "title": noted_title(harmless(params.title or "")),
        "description": None if text is None else noted(marked(text, marker) if marker else text),
        "labels": sorted(params.labels or ()),
        "priority": (params.priority or "").lower(),
    }
    return {name: values[name] for name in params.given}


def _assigned(issue: Issue, preparation: Preparation) -> Performance:
    return performed(issue, issue=str(issue.iid), assignee=preparation.before["wanted"])
