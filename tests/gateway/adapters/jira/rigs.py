"""The real Jira target in front of the sandbox, one rig per action type."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2

from gateway.adapters.jira.site import Site
from gateway.adapters.jira.target import JiraTarget
from gateway.core.actions import Action
from gateway.core.vocabulary import ActionType as T
from gateway.core.vocabulary import System
from gateway.sandbox.jira.site import DONE, JiraIssue
from gateway.sandbox.server import Sandbox
from gateway.sandbox.switches import Fault
from tests.contracts.validate import validate_request
from tests.fakes.permits import action_of
from tests.gateway.adapters.gitlab.rigs import SandboxClock, marker_of

API = "/rest/api/3"
KEY = "SHOP-1"
MAYA = "prn_maya"


@dataclass(frozen=True)
class World:
    """The sandbox and the target in front of it."""

    sandbox: Sandbox
    target: JiraTarget
    http: httpx2.AsyncClient

    def act(self, kind: T, params: dict[str, Any], *, project: str = "SHOP", **aims: Any) -> Action:
        """An action of this moment."""
        now_ms = SandboxClock(self.sandbox).now_ms()
        return action_of(kind, system=System.JIRA, params=params, now_ms=now_ms, project=project, **aims)

    def issue(self, key: str = KEY) -> JiraIssue:
        """The sandbox's own record of an issue."""
        issue = self.sandbox.site.find(key)
        assert issue is not None
        return issue

    def another(self, project: str = "SHOP") -> JiraIssue:
        """One more issue, by somebody else."""
        site = self.sandbox.site
        issue = site.add_issue(site.projects[project], "Another", "10001", site.accounts["account-maya"])
        site.reindex(issue)
        return issue


async def contract_kept(sent: httpx2.Request) -> None:
    """Fail the test when a request of ours is not one that Jira documents."""
    validate_request("jira", sent.method, str(sent.url), dict(sent.headers), await sent.aread() or None)


def target_of(sandbox: Sandbox, http: httpx2.AsyncClient) -> JiraTarget:
    """The target under test."""
    tokens = sandbox.tokens
    site = Site(http, tokens.jira_email, lambda: tokens.jira, SandboxClock(sandbox))
    return JiraTarget(site, marker=marker_of, browse=sandbox.jira_url, accounts={MAYA: "account-maya"})


@dataclass
class JiraRig:
    """One action type; `write` is the request that faults spoil: (method, decoded path)."""

    world: World
    action: Action
    write: tuple[str, str]
    count: Callable[[Sandbox], int]
    read: tuple[str, str] = ("GET", f"{API}/project/SHOP")
    refusal: str = "403 sandbox fault"

    @property
    def target(self) -> JiraTarget:
        return self.world.target

    def effects(self) -> int:
        return self.count(self.world.sandbox)

    def settle(self) -> None:
        self.world.sandbox.clock.advance(300)

    def switch(self, fault: str) -> None:
        kinds: dict[str, dict[str, Any]] = {
            "lose_reply": {"kind": "lose_reply"},
            "lose_request": {"kind": "refuse_connection"},
            "refuse": {"kind": "status", "status": 403},
            "rate_limit_write": {"kind": "status", "status": 429},
            "rate_limit_read": {"kind": "status", "status": 429, "headers": {"Retry-After": "7"}},
            "garbage_write": {"kind": "garbage"},
            "garbage_read": {"kind": "garbage"},
        }
        method, path = self.read if fault.endswith("_read") else self.write
        self.world.sandbox.switches.add(Fault(**kinds[fault], system="jira", method=method, path=path))


def _created(sandbox: Sandbox) -> int:
    return sum(1 for issue in sandbox.site.issues.values() if issue.project.key == "SHOP") - 1


def _create(world: World) -> JiraRig:
    params = {"title": "A finding", "description": "Some **text**\n\n- one\n- two", "labels": ("security",)}
    action = world.act(T.ISSUE_CREATE, params)
    return JiraRig(world, action, ("POST", f"{API}/issue"), _created)


def _comment(world: World) -> JiraRig:
    action = world.act(T.ISSUE_COMMENT, {"body": "Seen it"}, issue=KEY)
    return JiraRig(
        world, action, ("POST", f"{API}/issue/{KEY}/comment"), lambda _: len(world.issue().comments)
    )


def _transition(world: World) -> JiraRig:
    params = {"to": "in progress", "link": "https://gitlab.test/shop/checkout/-/merge_requests/1"}
    action = world.act(T.ISSUE_TRANSITION, params, issue=KEY)
    write = ("POST", f"{API}/issue/{KEY}/transitions")
    return JiraRig(world, action, write, lambda _: int(world.issue().status.name == "In Progress"))


def _update(world: World) -> JiraRig:
    params = {
        "title": "Vouchers work again",
        "description": "See **below**",
        "labels": ("paid",),
        "priority": "High",
    }
    action = world.act(T.ISSUE_UPDATE, params, issue=KEY)
    write = ("PUT", f"{API}/issue/{KEY}")
    return JiraRig(world, action, write, lambda _: int(world.issue().summary == "Vouchers work again"))


def _assign(world: World) -> JiraRig:
    action = world.act(T.ISSUE_ASSIGN, {"assignee": MAYA}, issue=KEY)
    write = ("PUT", f"{API}/issue/{KEY}")
    return JiraRig(world, action, write, lambda _: int(world.issue().assignee is not None))


def _link(world: World) -> JiraRig:
    world.another()
    action = world.act(T.ISSUE_LINK, {"issue": "SHOP-2", "kind": "blocked_by"}, issue=KEY)
    return JiraRig(world, action, ("POST", f"{API}/issueLink"), lambda sandbox: len(sandbox.site.links))


def _close(world: World) -> JiraRig:
    action = world.act(T.ISSUE_CLOSE, {}, issue=KEY)
    write = ("POST", f"{API}/issue/{KEY}/transitions")
    return JiraRig(world, action, write, lambda _: int(world.issue().status.name == "Done"))


def _reopen(world: World) -> JiraRig:
    world.issue().status = DONE
    action = world.act(T.ISSUE_REOPEN, {}, issue=KEY)
    write = ("POST", f"{API}/issue/{KEY}/transitions")
    return JiraRig(world, action, write, lambda _: int(world.issue().status.name == "To Do"))


def _attach(world: World) -> JiraRig:
    content = base64.b64encode(b"one\ntwo\n").decode()
    action = world.act(T.ISSUE_ATTACH, {"filename": "scan.log", "content_base64": content}, issue=KEY)
    write = ("POST", f"{API}/issue/{KEY}/attachments")
    return JiraRig(world, action, write, lambda _: len(world.issue().attachments))


RIGS: dict[str, Callable[[World], JiraRig]] = {
    "issue.create": _create,
    "issue.comment": _comment,
    "issue.update": _update,
    "issue.transition": _transition,
    "issue.assign": _assign,
    "issue.link": _link,
    "issue.close": _close,
    "issue.reopen": _reopen,
    "issue.attach": _attach,
}
