"""Whether a merge request can be merged, and the merge itself, done with real git objects."""

from dataclasses import dataclass

from gateway.sandbox.git.repository import GitError, Signature
from gateway.sandbox.gitlab.activity import Activity
from gateway.sandbox.gitlab.entities import MergeRequest, Pipeline, Project, User
from gateway.sandbox.gitlab.forge import Forge
from gateway.sandbox.gitlab.pipelines import UNFINISHED


@dataclass(frozen=True)
class MergeWish:
    """What the caller of `PUT …/merge` may choose."""

    squash: bool
    remove_source_branch: bool
    merge_commit_message: str | None = None
    squash_commit_message: str | None = None


def head_pipeline(project: Project, request: MergeRequest) -> Pipeline | None:
    """The newest pipeline of the merge request's head."""
    fitting = (
        pipeline
        for pipeline in reversed(project.pipelines.values())
        if pipeline.sha == request.sha and pipeline.ref == request.source_branch
    )
    return next(fitting, None)


class Merging:
    """Merges; the caller holds the clock's lock."""

    def __init__(self, forge: Forge, activity: Activity) -> None:
        self._forge = forge
        self._activity = activity
        forge.pipeline_listeners.append(self._merge_when_ready)

    def detailed_status(self, project: Project, request: MergeRequest) -> str:
        """`detailed_merge_status`: the first thing in the way, or `mergeable`."""
        if request.state != "opened":
            return "not_open"
        if project.repository.head(request.source_branch) is None or request.sha == request.base_sha:
            return "commits_status"
        if request.draft:
            return "draft_status"
        if self.conflicts(project, request):
            return "conflict"
        return self._ci_status(project, request) or "mergeable"

    def _ci_status(self, project: Project, request: MergeRequest) -> str | None:
        if not project.only_allow_merge_if_pipeline_succeeds:
            return None
        pipeline = head_pipeline(project, request)
        if pipeline and pipeline.status in UNFINISHED:
            return "ci_still_running"
        return None if pipeline and pipeline.status == "success" else "ci_must_pass"

    def conflicts(self, project: Project, request: MergeRequest) -> bool:
        """Whether git cannot merge the head into the target as it is now."""
        target = project.repository.head(request.target_branch)
        return target is None or project.repository.merge_trees(target, request.sha) is None

    def merge(self, project: Project, request: MergeRequest, user: User, wish: MergeWish) -> None:
        """Write the commits, move the target branch, and do what follows; raises GitError when it moved meanwhile."""
        repository, target = project.repository, request.target_branch
        old = repository.head(target) or ""
        tree = repository.merge_trees(old, request.sha)
        if tree is None:
            raise GitError("Branch cannot be merged")
        who = self.signature(user)
        tip = request.sha
        if wish.squash:
            tip = self._squash(project, request, wish, who)
            request.squash_commit_sha = tip
        message = wish.merge_commit_message or self._message(project, request)
        merged = repository.write_commit(tree, (old, tip), message, who)
        repository.update(f"refs/heads/{target}", merged, old)
        request.squash = wish.squash
        self._activity.mark_merged(project, request, user, merged)
        self._activity.branch_moved(project, target, old, merged, user)
        if wish.remove_source_branch:
            self._remove_source(project, request)

    def _squash(self, project: Project, request: MergeRequest, wish: MergeWish, who: Signature) -> str:
        tree = project.repository.line("rev-parse", f"{request.sha}^{{tree}}")
        message = wish.squash_commit_message or request.title
        return project.repository.write_commit(tree, (request.base_sha,), message, who)

    def _message(self, project: Project, request: MergeRequest) -> str:
        """GitLab's default merge commit message, `Closes` line included."""
        head = f"Merge branch '{request.source_branch}' into '{request.target_branch}'"
        return f"{head}\n\n{request.title}\n\nSee merge request {project.full_path}!{request.iid}"

    def _remove_source(self, project: Project, request: MergeRequest) -> None:
        branch = request.source_branch
        if project.repository.head(branch) and project.protection(branch) is None:
            project.repository.delete(f"refs/heads/{branch}")

    def signature(self, user: User) -> Signature:
        """How GitLab signs commits it makes for a user."""
        return Signature(user.name, user.email, self._forge.clock.now().isoformat(timespec="seconds"))

    def set_auto_merge(self, request: MergeRequest, user: User, wish: MergeWish) -> None:
        """Merge once the head's pipeline succeeds."""
        request.auto_merge_for = user
        request.auto_merge_wish = (wish.squash, wish.remove_source_branch)
        self._activity.system_note(
            request, user, f"enabled an automatic merge when all merge checks for {request.sha} pass"
        )

    def _merge_when_ready(self, project: Project, pipeline: Pipeline) -> None:
        for request in list(project.merge_requests.values()):
            waits = request.auto_merge_for is not None and request.sha == pipeline.sha
            if waits and request.auto_merge_for and self.detailed_status(project, request) == "mergeable":
                squash, remove = request.auto_merge_wish
                self.merge(project, request, request.auto_merge_for, MergeWish(squash, remove))
