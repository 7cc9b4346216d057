"""Branches, commits, diffs, compare, trees, files and reverts: what the API shows of the repository."""

import base64
import hashlib

from gateway.sandbox.git.commits import Commit
from gateway.sandbox.git.repository import ZERO
from gateway.sandbox.gitlab import shapes
from gateway.sandbox.gitlab.call import Call, Routes, not_found, refuse
from gateway.sandbox.gitlab.entities import Project, Role
from gateway.sandbox.gitlab.paging import page
from gateway.sandbox.gitlab.reverting import reverted_tree
from gateway.sandbox.gitlab.running_shapes import pipeline_basic
from gateway.sandbox.wire import Document, Reply, Route


def _branch(call: Call, project: Project, name: str, head: str) -> Document:
    role, rule = call.role(project), project.protection(name)
    main = project.repository.head(project.default_branch) or head
    return {
        "name": name,
        "commit": shapes.commit(project.repository.commit(head), project, call.forge.url),
        "merged": name != project.default_branch and project.repository.is_ancestor(head, main),
        "protected": rule is not None,
        "developers_can_push": project.may_push(Role.DEVELOPER, name) and rule is not None,
        "developers_can_merge": project.may_merge(Role.DEVELOPER, name) and rule is not None,
        "can_push": project.may_push(role, name),
        "default": name == project.default_branch,
        "web_url": f"{call.forge.url}/{project.full_path}/-/tree/{name}",
    }


def list_branches(call: Call) -> Reply:
    """GET …/repository/branches."""
    project, search = call.project(), call.text("search") or ""
    found = sorted((name, head) for name, head in project.repository.branches().items() if search in name)
    return page(call, found, lambda pair: _branch(call, project, *pair))


def _head(project: Project, branch: str) -> str:
    head = project.repository.head(branch)
    if head is None:
        raise not_found("Branch")
    return head


def get_branch(call: Call) -> Reply:
    """GET …/repository/branches/:branch."""
    project, name = call.project(), call.path["branch"]
    return Reply(200, _branch(call, project, name, _head(project, name)))


def create_branch(call: Call) -> Reply:
    """POST …/repository/branches with `branch` and `ref`."""
    project = call.project(Role.DEVELOPER)
    name, ref = call.required("branch"), call.required("ref")
    if not project.may_push(call.role(project), name):
        raise refuse(403, "403 Forbidden")
    if not project.repository.succeeds("check-ref-format", "--branch", name):
        raise refuse(400, "Branch name is invalid")
    if project.repository.head(name):
        raise refuse(400, "Branch already exists")
    commit = project.repository.resolve(ref)
    if commit is None:
        raise refuse(400, "Invalid reference name: " + ref)
    project.repository.update(f"refs/heads/{name}", commit, ZERO)
    call.workings.activity.branch_moved(project, name, ZERO, commit, call.user)
    return Reply(201, _branch(call, project, name, commit))


def delete_branch(call: Call) -> Reply:
    """DELETE …/repository/branches/:branch; protected and default branches stay."""
    project, name = call.project(Role.DEVELOPER), call.path["branch"]
    old = _head(project, name)
    if name == project.default_branch:
        raise refuse(403, "The default branch of a project cannot be deleted.")
    if project.protection(name):
        raise refuse(
            403,
            "You are not allowed to delete protected branches from this project. Only a project maintainer or owner can delete a protected branch.",
        )
    project.repository.delete(f"refs/heads/{name}")
    call.workings.activity.branch_moved(project, name, old, ZERO, call.user)
    return Reply(204)


def list_commits(call: Call) -> Reply:
    """GET …/repository/commits (`ref_name`, `path`, `since`, `until`); GitLab gives no totals here."""
    project = call.project()
    ref = call.text("ref_name") or project.default_branch
    old, dots, new = ref.partition("..")
    ends = [project.repository.resolve(end) for end in ((old, new) if dots else (ref,))]
    known = [end for end in ends if end]
    if len(known) < len(ends):
        raise not_found("Commit")
    revisions = (known[1], f"^{known[0]}") if dots else (known[0],)
    path = call.text("path")
    limits = [f"--{name}={value}" for name in ("since", "until") if (value := call.text(name))]
    found = project.repository.commits(*limits, *revisions, paths=[path] if path else [])
    reply = page(call, found, lambda commit: shapes.commit(commit, project, call.forge.url))
    untold = ("X-Total", "X-Total-Pages")
    return Reply(
        200, reply.document, {name: value for name, value in reply.headers.items() if name not in untold}
    )


def _commit(call: Call, project: Project) -> Commit:
    sha = project.repository.resolve(call.path["sha"])
    if sha is None:
        raise not_found("Commit")
    return project.repository.commit(sha)


def get_commit(call: Call) -> Reply:
    """GET …/repository/commits/:sha."""
    project = call.project()
    commit = _commit(call, project)
    changed = project.repository.diff(_parent(project, commit), commit.id)
    lines = [line for file in changed for line in file.patch.splitlines()]
    added, gone = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    runs = [each for each in project.pipelines.values() if each.sha == commit.id]
    last = pipeline_basic(runs[-1], project, call.forge.url) if runs else None
    detail = {
        "stats": {"additions": added, "deletions": gone, "total": added + gone},
        "status": last["status"] if last else None,
        "project_id": project.id,
        "last_pipeline": last,
    }
    return Reply(200, shapes.commit(commit, project, call.forge.url) | detail)


def _parent(project: Project, commit: Commit) -> str:
    return commit.parents[0] if commit.parents else project.repository.empty_tree()


def commit_diff(call: Call) -> Reply:
    """GET …/repository/commits/:sha/diff."""
    project = call.project()
    commit = _commit(call, project)
    return page(call, project.repository.diff(_parent(project, commit), commit.id), shapes.diff)


def compare(call: Call) -> Reply:
    """GET …/repository/compare?from=&to=; from the merge base unless `straight`."""
    project, repository = call.project(), call.project().repository
    old, new = (repository.resolve(call.required(name)) for name in ("from", "to"))
    if old is None or new is None:
        raise not_found("Ref")
    base = old if call.flag("straight") else repository.merge_base(old, new) or old
    commits = [shapes.commit(each, project, call.forge.url) for each in repository.commits(new, f"^{old}")][
        ::-1
    ]
    document = {
        "commit": commits[-1] if commits else None,
        "commits": commits,
        "diffs": [shapes.diff(each) for each in repository.diff(base, new)],
        "compare_timeout": False,
        "compare_same_ref": old == new,
        "web_url": f"{call.forge.url}/{project.full_path}/-/compare/{old}...{new}",
    }
    return Reply(200, document)


def tree(call: Call) -> Reply:
    """GET …/repository/tree (`path`, `ref`, `recursive`)."""
    project = call.project()
    sha, path = _ref(call, project), (call.text("path") or "").strip("/")
    deep = ("-r", "-t") if call.flag("recursive") else ()
    kind = project.repository.run("ls-tree", "-z", *deep, "--full-tree", sha, *([f"{path}/"] if path else []))
    rows = [row.partition("\t") for row in kind.decode(errors="replace").split("\x00") if row]
    if not rows:
        raise not_found("invalid revision or path Tree" if path else "Tree")
    return page(call, rows, lambda row: _entry(row[0], row[2]))


def _entry(head: str, path: str) -> Document:
    mode, kind, sha = head.split(" ")
    return {"id": sha, "name": path.rpartition("/")[2], "type": kind, "path": path, "mode": mode}


def _ref(call: Call, project: Project) -> str:
    named = call.text("ref") or project.default_branch
    sha = project.repository.resolve(project.default_branch if named == "HEAD" else named)
    if sha is None:
        raise not_found("Commit" if "file_path" in call.path else "Tree")
    return sha


def _file(call: Call, project: Project) -> tuple[str, bytes]:
    sha = _ref(call, project)
    content = project.repository.blob(sha, call.path["file_path"])
    if content is None:
        raise not_found("File")
    return sha, content


def raw_file(call: Call) -> Reply:
    """GET …/repository/files/:file_path/raw."""
    _, content = _file(call, call.project())
    return Reply(200, content=content, media_type="text/plain")


def get_file(call: Call) -> Reply:
    """GET …/repository/files/:file_path."""
    project, path = call.project(), call.path["file_path"]
    sha, content = _file(call, project)
    document = {
        "file_name": path.rpartition("/")[2],
        "file_path": path,
        "size": len(content),
        "encoding": "base64",
        "content_sha256": hashlib.sha256(content).hexdigest(),
        "ref": call.text("ref") or project.default_branch,
        "blob_id": project.repository.line("rev-parse", f"{sha}:{path}"),
        "commit_id": sha,
        "last_commit_id": project.repository.commits(sha, limit=1, paths=[path])[0].id,
        "execute_filemode": False,
        "content": base64.b64encode(content).decode(),
    }
    return Reply(200, document)


def revert(call: Call) -> Reply:
    """POST …/repository/commits/:sha/revert with `branch`: 201 with the new commit; 400 on conflict."""
    project = call.project(Role.DEVELOPER)
    commit, branch = _commit(call, project), call.required("branch")
    head = _head(project, branch)
    if not project.may_push(call.role(project), branch):
        raise refuse(403, "403 Forbidden")
    tree_id = reverted_tree(project.repository, commit, head)
    if tree_id is None:
        sentence = "Sorry, we cannot revert this commit automatically. This commit may already have been reverted, or a more recent commit may have updated some of its content."
        raise refuse(400, sentence)
    if call.flag("dry_run"):
        return Reply(200, {"dry_run": "success"})
    message = f'Revert "{commit.title}"\n\nThis reverts commit {commit.id}'
    made = project.repository.write_commit(
        tree_id, (head,), message, call.workings.merging.signature(call.user)
    )
    project.repository.update(f"refs/heads/{branch}", made, head)
    call.workings.activity.branch_moved(project, branch, head, made, call.user)
    return Reply(201, shapes.commit(project.repository.commit(made), project, call.forge.url))


_AT = "projects/:id/repository"
ROUTES: Routes = (
    Route("GET", f"{_AT}/branches", list_branches),
    Route("POST", f"{_AT}/branches", create_branch),
    Route("GET", f"{_AT}/branches/:branch", get_branch),
    Route("DELETE", f"{_AT}/branches/:branch", delete_branch),
    Route("GET", f"{_AT}/commits", list_commits),
    Route("GET", f"{_AT}/commits/:sha", get_commit),
    Route("GET", f"{_AT}/commits/:sha/diff", commit_diff),
    Route("POST", f"{_AT}/commits/:sha/revert", revert),
    Route("GET", f"{_AT}/compare", compare),
    Route("GET", f"{_AT}/tree", tree),
    Route("GET", f"{_AT}/files/:file_path", get_file),
    Route("GET", f"{_AT}/files/:file_path/raw", raw_file),
)
