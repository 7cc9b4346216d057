"""Merge requests: open, read, change, approve, merge."""

from gateway.sandbox.gitlab import running_shapes, shapes
from gateway.sandbox.gitlab.call import FORBIDDEN, Call, Routes, refuse
from gateway.sandbox.gitlab.entities import MergeRequest, Project, Role
from gateway.sandbox.gitlab.merging import MergeWish, head_pipeline
from gateway.sandbox.gitlab.paging import page
from gateway.sandbox.gitlab.routes.issues import assign, change_item, in_order, meets
from gateway.sandbox.wire import Document, Reply, Route


def _basic(call: Call, project: Project, item: MergeRequest) -> Document:
    url, status = call.forge.url, call.workings.merging.detailed_status(project, item)
    conflicts = item.state == "opened" and call.workings.merging.conflicts(project, item)
    return shapes.item_start(item, url) | {
        "merged_by": shapes.user_or_none(item.merged_by, url),
        "merge_user": shapes.user_or_none(item.merged_by, url),
        "merged_at": shapes.stamp(item.merged_at),
        "target_branch": item.target_branch,
        "source_branch": item.source_branch,
        "reviewers": [shapes.user_basic(user, url) for user in item.reviewers],
        "source_project_id": project.id,
        "target_project_id": project.id,
        "draft": item.draft,
        "work_in_progress": item.draft,
        "merge_when_pipeline_succeeds": item.auto_merge_for is not None and item.state == "opened",
        "merge_status": "cannot_be_merged" if conflicts else "can_be_merged",
        "detailed_merge_status": status,
        "merge_after": None,
        "sha": item.sha,
        "merge_commit_sha": item.merge_commit_sha,
        "squash_commit_sha": item.squash_commit_sha,
        "should_remove_source_branch": None,
        "force_remove_source_branch": item.remove_source_branch,
        "prepared_at": shapes.stamp(item.created_at),
        "reference": f"!{item.iid}",
        "references": shapes.references(item, project, "!"),
        "web_url": f"{url}/{project.full_path}/-/merge_requests/{item.iid}",
        "squash": item.squash,
        "squash_on_merge": item.squash,
        "has_conflicts": conflicts,
        "blocking_discussions_resolved": True,
        "approvals_before_merge": None,
    }


def _full(call: Call, project: Project, item: MergeRequest) -> Document:
    url, run = call.forge.url, head_pipeline(project, item)
    changed = len(project.repository.diff(item.base_sha, item.sha)) if item.base_sha else 0
    return _basic(call, project, item) | {
        "subscribed": False,
        "changes_count": str(changed) if changed else None,
        "latest_build_started_at": shapes.stamp(run.started_at) if run else None,
        "latest_build_finished_at": shapes.stamp(run.finished_at) if run else None,
        "first_deployed_to_production_at": None,
        "pipeline": running_shapes.pipeline_basic(run, project, url) if run else None,
        "head_pipeline": running_shapes.pipeline(run, project, url) if run else None,
        "diff_refs": {"base_sha": item.base_sha, "head_sha": item.sha, "start_sha": item.start_sha},
        "merge_error": item.merge_error,
        "rebase_in_progress": item.rebase_looks > 0,
        "diverged_commits_count": 0,
        "first_contribution": False,
        "user": {"can_merge": project.may_merge(call.role(project), item.target_branch)},
    }


def create(call: Call) -> Reply:
    """POST …/merge_requests; 409 when one is open for the same branches."""
    project = call.project(Role.DEVELOPER)
    source, target, title = (call.required(name) for name in ("source_branch", "target_branch", "title"))
    call.title()
    head = project.repository.head(source)
    _check_branches(project, source, target, known=head is not None)
    now, number = call.forge.clock.now(), call.forge.number("merge_request")
    made = MergeRequest(
        number, len(project.merge_requests) + 1, project.id, title, "", call.user, now, now,
        labels=call.labels() or [], source_branch=source, target_branch=target,
        squash=call.flag("squash"), remove_source_branch=call.flag("remove_source_branch"),
    )  # fmt: skip
    project.merge_requests[made.iid] = made
    call.workings.activity.take_head(project, made, str(head))
    assign(call, made)
    made.description = call.workings.commands.obey(
        project, made, call.user, call.text("description") or ""
    ).text
    return Reply(201, _full(call, project, made))


def _check_branches(project: Project, source: str, target: str, *, known: bool) -> None:
    if source == target:
        raise refuse(409, ["You can't use same project/branch for source and target"])
    for existing in project.merge_requests.values():
        same = (existing.source_branch, existing.target_branch) == (source, target)
        if same and existing.state == "opened":
            sentence = f"Another open merge request already exists for this source branch: !{existing.iid}"
            raise refuse(409, [sentence])
    if not known:
        raise refuse(400, {"source_branch": ["does not exist"]})
    if project.repository.head(target) is None:
        raise refuse(400, {"target_branch": ["does not exist"]})


def get(call: Call) -> Reply:
    """GET …/merge_requests/:merge_request_iid."""
    project = call.project()
    item = call.merge_request(project)
    if call.flag("include_rebase_in_progress"):
        call.workings.rebasing.look(project, item)
    return Reply(200, _full(call, project, item))


def list_all(call: Call) -> Reply:
    """GET …/merge_requests (`state`, `source_branch`, `target_branch`, `author_id`, `labels`, `search` …)."""
    project, params = call.project(), call.params
    found = [
        item
        for item in project.merge_requests.values()
        if meets(call, item)
        and params.get("source_branch", item.source_branch) == item.source_branch
        and params.get("target_branch", item.target_branch) == item.target_branch
    ]
    return page(call, in_order(call, found), lambda item: _basic(call, project, item))


def update(call: Call) -> Reply:
    """PUT …/merge_requests/:merge_request_iid."""
    project = call.project(Role.DEVELOPER)
    item = call.merge_request(project)
    target = call.text("target_branch")
    if target and project.repository.head(target) is None:
        raise refuse(400, {"target_branch": ["does not exist"]})
    change_item(call, project, item)
    item.squash = call.flag("squash", default=item.squash)
    item.remove_source_branch = call.flag("remove_source_branch", default=item.remove_source_branch)
    if target and target != item.target_branch:
        told = f"changed target branch from `{item.target_branch}` to `{target}`"
        call.workings.activity.system_note(item, call.user, told)
        item.target_branch = target
        call.workings.activity.take_head(project, item, item.sha)
    return Reply(200, _full(call, project, item))


def diffs(call: Call) -> Reply:
    """GET …/diffs."""
    project = call.project()
    item = call.merge_request(project)
    return page(call, project.repository.diff(item.base_sha, item.sha), shapes.diff)


def changes(call: Call) -> Reply:
    """GET …/changes, which GitLab has deprecated in favour of diffs."""
    project = call.project()
    item = call.merge_request(project)
    found = [shapes.diff(each) for each in project.repository.diff(item.base_sha, item.sha)]
    return Reply(200, _full(call, project, item) | {"changes": found, "overflow": False})


def versions(call: Call) -> Reply:
    """GET …/versions: the sandbox keeps the newest."""
    project = call.project()
    item = call.merge_request(project)
    shape = {
        "id": item.id,
        "head_commit_sha": item.sha,
        "base_commit_sha": item.base_sha,
        "start_commit_sha": item.start_sha,
        "created_at": shapes.stamp(item.updated_at),
        "merge_request_id": item.id,
        "state": "collected",
        "real_size": str(len(project.repository.diff(item.base_sha, item.sha))),
    }
    return page(call, [shape], lambda document: document)


def commits(call: Call) -> Reply:
    """GET …/commits, newest first."""
    project = call.project()
    item = call.merge_request(project)
    found = project.repository.commits(item.sha, f"^{item.base_sha}")
    return page(call, found, lambda commit: shapes.commit(commit, project, call.forge.url))


def pipelines(call: Call) -> Reply:
    """GET …/pipelines: those of the source branch, newest first."""
    project = call.project()
    item = call.merge_request(project)
    found = [each for each in project.pipelines.values() if each.ref == item.source_branch][::-1]
    return page(call, found, lambda each: running_shapes.pipeline_basic(each, project, call.forge.url))


def _approvals(call: Call, item: MergeRequest) -> Document:
    names = [{"user": shapes.user_basic(user, call.forge.url)} for user in item.approved_by]
    return {
        "id": item.id,
        "iid": item.iid,
        "project_id": item.project_id,
        "title": item.title,
        "state": item.state,
        "merge_status": "can_be_merged",
        "approved": bool(names),
        "approvals_required": 0,
        "approvals_left": 0,
        "approved_by": names,
        "user_has_approved": call.user in item.approved_by,
        "user_can_approve": call.user != item.author and call.user not in item.approved_by,
    }


def approvals(call: Call) -> Reply:
    """GET …/approvals."""
    project = call.project()
    return Reply(200, _approvals(call, call.merge_request(project)))


def approve(call: Call) -> Reply:
    """POST …/approve with an optional `sha` (409 when it is not the head); 401 for those who may not."""
    project = call.project(Role.DEVELOPER)
    item = call.merge_request(project)
    _check_sha(call, item)
    if call.user in item.approved_by or call.user == item.author:
        raise refuse(401, "401 Unauthorized")
    item.approved_by.append(call.user)
    return Reply(201, _approvals(call, item))


def _check_sha(call: Call, item: MergeRequest) -> None:
    sha = call.text("sha")
    if sha is not None and sha != item.sha:
        raise refuse(409, f"SHA does not match HEAD of source branch: {item.sha}")


def merge(call: Call) -> Reply:
    """PUT …/merge: in GitLab's order 401 no right, 405 not mergeable, 422 conflict, 409 `sha` moved."""
    project = call.project(Role.DEVELOPER)
    item = call.merge_request(project)
    if not project.may_merge(call.role(project), item.target_branch):
        raise refuse(401, "401 Unauthorized")
    status = call.workings.merging.detailed_status(project, item)
    automatic = status == "ci_still_running" and (
        call.flag("auto_merge") or call.flag("merge_when_pipeline_succeeds")
    )
    if status == "conflict":
        raise refuse(422, "Branch cannot be merged")
    if status != "mergeable" and not automatic:
        raise refuse(405, "405 Method Not Allowed")
    _check_sha(call, item)
    if automatic:
        call.workings.merging.set_auto_merge(item, call.user, _wish(call, item))
    else:
        call.workings.merging.merge(project, item, call.user, _wish(call, item))
    return Reply(200, _full(call, project, item))


def _wish(call: Call, item: MergeRequest) -> MergeWish:
    return MergeWish(
        call.flag("squash", default=item.squash),
        call.flag("should_remove_source_branch", default=item.remove_source_branch),
        call.text("merge_commit_message"),
        call.text("squash_commit_message"),
    )


def rebase(call: Call) -> Reply:
    """PUT …/rebase: 202, and the work is done in the background."""
    project = call.project(Role.DEVELOPER)
    item = call.merge_request(project)
    if not project.may_push(call.role(project), item.source_branch):
        raise refuse(403, "Cannot push to source branch")
    if item.rebase_looks > 0:
        raise refuse(409, "Rebase already in progress")
    call.workings.rebasing.start(project, item, call.user)
    return Reply(202, {"rebase_in_progress": True})


def cancel_auto_merge(call: Call) -> Reply:
    """POST …/cancel_merge_when_pipeline_succeeds; 406 when nothing was set."""
    project = call.project(Role.DEVELOPER)
    item = call.merge_request(project)
    if not project.may_merge(call.role(project), item.target_branch):
        raise refuse(403, FORBIDDEN)
    if item.auto_merge_for is None:
        raise refuse(406, "406 Not Acceptable")
    item.auto_merge_for = None
    return Reply(201, _full(call, project, item))


_ONE = "projects/:id/merge_requests/:merge_request_iid"
ROUTES: Routes = (
    Route("POST", "projects/:id/merge_requests", create),
    Route("GET", "projects/:id/merge_requests", list_all),
    Route("GET", _ONE, get),
    Route("PUT", _ONE, update),
    Route("GET", f"{_ONE}/diffs", diffs),
    Route("GET", f"{_ONE}/changes", changes),
    Route("GET", f"{_ONE}/versions", versions),
    Route("GET", f"{_ONE}/commits", commits),
    Route("GET", f"{_ONE}/pipelines", pipelines),
    Route("GET", f"{_ONE}/approvals", approvals),
    Route("POST", f"{_ONE}/approve", approve),
    Route("PUT", f"{_ONE}/merge", merge),
    Route("PUT", f"{_ONE}/rebase", rebase),
    Route("POST", f"{_ONE}/cancel_merge_when_pipeline_succeeds", cancel_auto_merge),
)
