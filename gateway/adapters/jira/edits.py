"""Overwriting fields of Jira's issues: `issue.update`, `issue.assign`."""

from dataclasses import dataclass
from typing import Any, Final

from gateway.adapters.jira.adf import document, plain
from gateway.adapters.jira.answers import Assignable, Fields, Issue, Nothing
from gateway.adapters.jira.changelog import Expected, find_change
from gateway.adapters.jira.operation import (
    Access,
    history,
    issue_path,
    markers_of,
    params_of,
    unmarked,
)
from gateway.core.actions import Action
from gateway.core.digests import digest_of
from gateway.core.errors import FactsMissingError, TargetRefusedError
from gateway.core.params import IssueAssign, IssueUpdate
from gateway.core.permits import Permit
from gateway.core.redaction import redact_text
from gateway.core.steps import Performance, Preparation
from gateway.core.text import harmless
from gateway.ports import ActionRecord, Reconciliation

# Jira's name of each field of the params.
FIELDS: Final = {
    "title": "summary",
    "description": "description",
    "labels": "labels",
    "priority": "priority",
    "assignee": "assignee",
}


@dataclass(frozen=True, slots=True)
class UpdateIssue:
    """`issue.update`: recognised in the changelog, by mark, or by account, time and the fields it changed."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Note the old values. Raises `TargetRefusedError` when nothing would change."""
        action = permit.action
        params = params_of(action, IssueUpdate)
        fields = await _fields(self.access, action, params.given)
        changing = _changed(_wanted(params, fields), fields)
        if not changing:
            raise TargetRefusedError("The issue has these values already; nothing would change.")
        before = {"current": current(params.given, fields), "changing": changing}
        return Preparation(marker=self.access.marker(action.id), before=before)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Write the given fields in one request; the markers among the labels stay."""
        action = permit.action
        params = params_of(action, IssueUpdate)
        fields = await _labels_now(self.access, action) if params.labels is not None else Fields()
        body = {"fields": _wanted(params, fields), "historyMetadata": history(preparation.marker)}
        await self.access.site.put(issue_path(action), body, Nothing)
        return _edited(action, params.given)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look for our change of those fields in the changelog."""
        params = params_of(record.action, IssueUpdate)
        expected = _expected(params, preparation.before["changing"])
        done = _edited(record.action, params.given)
        return await find_change(self.access, record, preparation.marker, expected, done)


@dataclass(frozen=True, slots=True)
class AssignIssue:
    """`issue.assign`: recognised in the changelog, by mark, or by account, time and assignee."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Note who has it. Raises `TargetRefusedError` when that is who shall have it."""
        action = permit.action
        account = await assignee_of(self.access, action)
        fields = await _fields(self.access, action, ("assignee",))
        now = current(("assignee",), fields)["assignee"]
        if now == account:
            raise TargetRefusedError(f"The issue has {'that' if account else 'no'} assignee already.")
        before = {"assignee": now, "to": account}
        return Preparation(marker=self.access.marker(action.id), before=before)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Give it away, or take it back."""
        to = preparation.before["to"]
        body = {
            "fields": {"assignee": {"accountId": to} if to else None},
            "historyMetadata": history(preparation.marker),
        }
        await self.access.site.put(issue_path(permit.action), body, Nothing)
        return self._result(permit.action, preparation)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look for our change of the assignee in the changelog."""
        expected: Expected = {"assignee": preparation.before["to"] or ""}
        done = self._result(record.action, preparation)
        return await find_change(self.access, record, preparation.marker, expected, done)

    def _result(self, action: Action, preparation: Preparation) -> Performance:
        return Performance(result={"issue": action.target.issue, "assignee": preparation.before["to"]})


def overwritten(action: Action) -> tuple[str, ...]:
    """The fields of an issue that the action overwrites, by their names in the params."""
    match action.params:
        case IssueUpdate() as params:
            return params.given
        case IssueAssign():
            return ("assignee",)
        case _:
            return ()


def current(names: tuple[str, ...], fields: Fields) -> dict[str, Any]:
    """What these fields hold now, without secrets and without our markers."""
    return {name: _shown(name, fields) for name in names}


async def assignee_of(access: Access, action: Action) -> str | None:
    """The account id the issue shall be given to, or None for nobody.

    Raises `FactsMissingError` for somebody without an account, or to whom Jira assigns nothing there.
    """
    params = params_of(action, IssueAssign)
    if params.assignee is None:
        return None
    account = access.accounts.get(params.assignee, params.assignee)
    if account.startswith(("prn_", "agt_")):
        raise FactsMissingError(
            f"{account} has no account on Jira that the gateway knows; an operator can name it in jira.people.",
            retryable=False,
        )
    key = action.target.issue or ""
    found = await access.site.listed("/user/assignable/search", Assignable, issueKey=key, accountId=account)
    if account not in {user.account_id for user in found.items}:
        raise FactsMissingError(f"Jira assigns {key} to no such account as {account}.", retryable=False)
    return account


def _shown(name: str, fields: Fields) -> Any:
    match name:
        case "title":
            return redact_text(fields.summary or "", "title")[0]
        case "description":
            given = fields.description or {}
            return {"text": redact_text(plain(given), "description")[0], "sha256": digest_of(given)}
        case "labels":
            return sorted(redact_text(label, "labels")[0] for label in unmarked(fields.labels))
        case "priority":
            return fields.priority.name if fields.priority else None
        case _:
            return fields.assignee.account_id if fields.assignee else None


async def _fields(access: Access, action: Action, names: tuple[str, ...]) -> Fields:
    wanted = ",".join(FIELDS[name] for name in names)
    return (await access.site.get(issue_path(action), Issue, fields=wanted)).fields


async def _labels_now(access: Access, action: Action) -> Fields:
    """Read just before writing. Whoever cannot read has written nothing."""
    try:
        return await _fields(access, action, ("labels",))
    except FactsMissingError as error:
        raise TargetRefusedError(f"Nothing was written: {error.detail}", retryable=True) from None


def _wanted(params: IssueUpdate, fields: Fields) -> dict[str, Any]:
    """The body's fields; the markers that the issue bears are kept."""
    wanted: dict[str, Any] = {}
    if params.title is not None:
        wanted["summary"] = harmless(params.title)
    if params.description is not None:
        wanted["description"] = document(params.description)
    if params.labels is not None:
        wanted["labels"] = list(dict.fromkeys((*unmarked(params.labels), *markers_of(fields.labels))))
    if params.priority is not None:
        wanted["priority"] = {"name": params.priority}
    return wanted


def _changed(wanted: dict[str, Any], fields: Fields) -> list[str]:
    """Jira's names of the fields that the wanted values differ in, sorted."""
    now = {
        "summary": fields.summary,
        "description": fields.description,
        "labels": sorted(fields.labels),
        "priority": {"name": fields.priority.name} if fields.priority else None,
    }
    new = {name: sorted(value) if name == "labels" else value for name, value in wanted.items()}
    return sorted(name for name, value in new.items() if value != now[name])


def _expected(params: IssueUpdate, changing: list[str]) -> Expected:
    """What the changelog must show. Texts of documents have no one form there, and labels hold others' marks."""
    known = {"summary": harmless(params.title or ""), "priority": params.priority}
    return {name: known.get(name) for name in changing}


def _edited(action: Action, given: tuple[str, ...]) -> Performance:
    return Performance(result={"issue": action.target.issue, "fields": list(given)})
