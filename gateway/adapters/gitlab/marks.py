"""Marks in the text the gateway writes: by which action it came, and which agent opened a merge request.

Both are HTML comments, which GitLab keeps and does not show. The values are HMACs under the gateway's key, so that
nobody else can make one; `harmless` has taken every look-alike out of the agents' own text.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from gateway.adapters.gitlab.answers import Written
from gateway.core.text import harmless

Marker = Callable[[str], str]
_OPENED_BY: Final = re.compile(r"<!-- lg-by (agt_[A-Za-z0-9_]{1,64}) (lg-[A-Za-z0-9_-]{1,128}) -->")
_CLOCKS_APART_MS: Final = 300_000


def marked(text: str, *marks: str) -> str:
    """The agent's text made harmless, with the gateway's marks below it."""
    return "\n\n".join([harmless(text).rstrip(), *(f"<!-- {m} -->" for m in marks)]).lstrip("\n")


def bears(answer: Written, marker: str) -> bool:
    """Whether that text was written for the action with this marker."""
    return f"<!-- {marker} -->" in (answer.description or answer.body or "")


def opened_by(project_id: int, source_branch: str, agent: str, marker: Marker) -> str:
    """The mark that says which agent opened a merge request; good for this project and branch only."""
    return f"lg-by {agent} {marker(_claim(project_id, source_branch, agent))}"


def opener(description: str, project_id: int, source_branch: str, marker: Marker) -> str | None:
    """The agent a description's genuine mark names, if there is one."""
    for agent, proof in _OPENED_BY.findall(description):
        if proof == marker(_claim(project_id, source_branch, agent)):
            return str(agent)
    return None


def alarm_of(answer: Written) -> dict[str, Any]:
    """The result's alarm when GitLab executed some of the text: that must never happen."""
    return {"alarm": "commands_changes"} if answer.commands_changes else {}


def shortly_before(started_ms: int) -> datetime:
    """The earliest creation time of what an action started then can have made, clocks being apart."""
    return datetime.fromtimestamp((started_ms - _CLOCKS_APART_MS) / 1000, tz=UTC)


def iso(moment: datetime) -> str:
    """A time as GitLab's filters take it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def milliseconds(moment: datetime | None) -> int:
    """A time of GitLab's as milliseconds since 1970, UTC; 0 when there is none."""
    return int(moment.timestamp() * 1000) if moment else 0


def _claim(project_id: int, source_branch: str, agent: str) -> str:
    return f"opened-by|{project_id}|{source_branch}|{agent}"
