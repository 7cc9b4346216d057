"""Making issues on Jira."""

from dataclasses import dataclass
from typing import Any, Final

from gateway.adapters.jira.adf import document
from gateway.adapters.jira.answers import Created, Found, Issue
from gateway.adapters.jira.operation import (
    PROPERTY,
    Access,
    bears,
    mark,
    needed,
    only,
    own_account,
    params_of,
    unmarked,
)
from gateway.adapters.jira.site import segment
from gateway.core.actions import Action
from gateway.core.errors import FactsMissingError
from gateway.core.params import IssueCreate
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.core.text import harmless
from gateway.ports import ActionRecord, Reconciliation

_PAGE: Final = 100
_MINUTE_MS: Final = 60_000
_SLACK_MIN: Final = 10


@dataclass(frozen=True, slots=True)
class CreateIssue:
    """`issue.create`: recognised by label and entity property among what our account created since it started."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Nothing to undo but the issue itself."""
        return Preparation(marker=self.access.marker(permit.action.id))

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Create it."""
        body = _issue_body(permit.action, preparation.marker)
        created = await self.access.site.post("/issue", body, Created)
        return self._result(created.key, created.id)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Search by creator and time, then read each: the search may lag behind, the issue itself does not."""
        account = await own_account(self.access)
        candidates = await self._candidates(record, account)
        issues = [
            await self.access.site.find(f"/issue/{segment(c.id)}", Issue, properties=PROPERTY)
            for c in candidates
        ]
        ours = [i for i in issues if i and _is_marked(i, preparation.marker)]
        return only([self._result(i.key, i.id) for i in ours], "issue")

    async def _candidates(self, record: ActionRecord, account: str) -> tuple[Created, ...]:
        project = needed(record.action.target.project, "project")
        passed_ms = max(0, self.access.site.clock.now_ms() - (record.started_ms or 0))
        minutes = passed_ms // _MINUTE_MS + _SLACK_MIN
        jql = f'project = "{project}" AND creator = "{account}" AND created >= "-{minutes}m"'
        found = await self.access.site.ask(
            "/search/jql", {"jql": jql, "maxResults": _PAGE, "fields": ["labels"]}, Found
        )
        if found.next_page_token:
            raise FactsMissingError("Too many issues were created in that time to look at each.")
        return found.issues

    def _result(self, key: str, issue_id: str) -> Performance:
        return Performance(result={"issue": key, "id": issue_id, "url": f"{self.access.browse}/browse/{key}"})


def _issue_body(action: Action, marker: str) -> dict[str, Any]:
    params = params_of(action, IssueCreate)
    fields: dict[str, Any] = {
        "project": {"key": needed(action.target.project, "project")},
        "issuetype": {"name": params.issue_type},
        "summary": harmless(params.title),
        "description": document(params.description),
        "labels": [*unmarked(params.labels), marker],
    }
    if params.priority:
        fields["priority"] = {"name": params.priority}
    return {"fields": fields, "properties": mark(marker)}


def _is_marked(issue: Issue, marker: str) -> bool:
    """By property or by label: people may remove one of them."""
    return marker in issue.fields.labels or bears(issue.properties.get(PROPERTY), marker)
