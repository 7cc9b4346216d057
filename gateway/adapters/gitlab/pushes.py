"""What GitLab remembers of who moved a ref: the push events of a project (docs.gitlab.com/api/events)."""

from datetime import timedelta

from gateway.adapters.gitlab.answers import Event, PushData
from gateway.adapters.gitlab.forge import Forge, project_path
from gateway.adapters.gitlab.marks import milliseconds, shortly_before
from gateway.adapters.gitlab.operation import project_of
from gateway.ports import ActionRecord

_LIMIT = 1000


def pushers_of(forge: Forge, project: str, branch: str) -> tuple[str, ...]:
    """Who pushed to a branch since it was made, as usernames; of its newest pushes where GitLab knows very many.

    A push of more refs at once than the instance tells one by one (three, unless an administrator says otherwise)
    names none of them, and events older than three years are gone (docs.gitlab.com/api/events): those are not known.
    """
    found = set()
    for event in forge.list(project_path(project, "events"), Event, limit=_LIMIT, action="pushed"):
        push = event.push_data
        if push is None or (push.ref_type, push.ref) != ("branch", branch):
            continue
        found.add(event.author_username)
        if push.action == "created":
            break
    return tuple(sorted(found))


def pushes_of(forge: Forge, record: ActionRecord, kind: str, name: str) -> list[PushData]:
    """Our pushes to a branch or tag since an action started, newest first."""
    since = shortly_before(record.started_ms or 0)
    # The filter takes days, and leaves out the one it names.
    day = (since - timedelta(days=1)).date().isoformat()
    path = project_path(project_of(record.action), "events")
    rows = forge.list(path, Event, limit=_LIMIT, action="pushed", after=day)
    ours = [
        e
        for e in rows
        if e.author_username == forge.username and milliseconds(e.created_at) >= milliseconds(since)
    ]
    return [
        e.push_data for e in ours if e.push_data and (e.push_data.ref_type, e.push_data.ref) == (kind, name)
    ]
