"""GitLab's JSON for accounts, projects, issues, notes, commits and diffs."""

from datetime import UTC, datetime

from gateway.sandbox.git.commits import Commit, FileDiff
from gateway.sandbox.git.repository import ZERO
from gateway.sandbox.gitlab.entities import (
    Item,
    LabelEvent,
    Note,
    Project,
    Protection,
    PushEvent,
    Role,
    StateEvent,
    User,
)
from gateway.sandbox.wire import Document

_LEVELS = {
    Role.NO_ONE: "No one",
    Role.GUEST: "Guests",
    Role.REPORTER: "Reporters",
    Role.DEVELOPER: "Developers + Maintainers",
    Role.MAINTAINER: "Maintainers",
}


def stamp(moment: datetime | None) -> str | None:
    """A time as GitLab prints it: UTC, milliseconds, `Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def commit_date(moment: datetime) -> str:
    """A commit's time, which keeps its own offset."""
    return moment.isoformat(timespec="milliseconds")


def user_basic(user: User, url: str) -> Document:
    """An account as it appears inside other documents."""
    return {
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "state": "active",
        "locked": False,
        "avatar_url": None,
        "web_url": f"{url}/{user.username}",
    }


def user_or_none(user: User | None, url: str) -> Document | None:
    """The same, where nobody may be meant."""
    return user_basic(user, url) if user else None


def project(item: Project, url: str) -> Document:
    """A project as `GET /projects/:id` shows it, without the caller's permissions."""
    web = f"{url}/{item.full_path}"
    host = url.partition("://")[2].partition(":")[0]
    namespace = {"id": 1, "name": item.namespace, "path": item.namespace, "kind": "group"}
    return {
        "id": item.id,
        "description": item.description,
        "name": item.path,
        "name_with_namespace": f"{item.namespace} / {item.path}",
        "path": item.path,
        "path_with_namespace": item.full_path,
        "created_at": stamp(item.created_at),
        "default_branch": item.default_branch,
        "tag_list": [],
        "topics": [],
        "ssh_url_to_repo": f"git@{host}:{item.full_path}.git",
        "http_url_to_repo": f"{web}.git",
        "web_url": web,
        "readme_url": f"{web}/-/blob/{item.default_branch}/README.md",
        "forks_count": 0,
        "avatar_url": None,
        "star_count": 0,
        "last_activity_at": stamp(item.created_at),
        "namespace": namespace
        | {"full_path": item.namespace, "parent_id": None, "web_url": f"{url}/groups/{item.namespace}"},
        "visibility": "private",
        "archived": item.archived,
        "empty_repo": False,
        "merge_method": "merge",
        "squash_option": "default_off",
        "only_allow_merge_if_pipeline_succeeds": item.only_allow_merge_if_pipeline_succeeds,
        "only_allow_merge_if_all_discussions_are_resolved": False,
        "remove_source_branch_after_merge": True,
        "ci_forward_deployment_enabled": True,
        "ci_forward_deployment_rollback_allowed": True,
        "ci_push_repository_for_job_token_allowed": item.job_tokens_may_push,
        "allow_merge_on_skipped_pipeline": False,
        "autoclose_referenced_issues": True,
        "issues_enabled": True,
        "merge_requests_enabled": True,
        "jobs_enabled": True,
        "ci_config_path": None,
    }


def protection(rule: Protection) -> Document:
    """A protected branch."""

    def level(number: int, role: Role) -> Document:
        described = {"access_level": int(role), "access_level_description": _LEVELS[role]}
        return {"id": number, **described, "user_id": None, "group_id": None, "deploy_key_id": None}

    return {
        "id": rule.id,
        "name": rule.name,
        "push_access_levels": [level(rule.id * 2 - 1, rule.push)],
        "merge_access_levels": [level(rule.id * 2, rule.merge)],
        "unprotect_access_levels": [],
        "allow_force_push": rule.allow_force_push,
        "code_owner_approval_required": False,
        "inherited": False,
    }


def item_start(item: Item, url: str) -> Document:
    """What issues and merge requests have in common."""
    assignees = [user_basic(user, url) for user in item.assignees]
    return {
        "id": item.id,
        "iid": item.iid,
        "project_id": item.project_id,
        "title": item.title,
        "description": item.description,
        "state": item.state,
        "created_at": stamp(item.created_at),
        "updated_at": stamp(item.updated_at),
        "closed_at": stamp(item.closed_at),
        "closed_by": user_or_none(item.closed_by, url),
        "labels": sorted(item.labels),
        "milestone": None,
        "assignees": assignees,
        "assignee": assignees[0] if assignees else None,
        "author": user_basic(item.author, url),
        "user_notes_count": sum(not note.system for note in item.notes),
        "upvotes": 0,
        "downvotes": 0,
        "discussion_locked": item.locked or None,
        "imported": False,
        "imported_from": "none",
        "time_stats": {
            "time_estimate": 0,
            "total_time_spent": 0,
            "human_time_estimate": None,
            "human_total_time_spent": None,
        },
        "task_completion_status": {"count": 0, "completed_count": 0},
    }


def references(item: Item, project: Project, mark: str) -> Document:
    """How the item is written in text: `#1`, `checkout#1`, `shop/checkout#1`."""
    short = f"{mark}{item.iid}"
    return {"short": short, "relative": short, "full": f"{project.full_path}{short}"}


def issue(item: Item, project: Project, url: str) -> Document:
    """An issue."""
    web = f"{url}/{project.full_path}/-/issues/{item.iid}"
    api = f"{url}/api/v4/projects/{project.id}"
    return item_start(item, url) | {
        "type": "ISSUE",
        "issue_type": "issue",
        "merge_requests_count": 0,
        "due_date": item.due_date,
        "confidential": item.confidential,
        "has_tasks": False,
        "web_url": web,
        "references": references(item, project, "#"),
        "severity": "UNKNOWN",
        "moved_to_id": None,
        "service_desk_reply_to": None,
        "_links": {
            "self": f"{api}/issues/{item.iid}",
            "notes": f"{api}/issues/{item.iid}/notes",
            "project": api,
        },
    }


def note(item: Note, parent: Item, kind: str, url: str) -> Document:
    """A note on an issue or merge request (`kind` is GitLab's class name)."""
    return {
        "id": item.id,
        "type": None,
        "body": item.body,
        "attachment": None,
        "author": user_basic(item.author, url),
        "created_at": stamp(item.created_at),
        "updated_at": stamp(item.updated_at),
        "system": item.system,
        "noteable_id": parent.id,
        "noteable_type": kind,
        "project_id": parent.project_id,
        "resolvable": False,
        "confidential": False,
        "internal": False,
        "imported": False,
        "imported_from": "none",
        "noteable_iid": parent.iid,
        "commands_changes": item.commands_changes,
    }


def state_event(item: StateEvent, parent: Item, kind: str, url: str) -> Document:
    """A change of state of an issue or merge request."""
    return {
        "id": item.id,
        "user": user_basic(item.user, url),
        "created_at": stamp(item.created_at),
        "resource_type": kind,
        "resource_id": parent.id,
        "source_commit": None,
        "source_merge_request": None,
        "state": item.state,
    }


def label_event(item: LabelEvent, parent: Item, kind: str, url: str) -> Document:
    """A label put on or taken off an issue or merge request."""
    return {
        "id": item.id,
        "user": user_basic(item.user, url),
        "created_at": stamp(item.created_at),
        "resource_type": kind,
        "resource_id": parent.id,
        "label": {"id": item.id, "name": item.label, "color": "#34495E", "description": None},
        "action": item.action,
    }


_PUSHED = {"created": "pushed new", "pushed": "pushed to", "removed": "deleted"}


def push_event(item: PushEvent, project: Project, url: str) -> Document:
    """A push among the events of a project."""
    action = "created" if item.old == ZERO else "removed" if item.new == ZERO else "pushed"
    return {
        "id": item.id,
        "project_id": project.id,
        "action_name": _PUSHED[action],
        "target_id": None,
        "target_iid": None,
        "target_type": None,
        "author_id": item.user.id,
        "target_title": None,
        "created_at": stamp(item.created_at),
        "author": user_basic(item.user, url),
        "imported": False,
        "imported_from": "none",
        "push_data": {
            "commit_count": 0 if action == "removed" else 1,
            "action": action,
            "ref_type": item.ref_type,
            "commit_from": None if item.old == ZERO else item.old,
            "commit_to": None if item.new == ZERO else item.new,
            "ref": item.ref,
            "commit_title": None,
            "ref_count": None,
        },
        "author_username": item.user.username,
    }


def commit(item: Commit, project: Project, url: str) -> Document:
    """A commit."""
    return {
        "id": item.id,
        "short_id": item.id[:8],
        "created_at": commit_date(item.committed),
        "parent_ids": list(item.parents),
        "title": item.title,
        "message": item.message,
        "author_name": item.author_name,
        "author_email": item.author_email,
        "authored_date": commit_date(item.authored),
        "committer_name": item.committer_name,
        "committer_email": item.committer_email,
        "committed_date": commit_date(item.committed),
        "trailers": {},
        "extended_trailers": {},
        "web_url": f"{url}/{project.full_path}/-/commit/{item.id}",
    }


def diff(item: FileDiff) -> Document:
    """What happened to one file."""
    return {
        "diff": item.patch,
        "collapsed": False,
        "too_large": False,
        "new_path": item.new_path,
        "old_path": item.old_path,
        "a_mode": item.old_mode,
        "b_mode": item.new_mode,
        "new_file": item.status == "A",
        "renamed_file": item.status == "R",
        "deleted_file": item.status == "D",
        "generated_file": False,
    }
