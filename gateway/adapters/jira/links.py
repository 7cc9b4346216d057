"""Links between Jira's issues: `issue.link`."""

from dataclasses import dataclass
from typing import Final

from gateway.adapters.jira.answers import Issue, Link, LinkTypes, Nothing
from gateway.adapters.jira.changelog import our_changes
from gateway.adapters.jira.operation import Access, issue_path, needed, params_of
from gateway.adapters.jira.site import segment
from gateway.core.actions import Action
from gateway.core.aims import linked
from gateway.core.errors import FactsMissingError, TargetRefusedError
from gateway.core.params import IssueLink, LinkKind
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.ports import ActionRecord, Reconciliation

# Each kind as a type every Jira site begins with, and whether the target is the link's source (its inward issue).
_TYPES: Final = {
    LinkKind.RELATES: ("Relates", True),
    LinkKind.BLOCKS: ("Blocks", True),
    LinkKind.BLOCKED_BY: ("Blocks", False),
    LinkKind.DUPLICATES: ("Duplicate", True),
}


@dataclass(frozen=True, slots=True)
class LinkIssues:
    """`issue.link`: recognised by the link that was not there before, and by our entry in the changelog."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Find the site's type of link; note the links there are. Raises `TargetRefusedError` for one that is there."""
        action = permit.action
        await check_other(self.access, action)
        name = await self._type(action)
        links = await self._links(action)
        if any(_is_it(link, name, action) for link in links):
            raise TargetRefusedError(f"The issues are linked so already ({name}).")
        before = {"type": name, "links": sorted(link.id for link in links)}
        return Preparation(marker=self.access.marker(action.id), before=before)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Link them."""
        action = permit.action
        other, here = {"key": _other(action)}, {"key": needed(action.target.issue, "issue")}
        _, is_source = _TYPES[params_of(action, IssueLink).kind]
        source, aim = (here, other) if is_source else (other, here)
        body = {"type": {"name": preparation.before["type"]}, "inwardIssue": source, "outwardIssue": aim}
        await self.access.site.post("/issueLink", body, Nothing)
        return self._result(action)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look whether the link came since, and whether the changelog says that it was us."""
        action, before = record.action, preparation.before
        links = await self._links(action)
        came = any(link.id not in before["links"] and _is_it(link, before["type"], action) for link in links)
        changes = await our_changes(self.access, record)
        ours = any(i.field == "Link" and i.to == _other(action) for h in changes for i in h.items)
        if ours:
            return Reconciliation(happened=True, performance=self._result(action))
        if came:
            return Reconciliation(
                happened=None, reason="The issues are linked so now, but nothing says that we did it."
            )
        return Reconciliation(happened=False, reason="The issues are not linked so.")

    async def _type(self, action: Action) -> str:
        wanted, _ = _TYPES[params_of(action, IssueLink).kind]
        known = (await self.access.site.get("/issueLinkType", LinkTypes)).types
        found = next((t.name for t in known if t.name.casefold() == wanted.casefold()), None)
        if found is None:
            names = ", ".join(sorted(t.name for t in known)) or "none"
            raise TargetRefusedError(f"This Jira has no type of link called {wanted}; it has {names}.")
        return found

    async def _links(self, action: Action) -> tuple[Link, ...]:
        return (await self.access.site.get(issue_path(action), Issue, fields="issuelinks")).fields.links

    def _result(self, action: Action) -> Performance:
        kind = params_of(action, IssueLink).kind.value
        return Performance(result={"issue": action.target.issue, "kind": kind, "other": _other(action)})


async def check_other(access: Access, action: Action) -> None:
    """Refuse an issue that has left its project: its old key still finds it, wherever it is now.

    Raises `FactsMissingError`.
    """
    asked = linked(action.target, params_of(action, IssueLink))
    found = await access.site.get(f"/issue/{segment(asked.issue or '')}", Issue, fields="project")
    project = found.fields.project.key if found.fields.project else ""
    if found.key != asked.issue or project != asked.project:
        raise FactsMissingError(
            f"{asked.issue} is no longer an issue of project {asked.project}; name it as it is now.",
            retryable=False,
        )


def _other(action: Action) -> str:
    return params_of(action, IssueLink).issue


def _is_it(link: Link, name: str, action: Action) -> bool:
    """Whether this is the link the action asks for, as the target shows it."""
    _, is_source = _TYPES[params_of(action, IssueLink).kind]
    ends = [link.outward if is_source else link.inward]
    if params_of(action, IssueLink).kind is LinkKind.RELATES:
        ends = [link.outward, link.inward]
    return link.type.name == name and any(end and end.key == _other(action) for end in ends)
