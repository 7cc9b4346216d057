"""Files on Jira's issues: `issue.attach`."""

import base64
from dataclasses import dataclass

from gateway.adapters.jira.answers import Attached, Attachment, Issue
from gateway.adapters.jira.operation import Access, is_ours, issue_path, own_account, params_of
from gateway.core.actions import Action
from gateway.core.params import IssueAttach
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.ports import ActionRecord, Reconciliation


@dataclass(frozen=True, slots=True)
class AttachFile:
    """`issue.attach`: recognised by account, time, name and size among the files that were not there before."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Note the files there are."""
        files = await self._files(permit.action)
        before = {"attachments": sorted(file.id for file in files)}
        return Preparation(marker=self.access.marker(permit.action.id), before=before)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:  # noqa: ARG002 - the port's form; Jira keeps no mark on a file
        """Attach it."""
        params = params_of(permit.action, IssueAttach)
        path = issue_path(permit.action, "attachments")
        made = await self.access.site.upload(
            path, params.filename, _content(params), params.content_type, Attached
        )
        return self._result(permit.action, made.items[0])

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look for our file among those that came since."""
        account = await own_account(self.access)
        known, params = preparation.before["attachments"], params_of(record.action, IssueAttach)
        size = len(_content(params))
        fitting = [
            file
            for file in await self._files(record.action)
            if file.id not in known
            and (file.filename, file.size) == (params.filename, size)
            and is_ours(file.author, account, file.created, record)
        ]
        if len(fitting) > 1:
            reason = f"{len(fitting)} files of ours came in that time under this name; look at them."
            return Reconciliation(happened=None, reason=reason)
        if not fitting:
            return Reconciliation(happened=False, reason="No such file of ours is on the issue.")
        return Reconciliation(happened=True, performance=self._result(record.action, fitting[0]))

    async def _files(self, action: Action) -> tuple[Attachment, ...]:
        return (await self.access.site.get(issue_path(action), Issue, fields="attachment")).fields.attachment

    def _result(self, action: Action, file: Attachment) -> Performance:
        return Performance(
            result={"issue": action.target.issue, "attachment": file.id, "filename": file.filename}
        )


def _content(params: IssueAttach) -> bytes:
    return base64.b64decode(params.content_base64)
