"""The GitLab itself: accounts, projects, numbering, and who is told when a branch moves."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gateway.sandbox.clock import Clock
from gateway.sandbox.git import hooks
from gateway.sandbox.git.commits import Commit
from gateway.sandbox.git.repository import Repository
from gateway.sandbox.gitlab.entities import Pipeline, Project, Role, Token, User
from gateway.sandbox.switches import Switches

CommitListener = Callable[[Project, Commit], None]
ClosingListener = Callable[[Project, str], None]
PipelineListener = Callable[[Project, Pipeline], None]


@dataclass(frozen=True)
class Pace:
    """Seconds of background work: until a pipeline starts, and how long each job runs."""

    start: float = 1.0
    job: float = 10.0


@dataclass
class Forge:
    """All state of the sandbox's GitLab; every change is made while holding `clock.lock`.

    `commit_listeners` hear of every commit that is pushed for the first time, and
    `pipeline_listeners` of every pipeline that ends, `closing_listeners` of every text that may
    close issues because it reached a default branch: integrations hang there.
    """

    folder: Path
    clock: Clock
    switches: Switches
    pace: Pace = field(default_factory=Pace)
    url: str = ""
    users: dict[int, User] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    projects: dict[int, Project] = field(default_factory=dict)
    commit_listeners: list[CommitListener] = field(default_factory=list)
    pipeline_listeners: list[PipelineListener] = field(default_factory=list)
    closing_listeners: list[ClosingListener] = field(default_factory=list)
    heard: set[str] = field(default_factory=set)
    _numbers: dict[str, Iterator[int]] = field(default_factory=dict)

    def number(self, kind: str) -> int:
        """The next number of a kind, counted from 1."""
        return next(self._numbers.setdefault(kind, itertools.count(1)))

    def add_user(self, username: str, name: str, *, bot: bool = False) -> User:
        """Open an account."""
        number = self.number("user")
        user = User(number, username, name, f"{username}@noreply.gitlab.invalid", bot)
        self.users[number] = user
        return user

    def add_token(
        self, user: User, value: str, name: str, scopes: tuple[str, ...] = ("api", "write_repository")
    ) -> None:
        """Issue a token with a given secret."""
        self.tokens[value] = Token(self.number("token"), value, user, name, scopes)

    def add_project(self, namespace: str, path: str, description: str) -> Project:
        """Make a project with an empty repository that takes pushes."""
        repository = Repository.create(self.folder / namespace / f"{path}.git", "main")
        hooks.install(repository.path)
        number = self.number("project")
        project = Project(number, namespace, path, description, self.clock.now(), repository)
        self.projects[number] = project
        return project

    def project_at(self, full_path: str) -> Project | None:
        """The project with this path, as GitLab compares paths: without case."""
        wanted = full_path.lower()
        return next((each for each in self.projects.values() if each.full_path.lower() == wanted), None)

    def project_once_at(self, full_path: str) -> Project | None:
        """The project that had this path before it was renamed or transferred."""
        return next((each for each in self.projects.values() if full_path in each.former_paths), None)

    def role(self, user: User, project: Project) -> Role:
        """What the user may do there."""
        return project.members.get(user.id, Role.NO_ONE)

    def user_named(self, username: str) -> User | None:
        """The account behind `@username`."""
        return next((user for user in self.users.values() if user.username == username.lstrip("@")), None)
