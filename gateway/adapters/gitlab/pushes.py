"""What GitLab remembers of who moved a ref: the push events of a project (docs.gitlab.com/api/events)."""

from datetime import timedelta

from gateway.adapters.gitlab.answers import Event, PushData
from gateway.adapters.gitlab.forge import Forge, project_path
from gateway.adapters.gitlab.marks import milliseconds, shortly_before
from gateway.adapters.gitlab.operation import project_of
from gateway.ports import ActionRecord

_LIMIT = 1000


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
