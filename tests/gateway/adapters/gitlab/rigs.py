"""The real GitLab target in front of the sandbox, one rig per action type."""

import hashlib
import hmac
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from gateway.adapters.egress import Egress
from gateway.adapters.gitlab.forge import Forge
from gateway.adapters.gitlab.target import GitLabTarget
from gateway.core.actions import Action
from gateway.core.vocabulary import ActionType as T
from gateway.ports import Repository
from gateway.sandbox.gitlab.entities import Project
from gateway.sandbox.server import Sandbox
from gateway.sandbox.switches import Fault
from tests.contracts.validate import validate_request
from tests.fakes.permits import action_of

PROJECT = "shop/checkout"
API = "/api/v4/projects/shop/checkout"
KEY = b"a key for tests"
_GIT_ENV = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
PEOPLE = {"maya": "prn_checkout_owner"}


def marker_of(text: str) -> str:
    """`lg-` + HMAC, as the gateway makes it."""
    return "lg-" + hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class SandboxClock:
    """The gateway's clock agrees with the vendors'."""

    sandbox: Sandbox

    def now_ms(self) -> int:
        return int(self.sandbox.clock.now().timestamp() * 1000)


def contract_kept(answer: requests.Response, *_: Any, **__: Any) -> None:
    """Fail the test when a request of ours is not one that GitLab documents."""
    sent = answer.request
    # A form is streamed: by now it has been read.
    streamed = hasattr(sent.body, "read")
    body = None if streamed else sent.body.encode() if isinstance(sent.body, str) else sent.body
    assert body is None or isinstance(body, bytes)
    headers = {str(name): str(value) for name, value in sent.headers.items()}
    validate_request("gitlab", sent.method or "", sent.url or "", headers, body)


def egress_of(sandbox: Sandbox) -> Egress:
    """Egress to the sandbox only."""
    hosts = tuple(url.removeprefix("http://") for url in (sandbox.gitlab_url, sandbox.jira_url))
    return Egress(loopback=hosts, timeout_s=10)


def forge_of(sandbox: Sandbox, session: requests.Session, username: str, token: str) -> Forge:
    """The sandbox's GitLab as one identity."""
    return Forge(sandbox.gitlab_url, username, lambda: token, session, SandboxClock(sandbox))


def target_of(sandbox: Sandbox, session: requests.Session, repository: Repository) -> GitLabTarget:
    """The target under test."""
    return GitLabTarget(
        forge_of(sandbox, session, "loopgate-road", sandbox.tokens.road),
        forge_of(sandbox, session, "loopgate-merge", sandbox.tokens.merge),
        repository,
        clock=SandboxClock(sandbox),
        marker=marker_of,
        people=PEOPLE.get,
    )


@dataclass
class SandboxRig:
    """One action type; `write` and `read` are the requests that faults spoil: (method, decoded path).

    `refused_at` and `reply_of` are others, where the write as a whole is refused or its last reply is lost.
    """

    sandbox: Sandbox
    target: GitLabTarget
    action: Action
    write: tuple[str, str]
    count: Callable[[Project], int]
    read: tuple[str, str] = ("GET", API)
    refusal: str = "403 sandbox fault"
    refused_at: tuple[str, str] | None = None
    reply_of: tuple[str, str] | None = None

    def effects(self) -> int:
        project = self.sandbox.forge.project_at(PROJECT)
        assert project is not None
        return self.count(project)

    def settle(self) -> None:
        self.sandbox.clock.advance(60)

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
        method, path = self._place(fault)
        self.sandbox.switches.add(Fault(**kinds[fault], system="gitlab", method=method, path=path))

    def _place(self, fault: str) -> tuple[str, str]:
        if fault.endswith("_read"):
            return self.read
        special = {"refuse": self.refused_at, "lose_reply": self.reply_of}
        return special.get(fault) or self.write


@dataclass(frozen=True)
class World:
    """The sandbox and the target in front of it."""

    sandbox: Sandbox
    target: GitLabTarget
    session: requests.Session
    scratch: Path

    def act(self, kind: T, params: dict[str, Any], **aims: Any) -> Action:
        """An action of this moment."""
        return action_of(
            kind, params=params, now_ms=SandboxClock(self.sandbox).now_ms(), project=PROJECT, **aims
        )

    def project(self) -> Project:
        """The sandbox's own record of the project."""
        project = self.sandbox.forge.project_at(PROJECT)
        assert project is not None
        return project

    def call(self, method: str, path: str, token: str | None = None, **body: Any) -> Any:
        """Ask the sandbox directly, as maya unless another token is given."""
        answer = self.session.request(
            method,
            f"{self.sandbox.gitlab_url}{API.replace('shop/checkout', 'shop%2Fcheckout')}{path}",
            json=body,
            headers={"PRIVATE-TOKEN": token or self.sandbox.tokens.maya},
        )
        assert answer.status_code < 300, answer.text
        return answer.json()

    def branch_with_change(
        self,
        branch: str,
        path: str = "src/new.js",
        message: str = "Add a file",
        *,
        content: str | None = None,
    ) -> str:
        """A branch with one commit on top of main, pushed by the road identity; returns its head."""
        folder = self.scratch / branch.replace("/", "-")
        url = self.sandbox.gitlab_url.replace("http://", f"http://road:{self.sandbox.tokens.road}@")
        _git("clone", "-q", f"{url}/{PROJECT}.git", str(folder))
        # two branches made within one second would otherwise carry the very same commit
        (folder / path).write_text(content or f"export const branch = {branch!r};\n")
        return self._commit_and_push(folder, branch, message)

    def push_more(self, branch: str) -> str:
        """One more commit on a branch that `branch_with_change` made; returns the new head."""
        folder = self.scratch / branch.replace("/", "-")
        _git("-C", str(folder), "fetch", "-q", "origin", branch)
        _git("-C", str(folder), "reset", "-q", "--hard", "FETCH_HEAD")
        (folder / "more.txt").write_text("more\n")
        return self._commit_and_push(folder, branch, "More")

    @staticmethod
    def _commit_and_push(folder: Path, branch: str, message: str) -> str:
        _git("-C", str(folder), "add", "-A")
        _git(
            "-C",
            str(folder),
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@test.invalid",
            "commit",
            "-qm",
            message,
        )
        _git("-C", str(folder), "push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return _git("-C", str(folder), "rev-parse", "HEAD").strip()


def _git(*argv: str) -> str:
    done = subprocess.run(["git", *argv], capture_output=True, check=False, env=_GIT_ENV)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


PUSH = ("POST", "/shop/checkout.git/git-receive-pack")
# Git asks before it sends, and only then can be told no; its words name the status.
BY_GIT: dict[str, Any] = {"refused_at": ("GET", "/shop/checkout.git/info/refs"), "refusal": "403"}


def _heads(branch: str) -> Callable[[Project], int]:
    return lambda p: int(p.repository.resolve(f"refs/heads/{branch}") is not None)


def commented(iid: int, kind: str) -> Callable[[Project], int]:
    """How many comments people and we have left there."""
    return lambda p: sum(1 for n in getattr(p, kind)[iid].notes if not n.system)


def _issue_create(world: World) -> SandboxRig:
    action = world.act(
        T.ISSUE_CREATE, {"title": "A finding", "description": "Some *text*", "labels": ("bug",)}
    )
    return SandboxRig(
        world.sandbox, world.target, action, ("POST", f"{API}/issues"), lambda p: len(p.issues) - 1
    )


def _issue_comment(world: World) -> SandboxRig:
    action = world.act(T.ISSUE_COMMENT, {"body": "Seen it"}, issue="1")
    write = ("POST", f"{API}/issues/1/notes")
    return SandboxRig(world.sandbox, world.target, action, write, commented(1, "issues"))


def _issue_transition(world: World) -> SandboxRig:
    action = world.act(T.ISSUE_TRANSITION, {"to": "closed"}, issue="1")
    closed: Callable[[Project], int] = lambda p: int(p.issues[1].state == "closed")  # noqa: E731 - a count in a table
    return SandboxRig(world.sandbox, world.target, action, ("PUT", f"{API}/issues/1"), closed)


def _merge_request_open(world: World) -> SandboxRig:
    world.branch_with_change("agent/new")
    params = {"source": "agent/new", "target": "main", "title": "Add a file", "description": "Because"}
    action = world.act(T.MERGE_REQUEST_OPEN, params)
    write = ("POST", f"{API}/merge_requests")
    return SandboxRig(world.sandbox, world.target, action, write, lambda p: len(p.merge_requests))


def _merge_request_comment(world: World) -> SandboxRig:
    iid = open_request(world)
    action = world.act(T.MERGE_REQUEST_COMMENT, {"body": "Looks right"}, merge_request=iid)
    write = ("POST", f"{API}/merge_requests/{iid}/notes")
    return SandboxRig(world.sandbox, world.target, action, write, commented(iid, "merge_requests"))


def _merge_request_merge(world: World) -> SandboxRig:
    iid = open_request(world)
    head = world.project().merge_requests[iid].sha
    world.sandbox.clock.advance(120)
    action = world.act(T.MERGE_REQUEST_MERGE, {"expected_head": head}, merge_request=iid)
    merged: Callable[[Project], int] = lambda p: int(p.merge_requests[iid].state == "merged")  # noqa: E731 - same
    return SandboxRig(
        world.sandbox, world.target, action, ("PUT", f"{API}/merge_requests/{iid}/merge"), merged
    )


def _redeploy(world: World) -> SandboxRig:
    first = min(world.project().deployments)
    action = world.act(T.DEPLOYMENT_ROLLBACK, {"to": str(first)}, environment="production")
    write = ("POST", f"{API}/jobs/[0-9]+/retry")
    return SandboxRig(world.sandbox, world.target, action, write, lambda p: len(p.deployments) - 2)


def _branch_create(world: World) -> SandboxRig:
    action = world.act(T.BRANCH_CREATE, {}, branch="agent/fresh")
    write = ("POST", f"{API}/repository/branches")
    return SandboxRig(world.sandbox, world.target, action, write, _heads("agent/fresh"))


def _commit_create(world: World) -> SandboxRig:
    changes = ({"op": "create", "path": "src/made.js", "content": "export {}\n"},)
    action = world.act(T.COMMIT_CREATE, {"message": "Add a file", "changes": changes}, branch="agent/made")
    return SandboxRig(world.sandbox, world.target, action, PUSH, _heads("agent/made"), **BY_GIT)


def _commit_revert(world: World) -> SandboxRig:
    head = world.branch_with_change("agent/new")
    action = world.act(T.COMMIT_REVERT, {}, branch="agent/new", commit=head)
    moved: Callable[[Project], int] = lambda p: int(p.repository.resolve("refs/heads/agent/new") != head)  # noqa: E731 - same
    return SandboxRig(world.sandbox, world.target, action, PUSH, moved, **BY_GIT)


def _rollback_by_revert(world: World) -> SandboxRig:
    first = min(world.project().deployments)
    params = {"to": str(first), "method": "revert"}
    action = world.act(T.DEPLOYMENT_ROLLBACK, params, environment="production")
    return SandboxRig(
        world.sandbox,
        world.target,
        action,
        PUSH,
        lambda p: len(p.merge_requests),
        reply_of=("POST", f"{API}/merge_requests"),
        **BY_GIT,
    )


def open_request(world: World, branch: str = "agent/new", **more: Any) -> int:
    """A merge request opened directly by maya; returns its iid."""
    world.branch_with_change(branch)
    body = {"source_branch": branch, "target_branch": "main", "title": "Add a file", **more}
    return int(world.call("POST", "/merge_requests", **body)["iid"])


API_RIGS: dict[str, Callable[[World], SandboxRig]] = {
    "issue.create": _issue_create,
    "issue.comment": _issue_comment,
    "issue.transition": _issue_transition,
    "branch.create": _branch_create,
    "merge_request.open": _merge_request_open,
    "merge_request.comment": _merge_request_comment,
    "merge_request.merge": _merge_request_merge,
    "deployment.rollback redeploy": _redeploy,
}

GIT_RIGS: dict[str, Callable[[World], SandboxRig]] = {
    "commit.create": _commit_create,
    "commit.revert": _commit_revert,
    "deployment.rollback revert": _rollback_by_revert,
}
