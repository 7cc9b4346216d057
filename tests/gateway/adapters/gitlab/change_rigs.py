"""Rigs of the types that change issues, merge requests, refs and comments on GitLab."""

import base64
from collections.abc import Callable
from typing import Any

from gateway.core.vocabulary import ActionType as T
from gateway.sandbox.git.repository import Signature
from gateway.sandbox.gitlab.entities import Project
from tests.gateway.adapters.gitlab.rigs import (
    API,
    BY_GIT,
    PUSH,
    SandboxRig,
    World,
    commented,
    open_request,
)

ISSUE = f"{API}/issues/1"
SOMEBODY = Signature("Maya", "maya@test.invalid", "2026-06-20T08:00:00+00:00")
Count = Callable[[Project], int]


def rig(
    world: World, kind: T, params: dict[str, Any], write: tuple[str, str], count: Count, **aims: Any
) -> SandboxRig:
    """A rig of one action whose write is one request."""
    return SandboxRig(world.sandbox, world.target, world.act(kind, params, **aims), write, count)


def _issue_update(world: World) -> SandboxRig:
    params = {"title": "New", "labels": ("a", "b"), "priority": "High"}
    return rig(
        world, T.ISSUE_UPDATE, params, ("PUT", ISSUE), lambda p: int(p.issues[1].title == "New"), issue="1"
    )


def _issue_description(world: World) -> SandboxRig:
    return rig(
        world,
        T.ISSUE_UPDATE,
        {"description": "Seen again."},
        ("PUT", ISSUE),
        lambda p: int(p.issues[1].description.startswith("Seen again.")),
        issue="1",
    )


def _issue_assign(world: World) -> SandboxRig:
    params = {"assignee": "prn_checkout_owner"}
    return rig(world, T.ISSUE_ASSIGN, params, ("PUT", ISSUE), lambda p: len(p.issues[1].assignees), issue="1")


def _issue_link(world: World) -> SandboxRig:
    world.call("POST", "/issues", title="Another")
    params = {"issue": "2", "kind": "blocks"}
    return rig(world, T.ISSUE_LINK, params, ("POST", f"{ISSUE}/links"), lambda p: len(p.links), issue="1")


def _issue_close(world: World) -> SandboxRig:
    return rig(
        world, T.ISSUE_CLOSE, {}, ("PUT", ISSUE), lambda p: int(p.issues[1].state == "closed"), issue="1"
    )


def _issue_reopen(world: World) -> SandboxRig:
    world.call("PUT", "/issues/1", state_event="close")
    return rig(
        world, T.ISSUE_REOPEN, {}, ("PUT", ISSUE), lambda p: int(p.issues[1].state == "opened"), issue="1"
    )


def _issue_attach(world: World) -> SandboxRig:
    params = {"filename": "log.txt", "content_base64": base64.b64encode(b"a log\n").decode()}
    return rig(world, T.ISSUE_ATTACH, params, ("POST", f"{ISSUE}/notes"), commented(1, "issues"), issue="1")


def _commit_comment(world: World) -> SandboxRig:
    head = world.project().repository.head("main")
    write = ("POST", f"{API}/repository/commits/{head}/comments")
    return rig(world, T.COMMIT_COMMENT, {"body": "Seen."}, write, lambda p: len(p.commit_notes), commit=head)


def _request_update(world: World) -> SandboxRig:
    iid = open_request(world)
    params = {"title": "Better", "labels": ("a",), "draft": True}
    return rig(
        world,
        T.MERGE_REQUEST_UPDATE,
        params,
        ("PUT", f"{API}/merge_requests/{iid}"),
        lambda p: int(p.merge_requests[iid].title == "Draft: Better"),
        merge_request=iid,
    )


def _request_description(world: World) -> SandboxRig:
    iid = open_request(world)
    return rig(
        world,
        T.MERGE_REQUEST_UPDATE,
        {"description": "Why."},
        ("PUT", f"{API}/merge_requests/{iid}"),
        lambda p: int(p.merge_requests[iid].description.startswith("Why.")),
        merge_request=iid,
    )


def _request_close(world: World) -> SandboxRig:
    iid = open_request(world)
    return rig(
        world,
        T.MERGE_REQUEST_CLOSE,
        {},
        ("PUT", f"{API}/merge_requests/{iid}"),
        lambda p: int(p.merge_requests[iid].state == "closed"),
        merge_request=iid,
    )


def _request_reopen(world: World) -> SandboxRig:
    iid = open_request(world)
    world.call("PUT", f"/merge_requests/{iid}", state_event="close")
    return rig(
        world,
        T.MERGE_REQUEST_REOPEN,
        {},
        ("PUT", f"{API}/merge_requests/{iid}"),
        lambda p: int(p.merge_requests[iid].state == "opened"),
        merge_request=iid,
    )


def advance_main(world: World) -> str:
    """One more commit on main, behind everybody's back; returns it."""
    repository = world.project().repository
    old = repository.head("main") or ""
    new = repository.write_commit(f"{old}^{{tree}}", (old,), "More", SOMEBODY)
    repository.update("refs/heads/main", new, old)
    return new


def _request_rebase(world: World) -> SandboxRig:
    iid = open_request(world)
    head = world.project().merge_requests[iid].sha
    advance_main(world)
    world.sandbox.switches.rebase_looks = 1
    return rig(
        world,
        T.MERGE_REQUEST_REBASE,
        {},
        ("PUT", f"{API}/merge_requests/{iid}/rebase"),
        lambda p: int(p.repository.head("agent/new") != head),
        merge_request=iid,
    )


def _by_git(world: World, kind: T, params: dict[str, Any], count: Count, **aims: Any) -> SandboxRig:
    return SandboxRig(world.sandbox, world.target, world.act(kind, params, **aims), PUSH, count, **BY_GIT)


def _branch_delete(world: World) -> SandboxRig:
    world.branch_with_change("agent/new")
    return _by_git(
        world,
        T.BRANCH_DELETE,
        {},
        lambda p: int(p.repository.head("agent/new") is None),
        branch="agent/new",
    )


def _cherry_pick(world: World) -> SandboxRig:
    picked = world.branch_with_change("agent/new")
    main = world.project().repository.head("main")
    world.call("POST", "/repository/branches", branch="agent/onto", ref="main")
    return _by_git(
        world,
        T.COMMIT_CHERRY_PICK,
        {},
        lambda p: int(p.repository.head("agent/onto") != main),
        branch="agent/onto",
        commit=picked,
    )


def _tag_create(world: World) -> SandboxRig:
    return _by_git(
        world,
        T.TAG_CREATE,
        {"ref": "main"},
        lambda p: int(p.repository.resolve("refs/tags/v1") is not None),
        tag="v1",
    )


def tag_main(world: World, name: str = "v1") -> str:
    """A tag on main's head; returns the commit."""
    head = world.project().repository.head("main") or ""
    world.project().repository.update(f"refs/tags/{name}", head)
    return head


def _tag_delete(world: World) -> SandboxRig:
    tag_main(world)
    return _by_git(
        world, T.TAG_DELETE, {}, lambda p: int(p.repository.resolve("refs/tags/v1") is None), tag="v1"
    )


CHANGE_RIGS: dict[str, Callable[[World], SandboxRig]] = {
    "issue.update": _issue_update,
    "issue.update description": _issue_description,
    "issue.assign": _issue_assign,
    "issue.link": _issue_link,
    "issue.close": _issue_close,
    "issue.reopen": _issue_reopen,
    "issue.attach": _issue_attach,
    "commit.comment": _commit_comment,
    "merge_request.update": _request_update,
    "merge_request.update description": _request_description,
    "merge_request.close": _request_close,
    "merge_request.reopen": _request_reopen,
    "merge_request.rebase": _request_rebase,
}
REF_RIGS: dict[str, Callable[[World], SandboxRig]] = {
    "branch.delete": _branch_delete,
    "commit.cherry_pick": _cherry_pick,
    "tag.create": _tag_create,
    "tag.delete": _tag_delete,
}
