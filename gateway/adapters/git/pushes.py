"""What `git push --porcelain` says, as done, refused, or unclear. Pure.

Source: git-push(1), "OUTPUT"; the words of the transport are those of git's http remote helper.
"""

import re

from gateway.adapters.git.runner import Answer
from gateway.core.errors import TargetRefusedError, TargetUnclearError

_DONE = frozenset(" +*-=")
_STALE = ("stale info", "cannot lock ref", "incorrect old value", "reference already exists", "fetch first")
# Said before anything was sent: the repository could not even be asked.
_NEVER_SENT = (
    "fatal: unable to access",
    "fatal: Authentication failed",
    "fatal: repository",
    "fatal: transport",
)
_SENT = ("RPC failed", "hung up", "unexpected disconnect", "early EOF")


def check_push(answer: Answer, ref: str) -> None:
    """Return when the ref was moved.

    Raises `TargetRefusedError` (`stale` when it was elsewhere) or `TargetUnclearError`.
    """
    line = _line_of(answer.out.decode("utf-8", "backslashreplace"), ref)
    if line is None:
        raise _without_report(answer)
    flag, summary = line
    if flag in _DONE and not answer.status:
        return
    if flag == "!" and "[remote failure]" not in summary:
        stale = any(words in summary + answer.words for words in _STALE)
        raise TargetRefusedError(_told(summary, answer.words), code="stale" if stale else None)
    raise TargetUnclearError(_told(summary, answer.words))


def _line_of(out: str, ref: str) -> tuple[str, str] | None:
    """Flag and summary of the ref's line: `<flag> TAB <from>:<to> TAB <summary>`."""
    for line in out.split("\n"):
        flag, _, rest = line.partition("\t")
        names, tab, summary = rest.partition("\t")
        if tab and names.endswith(f":{ref}"):
            return flag, summary
    return None


def _without_report(answer: Answer) -> TargetRefusedError | TargetUnclearError:
    words = answer.words
    never = any(w in words for w in _NEVER_SENT) and not any(w in words for w in _SENT)
    if never:
        return TargetRefusedError(_told("", words))
    return TargetUnclearError(_told("the push ended without a report", words))


def _told(summary: str, words: str) -> str:
    remote = [re.sub(r"\s+", " ", w.removeprefix("remote:")).strip() for w in words.split("\n") if w.strip()]
    return "; ".join(part for part in (summary.strip(), *remote) if part)[:2000]
