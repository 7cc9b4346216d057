"""The demo world of the GitLab: two people, two bots, two projects with history and deployments.

Commits carry fixed dates, so their ids are the same everywhere; the history of pipelines and
deployments lies a few days before the moment of seeding.
"""

from dataclasses import dataclass
from datetime import timedelta

from gateway.sandbox.git.repository import Signature
from gateway.sandbox.gitlab.entities import Issue, Pipeline, Project, Protection, Role, User
from gateway.sandbox.gitlab.forge import Forge
from gateway.sandbox.gitlab.workings import Workings
from gateway.sandbox.seed_files import Files, checkout_commits, payments_commits

_DAYS_AGO = (4, 2)
_FIRST_COMMIT = 1_780_300_800  # 2026-06-01T08:00:00Z; one commit a day


@dataclass(frozen=True)
class Tokens:
    """The invented secrets of the demo world."""

    road: str = "sandbox-road-token"
    merge: str = "sandbox-merge-token"
    maya: str = "sandbox-maya-token"
    outsider: str = "sandbox-outsider-token"
    read_only: str = "sandbox-read-only-token"
    jira_email: str = "loopgate@sandbox.invalid"
    jira: str = "sandbox-jira-token"


def seed_forge(forge: Forge, workings: Workings, tokens: Tokens) -> None:
    """Build the demo world in an empty forge."""
    maya = forge.add_user("maya", "Maya Lind")
    road = forge.add_user("loopgate-road", "Loopgate road", bot=True)
    merge = forge.add_user("loopgate-merge", "Loopgate merge", bot=True)
    outsider = forge.add_user("outsider", "Out Sider")
    secrets = ((maya, tokens.maya), (road, tokens.road), (merge, tokens.merge), (outsider, tokens.outsider))
    for user, secret in secrets:
        forge.add_token(user, secret, f"{user.username}-token")
    forge.add_token(road, tokens.read_only, "road-read-only", ("read_api", "read_repository"))
    for path, text, commits in (
        ("checkout", "The till of the shop", checkout_commits()),
        ("payments", "Talks to the bank", payments_commits()),
    ):
        project = forge.add_project("shop", path, text)
        project.members = {maya.id: Role.MAINTAINER, road.id: Role.DEVELOPER, merge.id: Role.MAINTAINER}
        project.protections.append(
            Protection(forge.number("protection"), "main", Role.MAINTAINER, Role.MAINTAINER)
        )
        _write_history(project, commits, maya)
        _deploy_history(forge, workings, project, maya)
        _open_issue(forge, project, maya)


def _write_history(project: Project, commits: tuple[tuple[str, Files], ...], author: User) -> None:
    """All commits in one `git fast-import`."""
    who = Signature(author.name, author.email, "")
    parts = [_commit(number, message, files, who) for number, (message, files) in enumerate(commits)]
    project.repository.run("fast-import", "--quiet", send=b"".join(parts))


def _commit(number: int, message: str, files: Files, who: Signature) -> bytes:
    moment = _FIRST_COMMIT + number * 86_400
    signed = f"{who.name} <{who.email}> {moment} +0000"
    head = f"commit refs/heads/main\nauthor {signed}\ncommitter {signed}\n".encode()
    written = (
        f"M {'100755' if path.endswith('.sh') else '100644'} inline {path}\n".encode() + _data(text)
        for path, text in sorted(files.items())
    )
    return head + _data(message) + b"".join(written) + b"\n"


def _data(text: str) -> bytes:
    content = text.encode()
    return b"data %d\n%s\n" % (len(content), content)


def _deploy_history(forge: Forge, workings: Workings, project: Project, user: User) -> None:
    """Two finished pipelines on main, each with a successful deployment to production."""
    newest_two = project.repository.commits("main", limit=len(_DAYS_AGO))[::-1]
    forge.heard.update(commit.id for commit in project.repository.commits("main"))
    for commit, days in zip(newest_two, _DAYS_AGO, strict=True):
        pipeline = workings.runner.start(
            project, "main", commit.id, user, source="push", before=commit.parents[0]
        )
        forge.clock.tick(forge.pace.start + 2 * forge.pace.job)
        if pipeline:
            _backdate(project, pipeline, timedelta(days=days))


def _backdate(project: Project, pipeline: Pipeline, ago: timedelta) -> None:
    """Make a pipeline that has just run look as if it had run a while ago, for as long as its jobs take."""
    begun = pipeline.created_at - ago
    ended = begun + timedelta(seconds=95)
    pipeline.created_at, pipeline.started_at = begun, begun + timedelta(seconds=2)
    pipeline.updated_at = pipeline.finished_at = ended
    for job in project.jobs_of(pipeline):
        job.created_at, job.started_at, job.finished_at = begun, begun + timedelta(seconds=2), ended
        for made in (each for each in project.deployments.values() if each.job_id == job.id):
            made.created_at, made.updated_at, made.finished_at = begun, ended, ended


def _open_issue(forge: Forge, project: Project, author: User) -> None:
    now = forge.clock.now() - timedelta(days=1)
    title = f"The {project.path} page is slow on Fridays"
    issue = Issue(forge.number("issue"), 1, project.id, title, "Seen twice this month.", author, now, now)
    project.issues[issue.iid] = issue
