"""One authenticated API call: parameters, the project it is about, and GitLab's ways to say no."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from gateway.sandbox.gitlab.entities import Issue, MergeRequest, Project, Role, Token, User
from gateway.sandbox.gitlab.forge import Forge
from gateway.sandbox.gitlab.workings import Workings
from gateway.sandbox.wire import Asked, Document, Refusal, Reply, Route

T = TypeVar("T")
_READS = ("GET", "HEAD")
_TRUE = ("true", "1", "yes", "on", "t")


def refuse(status: int, message: Any) -> Refusal:
    """GitLab's usual refusal: `{"message": …}`."""
    return Refusal(Reply(status, {"message": message}))


def refuse_parameter(sentence: str) -> Refusal:
    """Grape's refusal of a parameter: `{"error": …}`."""
    return Refusal(Reply(400, {"error": sentence}))


def not_found(what: str) -> Refusal:
    """404 in GitLab's words: `404 <what> Not Found`."""
    return refuse(404, f"404 {what} Not Found")


FORBIDDEN = "403 Forbidden"
TITLE_MOST = 255


@dataclass(frozen=True)
class Call:
    """What a handler is given; `params` joins query and body as Grape does."""

    forge: Forge
    workings: Workings
    asked: Asked
    token: Token
    path: Mapping[str, str]
    params: Document

    @property
    def user(self) -> User:
        """Who calls."""
        return self.token.user

    def project(self, least: Role = Role.REPORTER) -> Project:
        """The project in the path; unknown and invisible look the same, too small a role is 403."""
        found = self._find_project(self.path["id"])
        role = self.forge.role(self.user, found) if found else Role.NO_ONE
        if found is None or role is Role.NO_ONE:
            raise not_found("Project")
        if role < least or (found.archived and self.asked.method not in _READS):
            raise refuse(403, FORBIDDEN)
        return found

    def _find_project(self, name: str) -> Project | None:
        if name.isdigit():
            return self.forge.projects.get(int(name))
        found = self.forge.project_at(name)
        # GitLab finds a project under a path it had before, but only for reads.
        return found or (self.forge.project_once_at(name) if self.asked.method in _READS else None)

    def role(self, project: Project) -> Role:
        """The caller's role in a project."""
        return self.forge.role(self.user, project)

    def issue(self, project: Project) -> Issue:
        """The issue named by `:issue_iid`."""
        return _numbered(project.issues, self.path["issue_iid"], "Issue")

    def merge_request(self, project: Project) -> MergeRequest:
        """The merge request named by `:merge_request_iid`; GitLab says `404 Not found` in lower case."""
        found = project.merge_requests.get(_integer(self.path["merge_request_iid"], "merge_request_iid"))
        if found is None:
            raise refuse(404, "404 Not found")
        return found

    def text(self, name: str, default: str | None = None) -> str | None:
        """A text parameter, or the default when absent."""
        value = self.params.get(name, default)
        if value is not None and not isinstance(value, str):
            raise refuse_parameter(f"{name} is invalid")
        return value

    def required(self, name: str) -> str:
        """A text parameter that must be there and not be empty."""
        if name not in self.params:
            raise refuse_parameter(f"{name} is missing")
        value = self.text(name)
        if not value:
            raise refuse_parameter(f"{name} is empty")
        return value

    def title(self) -> str | None:
        """The `title` parameter, at most 255 characters."""
        title = self.text("title")
        if title is not None and len(title) > TITLE_MOST:
            raise refuse(400, {"title": [f"is too long (maximum is {TITLE_MOST} characters)"]})
        return title

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean parameter, in any spelling Grape takes."""
        value = self.params.get(name)
        if value is None:
            return default
        return value if isinstance(value, bool) else str(value).lower() in _TRUE

    def labels(self, name: str = "labels") -> list[str] | None:
        """Label names, from a list or a comma-separated text."""
        value = self.params.get(name)
        if value is None:
            return None
        parts = value if isinstance(value, list) else str(value).split(",")
        return [part.strip() for part in map(str, parts) if part.strip()]


def _integer(value: str, name: str) -> int:
    if not value.isdigit():
        raise refuse_parameter(f"{name} is invalid")
    return int(value)


def _numbered(kept: Mapping[int, T], value: str, what: str) -> T:
    found = kept.get(_integer(value, f"{what.lower()}_iid"))
    if found is None:
        raise not_found(what)
    return found


Handler = Callable[[Call], Reply]
Routes = tuple[Route[Handler], ...]
