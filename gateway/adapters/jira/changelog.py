"""Finding our own change in an issue's changelog: by its mark, or by who, when and what where a site keeps no marks."""

from collections.abc import Mapping
from typing import Final

from gateway.adapters.jira.answers import History, Issue
from gateway.adapters.jira.operation import CLOCKS_APART_MS, Access, is_ours, issue_path, own_account
from gateway.core.errors import FactsMissingError
from gateway.core.steps import Performance
from gateway.ports import ActionRecord, Reconciliation

# What a field became: the id or the text that the changelog must show, or None for any value.
Expected = Mapping[str, str | None]
_UNORDERED: Final = "labels"


async def our_changes(access: Access, record: ActionRecord) -> list[History]:
    """What our account changed on the issue since the action started.

    Raises `FactsMissingError` when Jira shows only a part of that time.
    """
    account = await own_account(access)
    issue = await access.site.get(issue_path(record.action), Issue, fields="status", expand="changelog")
    shown = issue.changelog.histories
    since = ((record.started_ms or 0) - CLOCKS_APART_MS) / 1000
    if issue.changelog.total > len(shown) and all(h.created.timestamp() >= since for h in shown):
        raise FactsMissingError("The issue changed too often since then to look at each change.")
    return [h for h in shown if is_ours(h.author, account, h.created, record)]


async def find_change(
    access: Access, record: ActionRecord, marker: str, expected: Expected, performance: Performance
) -> Reconciliation:
    """Whether this action's change stands in the changelog.

    A change with our mark is the proof; one with another action's mark is not ours. Without marks, exactly one
    change that fits proves it, two prove nothing.
    """
    changes = await our_changes(access, record)
    if any(_marker(change) == marker for change in changes):
        return Reconciliation(happened=True, performance=performance)
    fitting = [change for change in changes if _marker(change) is None and _fits(change, expected)]
    if len(fitting) == 1:
        return Reconciliation(happened=True, performance=performance)
    if fitting:
        return Reconciliation(
            happened=None, reason=f"{len(fitting)} changes of ours in that time look like it; look at them."
        )
    wanted = ", ".join(sorted(expected))
    return Reconciliation(happened=False, reason=f"Nothing in the changelog says that we changed {wanted}.")


def _marker(change: History) -> str | None:
    return change.metadata.extra.get("marker") if change.metadata else None


def _fits(change: History, expected: Expected) -> bool:
    became = {item.field: (item.to, item.to_string) for item in change.items}
    return expected.keys() <= became.keys() and all(
        wanted is None or _same(field, wanted, became[field]) for field, wanted in expected.items()
    )


def _same(field: str, wanted: str, became: tuple[str | None, str | None]) -> bool:
    if field == _UNORDERED:
        return sorted(wanted.split()) == sorted((became[1] or "").split())
    return wanted in (became[0] or "", became[1] or "")
