"""A small JQL: clauses joined by AND, and ORDER BY. What it does not read is refused, never ignored."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.sandbox.jira.adf import plain
from gateway.sandbox.jira.site import ISSUE_TYPES, PRIORITIES, Account, JiraIssue

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<sign><=|>=|!=|!~|[=<>~(),])|(?P<word>[^\s=<>~!(),"']+))"""
)
_AGO = re.compile(r"([+-])(\d+)([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_ORDERED = {
    "created": "created",
    "updated": "updated",
    "key": "id",
    "issuekey": "id",
    "id": "id",
    "priority": "priority",
}


class JqlError(Exception):
    """The query cannot be read; the message is what Jira would say, or that the sandbox reads less."""


@dataclass(frozen=True)
class Clause:
    """`field operator value(s)`."""

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """A parsed query; `order` is (attribute, descending)."""

    clauses: tuple[Clause, ...]
    order: tuple[str, bool] = ("created", True)


def parse(text: str) -> Query:
    """Read a query; raises JqlError."""
    tokens = list(_tokens(text))
    upper = [token.upper() for token in tokens]
    at = next((i for i in range(len(tokens) - 1) if upper[i : i + 2] == ["ORDER", "BY"]), len(tokens))
    clauses = tuple(_clauses(tokens[:at]))
    return Query(clauses, _order(tokens[at + 2 :])) if at < len(tokens) else Query(clauses)


def _tokens(text: str) -> Iterator[str]:
    position = 0
    while position < len(text.rstrip()):
        found = _TOKEN.match(text, position)
        if found is None:
            raise JqlError(f"Error in the JQL Query: the character '{text[position]}' is not expected here.")
        position = found.end()
        yield found[0].strip()


def _clauses(tokens: list[str]) -> Iterator[Clause]:
    rest = list(tokens)
    while rest:
        yield _clause(rest)
        if rest and rest.pop(0).upper() != "AND":
            raise JqlError(
                "Error in the JQL Query: expecting AND. (The sandbox reads AND only, without OR or parentheses.)"
            )
        if not rest and tokens[-1].upper() == "AND":
            raise JqlError("Error in the JQL Query: a clause is missing after AND.")


def _clause(rest: list[str]) -> Clause:
    try:
        field, operator = _unquote(rest.pop(0)).lower(), rest.pop(0).lower()
        if operator in ("not", "is"):
            operator = _two_words(operator, rest)
        values = _list(rest) if operator in ("in", "not in") else (_value(rest),)
    except IndexError:
        raise JqlError("Error in the JQL Query: the query ends too early.") from None
    return Clause(field, operator, values)


def _two_words(first: str, rest: list[str]) -> str:
    if rest[0].lower() == {"not": "in", "is": "not"}[first]:
        return f"{first} {rest.pop(0).lower()}"
    return first


def _list(rest: list[str]) -> tuple[str, ...]:
    if rest.pop(0) != "(":
        raise JqlError("Error in the JQL Query: a list in parentheses is expected after IN.")
    values = []
    while (each := rest.pop(0)) != ")":
        if each != ",":
            values.append(_unquote(each))
    return tuple(values)


def _value(rest: list[str]) -> str:
    value = _unquote(rest.pop(0))
    if rest[:2] == ["(", ")"]:
        del rest[:2]
        value += "()"
    return value


def _unquote(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1]) if token[0] in "\"'" else token


def _order(tokens: list[str]) -> tuple[str, bool]:
    field, *way = [token.lower() for token in tokens] or [""]
    if field not in _ORDERED or way not in ([], ["asc"], ["desc"]):
        raise JqlError(
            f"Not able to sort using field '{field}'. (The sandbox sorts by one of {', '.join(_ORDERED)}.)"
        )
    return _ORDERED[field], way == ["desc"]


@dataclass(frozen=True)
class Asker:
    """Whose query it is, and when: for currentUser() and relative times."""

    account: Account
    now: datetime


def matches(query: Query, issue: JiraIssue, asker: Asker) -> bool:
    """Whether an issue meets every clause; raises JqlError for fields and operators not read."""
    return all(_meets(clause, issue, asker) for clause in query.clauses)


def _meets(clause: Clause, issue: JiraIssue, asker: Asker) -> bool:
    if clause.field in ("created", "updated"):
        return _compare_time(clause, getattr(issue, clause.field), asker.now)
    if clause.field in ("text", "summary", "description"):
        return _contains(clause, issue)
    held = _held(clause.field, issue)
    if clause.operator in ("is", "is not"):
        return (not held) == (clause.operator == "is")
    wanted = {
        asker.account.account_id if value == "currentUser()" else value.lower() for value in clause.values
    }
    hit = bool(wanted & {value.lower() if value != asker.account.account_id else value for value in held})
    if clause.operator in ("=", "in"):
        return hit
    if clause.operator in ("!=", "not in"):
        return bool(held) and not hit
    raise JqlError(f"The operator '{clause.operator}' is not supported by the '{clause.field}' field.")


_HELD: Mapping[str, Callable[[JiraIssue], tuple[str, ...]]] = {
    "project": lambda issue: (issue.project.key, issue.project.id, issue.project.name),
    "key": lambda issue: (issue.key, issue.id),
    "labels": lambda issue: tuple(issue.labels),
    "status": lambda issue: (issue.status.name, issue.status.id),
    "statuscategory": lambda issue: (_category(issue), issue.status.category),
    "creator": lambda issue: _names(issue.creator),
    "reporter": lambda issue: _names(issue.reporter),
    "assignee": lambda issue: _names(issue.assignee),
    "priority": lambda issue: (PRIORITIES[issue.priority], issue.priority),
    "issuetype": lambda issue: (ISSUE_TYPES[issue.issue_type], issue.issue_type),
}
_ALIASES = {"issuekey": "key", "issue": "key", "id": "key", "type": "issuetype"}


def _held(field: str, issue: JiraIssue) -> tuple[str, ...]:
    values = _HELD.get(_ALIASES.get(field, field))
    if values is None:
        raise JqlError(f"Field '{field}' does not exist or you do not have permission to view it.")
    return values(issue)


def _category(issue: JiraIssue) -> str:
    return {"new": "To Do", "indeterminate": "In Progress", "done": "Done"}[issue.status.category]


def _names(account: Account | None) -> tuple[str, ...]:
    return (account.account_id, account.email, account.name) if account else ()


def _contains(clause: Clause, issue: JiraIssue) -> bool:
    """`~`: every word of the value occurs; `text` looks at summary, description and comments."""
    if clause.operator not in ("~", "!~"):
        raise JqlError(f"The operator '{clause.operator}' is not supported by the '{clause.field}' field.")
    description = plain(issue.description) if issue.description else ""
    everything = [issue.summary, description, *(plain(comment.body) for comment in issue.comments)]
    searched = {"summary": issue.summary, "description": description}.get(
        clause.field, "\n".join(everything)
    ).lower()
    words = re.findall(r"[\w.@-]+", clause.values[0].lower())
    return all(word in searched for word in words) == (clause.operator == "~")


def _compare_time(clause: Clause, held: datetime, now: datetime) -> bool:
    wanted = _moment(clause.values[0], now)
    match clause.operator:
        case ">":
            return held > wanted
        case ">=":
            return held >= wanted
        case "<":
            return held < wanted
        case "<=":
            return held <= wanted
        case _:
            raise JqlError(
                f"The operator '{clause.operator}' is not supported by the '{clause.field}' field."
            )


def _moment(value: str, now: datetime) -> datetime:
    relative = _AGO.fullmatch(value)
    if relative:
        distance = timedelta(**{_UNITS[relative[3]]: int(relative[2])})
        return now - distance if relative[1] == "-" else now + distance
    if value == "now()":
        return now
    for shape in ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d"):
        try:
            return datetime.strptime(value, shape).replace(tzinfo=UTC)
        except ValueError:
            continue
    sentence = "Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
    raise JqlError(f"Date value '{value}' is invalid. {sentence}")
