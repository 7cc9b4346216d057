"""Issues, and the notes of issues and merge requests."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from gateway.sandbox.gitlab import shapes
from gateway.sandbox.gitlab.call import Call, Routes, not_found, refuse, refuse_parameter
from gateway.sandbox.gitlab.entities import Issue, Item, MergeRequest, Note, Project, Role, User
from gateway.sandbox.gitlab.paging import page
from gateway.sandbox.wire import Document, Reply, Route

T = TypeVar("T", Issue, MergeRequest, Note)


def _shape(call: Call, project: Project, issue: Issue) -> Document:
    return shapes.issue(issue, project, call.forge.url)


def create(call: Call) -> Reply:
    """POST /projects/:id/issues; quick actions in the description act."""
    project = call.project(Role.GUEST)
    title, now = call.required("title"), call.forge.clock.now()
    call.title()
    made = Issue(
        call.forge.number("issue"), len(project.issues) + 1, project.id, title, "", call.user, now, now,
        labels=call.labels() or [], due_date=call.text("due_date"), confidential=call.flag("confidential"),
    )  # fmt: skip
    project.issues[made.iid] = made
    assign(call, made)
    made.description = call.workings.commands.obey(
        project, made, call.user, call.text("description") or ""
    ).text
    return Reply(201, _shape(call, project, made))


def assign(call: Call, item: Item) -> None:
    """Take `assignee_id` and `assignee_ids`, ignoring accounts that do not exist."""
    numbers = call.params.get("assignee_ids", call.params.get("assignee_id"))
    if numbers is None:
        return
    wanted = numbers if isinstance(numbers, list) else [numbers]
    known = (call.forge.users.get(int(number)) for number in wanted if str(number).isdigit())
    item.assignees = [user for user in known if user]


def relabel(call: Call, item: Item) -> None:
    """Take `labels`, `add_labels` and `remove_labels`."""
    wanted = call.labels()
    if wanted is not None:
        item.labels = wanted
    item.labels += [name for name in call.labels("add_labels") or [] if name not in item.labels]
    gone = call.labels("remove_labels") or []
    item.labels = [name for name in item.labels if name not in gone]


def get(call: Call) -> Reply:
    """GET /projects/:id/issues/:issue_iid."""
    project = call.project()
    return Reply(200, _shape(call, project, call.issue(project)))


def list_all(call: Call) -> Reply:
    """GET /projects/:id/issues."""
    project = call.project()
    found = [item for item in project.issues.values() if meets(call, item)]
    return page(call, in_order(call, found), lambda item: _shape(call, project, item))


def meets(call: Call, item: Item) -> bool:
    """Whether an item passes the filters of the list routes."""
    params = call.params
    searched = str(params.get("search", "")).lower()
    iids = [str(number) for number in params.get("iids", [item.iid])]
    checks = (
        params.get("state", "all") in ("all", item.state),
        str(params.get("author_id", item.author.id)) == str(item.author.id),
        params.get("author_username", item.author.username) == item.author.username,
        set(call.labels() or []) <= set(item.labels),
        searched in f"{item.title}\n{item.description}".lower(),
        str(item.iid) in iids,
        within(call, "created", item.created_at),
        within(call, "updated", item.updated_at),
    )
    return all(checks)


def within(call: Call, what: str, moment: datetime) -> bool:
    """`<what>_after` and `<what>_before`; both ends count."""
    after, before = _moment(call, f"{what}_after"), _moment(call, f"{what}_before")
    return (after is None or moment >= after) and (before is None or moment <= before)


def _moment(call: Call, name: str) -> datetime | None:
    value = call.text(name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise refuse_parameter(f"{name} is invalid") from None
    return moment if moment.tzinfo else moment.astimezone()


def in_order(call: Call, found: Iterable[T]) -> list[T]:
    """By `order_by` (created_at, updated_at) and `sort` (desc unless asked)."""
    key = "updated_at" if call.params.get("order_by") == "updated_at" else "created_at"
    return sorted(
        found, key=lambda item: (getattr(item, key), item.id), reverse=call.params.get("sort") != "asc"
    )


def update(call: Call) -> Reply:
    """PUT /projects/:id/issues/:issue_iid with `state_event`, text, labels, assignees."""
    project = call.project(Role.REPORTER)
    issue = call.issue(project)
    change_item(call, project, issue)
    if "due_date" in call.params:
        issue.due_date = call.text("due_date")
    issue.confidential = call.flag("confidential", default=issue.confidential)
    return Reply(200, _shape(call, project, issue))


def change_item(call: Call, project: Project, item: Issue | MergeRequest) -> None:
    """What issue and merge request updates have in common; quick actions in a new description act."""
    before = (item.title, item.description, list(item.labels), list(item.assignees))
    item.title = call.title() or item.title
    relabel(call, item)
    assign(call, item)
    item.locked = call.flag("discussion_locked", default=item.locked)
    event = call.text("state_event")
    wanted = {"close": ("opened", "closed"), "reopen": ("closed", "opened")}
    if event is not None and event not in wanted:
        raise refuse_parameter("state_event does not have a valid value")
    if event and item.state == wanted[event][0]:
        call.workings.activity.set_state(item, wanted[event][1], call.user)
    if "description" in call.params:
        text = call.text("description") or ""
        item.description = call.workings.commands.obey(project, item, call.user, text).text
    _note_changes(call, item, before)
    item.updated_at = call.forge.clock.now()


def _note_changes(call: Call, item: Item, before: tuple[str, str, list[str], list[User]]) -> None:
    """The lines GitLab writes about an update, and the label events."""
    title, description, labels, assignees = before
    told = [
        (item.title != title, f"changed title from **{title}** to **{item.title}**"),
        (item.description != description, "changed the description"),
        (item.assignees != assignees, _assigned(item.assignees, assignees)),
    ]
    for changed, text in told:
        if changed:
            call.workings.activity.system_note(item, call.user, text)
    call.workings.activity.relabelled(item, labels, call.user)


def _assigned(now: list[User], before: list[User]) -> str:
    if now:
        return f"assigned to {' '.join('@' + user.username for user in now)}"
    return f"unassigned {' '.join('@' + user.username for user in before)}"


def _noteable(call: Call) -> tuple[Project, Issue | MergeRequest, str]:
    project = call.project()
    if "issue_iid" in call.path:
        return project, call.issue(project), "Issue"
    return project, call.merge_request(project), "MergeRequest"


def create_note(call: Call) -> Reply:
    """POST …/notes: 201 with the note, 202 when it was nothing but commands, 400 when those did nothing."""
    project, item, kind = _noteable(call)
    effect = call.workings.commands.obey(project, item, call.user, call.required("body"))
    if not effect.text.strip():
        return _commands_only(effect.changes, effect.summary)
    made = call.workings.activity.note(item, call.user, effect.text)
    made.commands_changes = effect.changes
    return Reply(201, shapes.note(made, item, kind, call.forge.url))


def _commands_only(changes: dict[str, object], summary: list[str]) -> Reply:
    if not changes:
        raise refuse(400, f"400 Bad request - Note {{:commands_only=>{summary}}}")
    return Reply(202, {"commands_changes": changes, "summary": [" ".join(summary)]})


def list_notes(call: Call) -> Reply:
    """GET …/notes, newest first unless `sort=asc`."""
    _, item, kind = _noteable(call)
    return page(call, in_order(call, item.notes), lambda note: shapes.note(note, item, kind, call.forge.url))


def get_note(call: Call) -> Reply:
    """GET …/notes/:note_id."""
    _, item, kind = _noteable(call)
    found = next((note for note in item.notes if str(note.id) == call.path["note_id"]), None)
    if found is None:
        raise not_found("Note")
    return Reply(200, shapes.note(found, item, kind, call.forge.url))


def list_state_events(call: Call) -> Reply:
    """GET …/resource_state_events, oldest first."""
    _, item, kind = _noteable(call)
    url = call.forge.url
    return page(call, item.state_events, lambda event: shapes.state_event(event, item, kind, url))


def list_label_events(call: Call) -> Reply:
    """GET …/resource_label_events, oldest first."""
    _, item, kind = _noteable(call)
    url = call.forge.url
    return page(call, item.label_events, lambda event: shapes.label_event(event, item, kind, url))


_ISSUE = "projects/:id/issues/:issue_iid"
_REQUEST = "projects/:id/merge_requests/:merge_request_iid"
ROUTES: Routes = (
    Route("POST", "projects/:id/issues", create),
    Route("GET", "projects/:id/issues", list_all),
    Route("GET", _ISSUE, get),
    Route("PUT", _ISSUE, update),
    Route("POST", f"{_ISSUE}/notes", create_note),
    Route("GET", f"{_ISSUE}/notes", list_notes),
    Route("GET", f"{_ISSUE}/notes/:note_id", get_note),
    Route("GET", f"{_ISSUE}/resource_state_events", list_state_events),
    Route("GET", f"{_ISSUE}/resource_label_events", list_label_events),
    Route("GET", f"{_REQUEST}/resource_label_events", list_label_events),
    Route("GET", f"{_REQUEST}/resource_state_events", list_state_events),
    Route("POST", f"{_REQUEST}/notes", create_note),
    Route("GET", f"{_REQUEST}/notes", list_notes),
    Route("GET", f"{_REQUEST}/notes/:note_id", get_note),
)
