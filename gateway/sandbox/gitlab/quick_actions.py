"""Quick actions: the lines of a description or comment that GitLab takes as commands.

What counts as a command follows GitLab's extractor: a known name right at the start of a line, in any
letter case, outside fenced code, inline code spanning lines, HTML blocks and `>>>` quotes. Commands are
cut out of the text that is kept.
"""

import re
from dataclasses import dataclass

NAMES = (
    "add_contacts", "approve", "assign_reviewer", "assign", "blocked_by", "blocks", "cc", "clear_health_status",
    "clear_weight", "clone", "close", "confidential", "copy_metadata", "create_merge_request", "done", "draft",
    "due", "duplicate", "epic", "estimate", "labels", "label", "link", "lock", "merge", "milestone", "move",
    "promote_to_incident", "promote", "publish", "ready", "reassign_reviewer", "reassign", "rebase", "relabel",
    "relate", "remove_due_date", "remove_estimate", "remove_milestone", "reopen", "request_changes", "reviewer",
    "severity", "shrug", "spend", "submit_review", "subscribe", "tableflip", "target_branch", "title", "todo",
    "type", "unapprove", "unassign_reviewer", "unassign", "unlabel", "unlock", "unsubscribe", "weight",
)  # fmt: skip
_PATTERN = re.compile(
    r"(?P<code>^```.+?\n```$)"
    r"|(?P<inline>^.*?`\n+.+?\n*`$)"
    r"|(?P<html>^<[^>]+?>\n.+?\n</[^>]+?>$)"
    r"|(?P<quote>^>>>.+?\n>>>$)"
    rf"|^/(?P<name>{'|'.join(NAMES)})(?:[ ](?P<argument>[^\n]*))?(?:\s*\n|$)",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_NOT_EXECUTED = ("cc",)


@dataclass(frozen=True)
class Command:
    """One quick action, its name in lower case."""

    name: str
    argument: str


def extract(text: str) -> tuple[str, tuple[Command, ...]]:
    """The text without its commands, and the commands in order."""
    commands: list[Command] = []

    def cut(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None or name.lower() in _NOT_EXECUTED:
            return found[0]
        commands.append(Command(name.lower(), (found["argument"] or "").strip()))
        return ""

    kept = _PATTERN.sub(cut, text.replace("\r", ""))
    return kept.rstrip() if commands else text, tuple(commands)
