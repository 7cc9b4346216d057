"""The open issues of a project, read for one question only: whether a new one says what an open one says already."""

from gateway.adapters.gitlab.answers import Issue
from gateway.adapters.gitlab.forge import Forge, project_path
from gateway.adapters.gitlab.operation import params_of
from gateway.core.actions import Action
from gateway.core.duplicates import MOST_READ, OpenItem, SimilarFacts, similar_to
from gateway.core.facts import ProjectFacts
from gateway.core.params import IssueCreate


def similar_issues(forge: Forge, action: Action, project: ProjectFacts) -> SimilarFacts:
    """The newest open issues compared with the one to be. Raises `FactsMissingError`."""
    rows = forge.list(
        project_path(project.path, "issues"),
        Issue,
        limit=MOST_READ,
        state="opened",
        scope="all",
        order_by="created_at",
        sort="desc",
    )
    items = (OpenItem(key=str(row.iid), title=row.title, state=row.state) for row in rows)
    return similar_to(params_of(action, IssueCreate).title, items, bounded=len(rows) >= MOST_READ)
