"""What GitLab does after a branch has moved: merge requests, closing keywords, pipelines, integrations."""

from gateway.sandbox.git.commits import Commit
from gateway.sandbox.git.repository import ZERO
from gateway.sandbox.gitlab.closing import issues_closed_by
from gateway.sandbox.gitlab.entities import (
    Issue,
    Item,
    LabelEvent,
    MergeRequest,
    Note,
    Project,
    PushEvent,
    Role,
    StateEvent,
    User,
)
from gateway.sandbox.gitlab.forge import Forge
from gateway.sandbox.gitlab.pipelines import Runner


class Activity:
    """The background work of GitLab around branches and issues; the caller holds the clock's lock."""

    def __init__(self, forge: Forge, runner: Runner) -> None:
        self._forge = forge
        self.runner = runner

    def branch_moved(self, project: Project, branch: str, old: str, new: str, user: User) -> None:
        """Do all that follows from `refs/heads/<branch>` going from `old` to `new` (ZERO: absent)."""
        self.record_push(project, "branch", branch, (old, new), user)
        if new == ZERO:
            return
        arrived = self._arrived(project, branch, old, new)
        self._refresh_merge_requests(project, branch, new)
        self._find_merged(project, branch, new, user)
        if branch == project.default_branch:
            for commit in arrived:
                self.close_issues(project, commit.message, user)
        self.announce(project, arrived)
        self.runner.start(project, branch, new, user, source="push", before=old)

    def record_push(self, project: Project, kind: str, name: str, ends: tuple[str, str], user: User) -> None:
        """Remember among the project's events that a branch or tag moved from one end to the other."""
        number, now = self._forge.number("event"), self._forge.clock.now()
        project.events.append(PushEvent(number, user, now, kind, name, *ends))

    def _arrived(self, project: Project, branch: str, old: str, new: str) -> tuple[Commit, ...]:
        others = (head for name, head in project.repository.branches().items() if name != branch)
        known = tuple(others) if old == ZERO else (old,)
        return project.repository.commits(new, *(f"^{sha}" for sha in known))

    def announce(self, project: Project, commits: tuple[Commit, ...]) -> None:
        """Tell the integrations of commits they have not heard of, oldest first."""
        for commit in reversed(commits):
            if commit.id not in self._forge.heard:
                self._forge.heard.add(commit.id)
                for listener in self._forge.commit_listeners:
                    listener(project, commit)

    def _refresh_merge_requests(self, project: Project, branch: str, head: str) -> None:
        for request in project.merge_requests.values():
            if request.state == "opened" and request.source_branch == branch and request.sha != head:
                self.take_head(project, request, head)
                request.approved_by.clear()
                self.system_note(request, request.author, "added 1 commit or more")

    def take_head(self, project: Project, request: MergeRequest, head: str) -> None:
        """Make the merge request be about `head`."""
        target = project.repository.head(request.target_branch) or ""
        request.sha, request.start_sha = head, target
        request.base_sha = project.repository.merge_base(target, head) or ""
        request.updated_at = self._forge.clock.now()
        project.repository.update(f"refs/merge-requests/{request.iid}/head", head)

    def _find_merged(self, project: Project, branch: str, head: str, user: User) -> None:
        """A merge request whose commits were pushed to its target is merged, says GitLab."""
        for request in project.merge_requests.values():
            aims_here = request.state == "opened" and request.target_branch == branch
            if (
                aims_here
                and request.sha != request.base_sha
                and project.repository.is_ancestor(request.sha, head)
            ):
                self.mark_merged(project, request, user, request.sha)

    def mark_merged(self, project: Project, request: MergeRequest, user: User, commit: str) -> None:
        """Set the state after the commits are in, and close the issues its description names."""
        now = self._forge.clock.now()
        request.state, request.merged_at, request.merged_by, request.updated_at = "merged", now, user, now
        request.merge_commit_sha = commit
        self._note_state(request, user, "merged")
        if request.target_branch == project.default_branch:
            own = project.repository.commits(request.sha, f"^{request.base_sha}") if request.base_sha else ()
            messages = [commit.message for commit in own]
            self.close_issues(project, "\n".join([request.title, request.description, *messages]), user)

    def close_issues(self, project: Project, text: str, user: User) -> None:
        """Close what the closing keywords in the text name, where the user may."""
        for listener in self._forge.closing_listeners:
            listener(project, text)
        for path, iid in issues_closed_by(text, project.full_path):
            where = self._forge.project_at(path)
            issue = where.issues.get(iid) if where else None
            if where and issue and issue.state == "opened" and self._forge.role(user, where) >= Role.REPORTER:
                self.set_state(issue, "closed", user)

    def set_state(self, item: Issue | MergeRequest, state: str, user: User) -> None:
        """Close or reopen, with the system note GitLab writes."""
        now = self._forge.clock.now()
        item.state, item.updated_at = state, now
        item.closed_at, item.closed_by = (now, user) if state == "closed" else (None, None)
        self._note_state(item, user, "closed" if state == "closed" else "reopened")

    def _note_state(self, item: Item, user: User, state: str) -> None:
        self.system_note(item, user, state)
        event = StateEvent(self._forge.number("state_event"), user, self._forge.clock.now(), state)
        item.state_events.append(event)

    def relabelled(self, item: Item, before: list[str], user: User) -> None:
        """Remember which labels were put on and taken off."""
        changes = [(name, "add") for name in item.labels if name not in before]
        changes += [(name, "remove") for name in before if name not in item.labels]
        now = self._forge.clock.now()
        item.label_events += [
            LabelEvent(self._forge.number("label_event"), user, now, name, action) for name, action in changes
        ]

    def system_note(self, item: Item, user: User, text: str) -> Note:
        """A line in the discussion that nobody typed."""
        return self.note(item, user, text, system=True)

    def note(self, item: Item, user: User, text: str, *, system: bool = False) -> Note:
        """Add a note to the discussion."""
        now = self._forge.clock.now()
        made = Note(self._forge.number("note"), text, user, now, now, system)
        item.notes.append(made)
        item.updated_at = now
        return made
