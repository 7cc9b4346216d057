"""Smart commits: `SHOP-1 #comment …`, `#time …` and `#<transition>` in commit messages act on issues.

As Atlassian describes them: keys first, then commands, all on one line. Jira wants the author's e-mail
address to be a user's; the sandbox acts for every author, so that no test passes because a name did not match.
"""

import re
from dataclasses import dataclass

from gateway.sandbox.jira.adf import paragraph
from gateway.sandbox.jira.site import TRANSITIONS, Account, JiraIssue, Site, Transition

_KEY = re.compile(r"(?<![\w/-])[A-Z][A-Z0-9_]+-[1-9]\d*(?![\w-])")
_COMMAND = re.compile(r"#(?P<name>[A-Za-z][\w-]*)(?P<argument>[^#\n]*)")
_TIME = re.compile(r"\s*(?P<spent>(?:\d+(?:\.\d+)?[wdhm]\s*)+)(?P<note>.*)")
_DONE = ("close", "closed", "resolve", "resolved", "finish", "fix")


@dataclass(frozen=True)
class SmartCommand:
    """One command for one issue."""

    key: str
    name: str
    argument: str


def read_commands(message: str) -> tuple[SmartCommand, ...]:
    """The commands in a commit message."""
    found = []
    for line in message.splitlines():
        first = _COMMAND.search(line)
        keys = _KEY.findall(line[: first.start()]) if first else []
        for key in dict.fromkeys(keys):
            found += [
                SmartCommand(key, each["name"].lower(), each["argument"].strip())
                for each in _COMMAND.finditer(line)
            ]
    return tuple(found)


def obey(site: Site, message: str, who: Account) -> None:
    """Carry out every command of a commit message whose issue exists."""
    for command in read_commands(message):
        issue = site.find(command.key)
        if issue:
            _act(site, issue, command, who)


def _act(site: Site, issue: JiraIssue, command: SmartCommand, who: Account) -> None:
    if command.name == "comment":
        if command.argument:
            site.comment(issue, who, paragraph(command.argument))
    elif command.name == "time":
        spent = _TIME.match(command.argument)
        if spent:
            issue.worklog.append(spent["spent"].strip())
            site.touch(issue)
    else:
        transition = transition_named(command.name)
        if transition and transition.to != issue.status:
            site.move(issue, transition, who)


def transition_named(name: str) -> Transition | None:
    """The transition a command means: its name with hyphens, or a beginning of it; `close` and its like mean done."""
    if name in _DONE:
        return next(each for each in TRANSITIONS if each.to.category == "done")
    spoken = name.replace("-", " ")
    return next((each for each in TRANSITIONS if each.name.lower().startswith(spoken)), None)
