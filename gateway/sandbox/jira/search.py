"""`/search/jql`: bounded queries over an index that lags behind; the old `/search` is gone."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.sandbox.jira import shapes
from gateway.sandbox.jira.call import Call, Routes, refuse
from gateway.sandbox.jira.jql import Asker, JqlError, Query, matches, parse
from gateway.sandbox.jira.site import JiraIssue
from gateway.sandbox.wire import Document, Reply, Route

_UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
_GONE = "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
_MOST = 5000


@dataclass(frozen=True)
class Search:
    """What was asked, from either the query or the body."""

    jql: str
    most: int = 50
    token: str | None = None
    fields: Sequence[str] = ("id",)
    reconcile: frozenset[str] = field(default_factory=frozenset)


def by_query(call: Call) -> Reply:
    """GET /search/jql."""
    query = call.asked.query
    return _answer(
        call,
        Search(
            jql=str(query.get("jql", "")),
            most=call.number("maxResults", 50),
            token=query.get("nextPageToken"),
            fields=call.words("fields") or ("id",),
            reconcile=frozenset(call.words("reconcileIssues") or ()),
        ),
    )


def by_body(call: Call) -> Reply:
    """POST /search/jql."""
    body = call.document()
    fields, reconcile, most = (
        body.get("fields") or ["id"],
        body.get("reconcileIssues") or [],
        body.get("maxResults", 50),
    )
    if not isinstance(fields, list) or not isinstance(reconcile, list) or not isinstance(most, int):
        raise refuse(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    known = frozenset(str(number) for number in reconcile)
    return _answer(call, Search(str(body.get("jql") or ""), most, body.get("nextPageToken"), fields, known))


def _answer(call: Call, search: Search) -> Reply:
    try:
        query = parse(search.jql)
        if not query.clauses:
            raise refuse(400, _UNBOUNDED)
        _check_projects(call, query)
        found = _find(call, query, search)
    except JqlError as error:
        raise refuse(400, str(error)) from None
    start, size = _start(search.token), min(max(search.most, 1), _MOST)
    window, last = found[start : start + size], start + size >= len(found)
    document: Document = {"issues": [_shape(call, each, search) for each in window], "isLast": last}
    if not last:
        document["nextPageToken"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
    return Reply(200, document)


def _check_projects(call: Call, query: Query) -> None:
    """Jira refuses a project that does not exist or cannot be seen, rather than finding nothing."""
    for clause in query.clauses:
        for value in clause.values if clause.field == "project" else ():
            if call.project(value) is None:
                raise refuse(400, f"The value '{value}' does not exist for the field 'project'.")


def _find(call: Call, query: Query, search: Search) -> list[JiraIssue]:
    asker = Asker(call.account, call.site.clock.now())
    fresh = {number: call.site.issues[number] for number in search.reconcile if number in call.site.issues}
    known = call.site.index | fresh
    found = [each for each in known.values() if call.sees(each.project) and matches(query, each, asker)]
    attribute, descending = query.order

    def place(issue: JiraIssue) -> tuple[Any, int]:
        value = getattr(issue, attribute)
        return (int(value) if isinstance(value, str) else value, int(issue.id))

    return sorted(found, key=place, reverse=descending)


def _start(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, binascii.Error):
        raise refuse(400, "The provided next page token is invalid or expired.") from None


def _shape(call: Call, issue: JiraIssue, search: Search) -> Document:
    """Only `id` unless fields are asked for; other names add key, self and those fields."""
    if list(search.fields) == ["id"]:
        return {"id": issue.id}
    return shapes.issue(issue, call.site.url, search.fields) | {"expand": ""}


def gone(_: Call) -> Reply:
    """GET|POST /search: removed by the vendor."""
    return Reply(410, {"errorMessages": [_GONE], "errors": {}})


ROUTES: Routes = (
    Route("GET", "search/jql", by_query),
    Route("POST", "search/jql", by_body),
    Route("GET", "search", gone),
    Route("POST", "search", gone),
)
