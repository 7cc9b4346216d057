"""From a report to work items: read, group, open what is new, note what is still there. Opening goes by the road.

The loop's own agent proposes each issue; policy, budgets and evidence apply to it as to any other agent.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from gateway.core.actions import Request
from gateway.core.errors import ConflictError
from gateway.core.listings import WorkItem
from gateway.core.outcomes import Performed
from gateway.loop import trivy
from gateway.loop.findings import Report
from gateway.loop.grouping import WorkItemPlan, plan
from gateway.loop.ports import Proposals, WorkItems


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes reports in. `new_trace` gives a fresh `trc_…` id for each new work item."""

    proposals: Proposals
    items: WorkItems
    new_trace: Callable[[], str]

    async def trivy(self, body: bytes, *, project: str, tracker: str, by: str) -> tuple[WorkItem, ...]:
        """Import a Trivy report on `project`; its work items, in the plan's order.

        Importing the same report again opens nothing twice. Raises `MalformedError` for a bad report.
        """
        return await self._take(body, trivy.read(body), project, tracker, by)

    async def _take(
        self, body: bytes, report: Report, project: str, tracker: str, by: str
    ) -> tuple[WorkItem, ...]:
        digest, count = hashlib.sha256(body).hexdigest(), len(report.findings)
        await self.items.received(report.tool, digest=digest, project=project, findings=count, by=by)
        return tuple([await self._item(planned, tracker) for planned in plan(report, project=project)])

    async def _item(self, planned: WorkItemPlan, tracker: str) -> WorkItem:
        item = await self.items.find(planned.key) or await self._opened(planned, tracker)
        await self.items.saw(planned.key, tuple(f.key for f in planned.findings))
        if item.issue is not None:
            return item
        issue = await self._issue(planned, tracker, item.trace)
        return await self.items.link(planned.key, issue) if issue else item

    async def _opened(self, planned: WorkItemPlan, tracker: str) -> WorkItem:
        return await self.items.open(
            planned.key,
            project=planned.project,
            tracker=tracker,
            title=planned.title,
            severity=planned.severity.value,
            trace=self.new_trace(),
            findings={f.key: f.model_dump(mode="json") for f in planned.findings},
        )

    async def _issue(self, planned: WorkItemPlan, tracker: str, trace: str) -> str | None:
        """The issue's key once it is there; None while policy holds or after it denied it.

        The key makes an import within a day find that same answer; a later one proposes afresh.
        """
        request = Request(
            type="issue.create",
            target={"system": "jira", "project": tracker},
            params={
                "title": planned.title,
                "description": planned.description,
                "labels": list(planned.labels),
            },
            intent=f"Open the work item: {planned.title}",
            trace=trace,
            idempotency_key=f"work-item-{planned.key}",
        )
        try:
            outcome = await self.proposals.propose(request)
        except ConflictError:
            # The findings read differently by now, and the earlier proposal has not opened its issue yet.
            return None
        return str(outcome.result["issue"]) if isinstance(outcome, Performed) else None
