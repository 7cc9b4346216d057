"""The open issues of a project, read for one question only: whether a new one says what an open one says already.

Jira's search may lag behind by some seconds: an issue that was created just now may be missed.
"""

from gateway.adapters.jira.answers import FoundIssues, Issue
from gateway.adapters.jira.operation import needed, params_of
from gateway.adapters.jira.site import Site
from gateway.core.actions import Action
from gateway.core.duplicates import MOST_READ, OpenItem, SimilarFacts, similar_to
from gateway.core.params import IssueCreate


async def similar_issues(site: Site, action: Action) -> SimilarFacts:
    """The newest open issues compared with the one to be. Raises `FactsMissingError`."""
    project = needed(action.target.project, "project")
    jql = f'project = "{project}" AND statusCategory != Done ORDER BY created DESC'
    asked = {"jql": jql, "maxResults": MOST_READ, "fields": ["summary", "status"]}
    found = await site.ask("/search/jql", asked, FoundIssues)
    title = params_of(action, IssueCreate).title
    return similar_to(
        title, (_item(issue) for issue in found.issues), bounded=found.next_page_token is not None
    )


def _item(issue: Issue) -> OpenItem:
    fields = issue.fields
    return OpenItem(
        key=issue.key, title=fields.summary or "", state=fields.status.name if fields.status else ""
    )
