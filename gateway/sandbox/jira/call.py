"""One authenticated call to Jira, and Jira's ways to say no."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.sandbox.jira.site import Account, JiraIssue, JiraProject, Site
from gateway.sandbox.wire import Asked, Document, Refusal, Reply, Route


def refuse(status: int, *messages: str, **errors: str) -> Refusal:
    """Jira's refusal: general `errorMessages` and `errors` by field."""
    return Refusal(Reply(status, {"errorMessages": list(messages), "errors": errors}))


NO_ISSUE = "Issue does not exist or you do not have permission to see it."


@dataclass(frozen=True)
class Call:
    """What a handler is given."""

    site: Site
    asked: Asked
    account: Account
    path: Mapping[str, str]
    body: Any

    def sees(self, project: JiraProject) -> bool:
        """Whether the caller may browse a project."""
        return self.account.account_id in project.members

    def project(self, name: str) -> JiraProject | None:
        """The visible project with this key or id."""
        for project in self.site.projects.values():
            if name.upper() in (project.key, project.id) and self.sees(project):
                return project
        return None

    def issue(self) -> JiraIssue:
        """The issue in the path; unknown and invisible look the same."""
        found = self.site.find(self.path["issueIdOrKey"])
        if found is None or not self.sees(found.project):
            raise refuse(404, NO_ISSUE)
        return found

    def document(self) -> Document:
        """The body, which must be a JSON object."""
        if not isinstance(self.body, dict):
            raise refuse(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        return self.body

    def number(self, name: str, default: int) -> int:
        """A number from the query."""
        value = str(self.asked.query.get(name, default))
        if not value.isdigit():
            raise refuse(400, f"{name} must be a number.")
        return int(value)

    def words(self, name: str) -> list[str] | None:
        """A comma-separated list from the query."""
        value = self.asked.query.get(name)
        return None if value is None else [word.strip() for word in str(value).split(",") if word.strip()]


Handler = Callable[[Call], Reply]
Routes = tuple[Route[Handler], ...]
