"""Moving issues through their workflow on Jira: `issue.transition`, `issue.close`, `issue.reopen`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gateway.adapters.jira.answers import Issue, Nothing, RemoteLink, Status, Transition, Transitions
from gateway.adapters.jira.changelog import find_change
from gateway.adapters.jira.operation import Access, history, issue_path, params_of
from gateway.adapters.jira.site import Site
from gateway.core.actions import Action
from gateway.core.errors import FactsMissingError, TargetError, TargetRefusedError
from gateway.core.params import IssueClose, IssueTransition
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.core.text import harmless
from gateway.core.vocabulary import ActionType
from gateway.ports import ActionRecord, Reconciliation

_Offered = tuple[Transition, ...]
_Choice = Callable[[Action, Status, _Offered], Transition]


@dataclass(frozen=True, slots=True)
class MoveIssue:
    """The types that move an issue: recognised in its changelog, by mark, or by account, time and status."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Find the transition that is meant; note the status the issue has."""
        action = permit.action
        issue = await self.access.site.get(issue_path(action), Issue, fields="status")
        offered = await offered_to(self.access.site, action)
        status = issue.fields.status or Status(name="")
        transition = choose(action, status, offered)
        check_screen(action, transition)
        before = {"status": status.name, "transition": transition.id, "to": transition.to.name}
        return Preparation(marker=self.access.marker(action.id), before=before)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Move it, then add the link."""
        action, before = permit.action, preparation.before
        given = _given(action)
        body: dict[str, Any] = {
            "transition": {"id": before["transition"]},
            "historyMetadata": history(preparation.marker),
            **({"fields": given} if given else {}),
        }
        await self.access.site.post(issue_path(action, "transitions"), body, Nothing)
        link = await self._link(action, preparation.marker)
        return Performance(result={"issue": action.target.issue, "status": before["to"], **link})

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look for our move to that status in the changelog."""
        wanted = preparation.before["to"]
        done = Performance(result={"issue": record.action.target.issue, "status": wanted})
        return await find_change(self.access, record, preparation.marker, {"status": wanted}, done)

    async def _link(self, action: Action, marker: str) -> dict[str, Any]:
        """Add the link. The move stands whatever becomes of it, so a failure is told, not raised."""
        params = action.params
        if not isinstance(params, IssueTransition) or params.link is None:
            return {}
        title = harmless(params.link_title or params.link)
        body = {"globalId": marker, "object": {"url": params.link, "title": title}}
        try:
            await self.access.site.post(issue_path(action, "remotelink"), body, RemoteLink)
        except TargetError as error:
            return {"link_failed": error.detail}
        return {"link": params.link}


async def offered_to(site: Site, action: Action) -> _Offered:
    """The transitions the issue can make now, with the fields of their screens."""
    path = issue_path(action, "transitions")
    return (await site.get(path, Transitions, expand="transitions.fields")).transitions


def choose(action: Action, status: Status, offered: _Offered) -> Transition:
    """The transition that is meant. Raises `TargetRefusedError` naming those there are."""
    return _CHOICES[action.type](action, status, offered)


def check_screen(action: Action, transition: Transition) -> None:
    """Refuse a transition whose screen wants what the action does not give, or has no place for what it gives.

    Raises `FactsMissingError`, not worth repeating unchanged.
    """
    given = _given(action)
    lacking = [
        f.name
        for key, f in transition.fields.items()
        if f.required and not f.has_default and key not in given
    ]
    if lacking:
        raise FactsMissingError(
            f"Moving the issue to {transition.to.name} wants {_listed(lacking)} filled in, which "
            f"{action.type.value} cannot; a person can in Jira.",
            retryable=False,
        )
    strange = [key for key in given if key not in transition.fields]
    if strange:
        raise FactsMissingError(
            f"Moving the issue to {transition.to.name} takes no {_listed(strange)}; leave it out.",
            retryable=False,
        )


def is_move(action: Action) -> bool:
    """Whether the action moves an issue through its workflow."""
    return action.type in _CHOICES


def _given(action: Action) -> dict[str, Any]:
    if isinstance(action.params, IssueClose) and action.params.resolution:
        return {"resolution": {"name": action.params.resolution}}
    return {}


def _to_status(action: Action, _status: Status, offered: _Offered) -> Transition:
    wanted = params_of(action, IssueTransition).to
    found = next((t for t in offered if t.to.name.casefold() == wanted.casefold()), None)
    if found is None:
        names = _listed({t.to.name for t in offered}) or "nothing"
        raise TargetRefusedError(f"From here the issue can be moved to {names}, not to {wanted}.")
    return found


def _closing(_action: Action, status: Status, offered: _Offered) -> Transition:
    if status.done:
        raise TargetRefusedError(f"The issue is closed already: it is {status.name}.")
    return _only_one([t for t in offered if t.to.done], "close")


def _reopening(_action: Action, status: Status, offered: _Offered) -> Transition:
    if not status.done:
        raise TargetRefusedError(f"The issue is not closed: it is {status.name}.")
    open_again = [t for t in offered if not t.to.done]
    to_do = [t for t in open_again if t.to.category.key == "new"]
    return _only_one(to_do or open_again, "reopen")


def _only_one(found: list[Transition], verb: str) -> Transition:
    if len({t.to.name for t in found}) == 1:
        return found[0]
    if not found:
        raise TargetRefusedError(f"The workflow offers no way to {verb} the issue from here.")
    names = _listed({t.to.name for t in found})
    raise TargetRefusedError(
        f"There are several ways to {verb} the issue: {names}. Propose issue.transition to one of them."
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


_CHOICES: dict[ActionType, _Choice] = {
    ActionType.ISSUE_TRANSITION: _to_status,
    ActionType.ISSUE_CLOSE: _closing,
    ActionType.ISSUE_REOPEN: _reopening,
}
