"""Where a symbolic link of a repository leads, read from its own text.

Only what can be told without following other links is told. A `..` behind a name is not: the name may itself be a
link, and then `..` is wherever that leads.
"""

from gateway.core.errors import MalformedError
from gateway.core.file_paths import check_path
from gateway.core.model import Model

ROOT = "."


class Leading(Model):
    """Where a link leads. `target` is a path from the repository's root, `.` the root itself.

    `escapes` is true when it leads out of the repository, into `.git`, or nobody can tell; then `target` is None.
    """

    target: str | None
    escapes: bool


_OUT = Leading(target=None, escapes=True)


def leading(path: str, text: str | None) -> Leading:
    """Where the link at `path` leads whose content is `text`; None for a content that could not be read."""
    if not text or text.startswith("/"):
        return _OUT
    parts = [part for part in text.split("/") if part not in {"", "."}]
    ups = next((n for n, part in enumerate(parts) if part != ".."), len(parts))
    folder = path.split("/")[:-1]
    if ups > len(folder) or ".." in parts[ups:]:
        return _OUT
    return _inside("/".join([*folder[: len(folder) - ups], *parts[ups:]]))


def _inside(target: str) -> Leading:
    try:
        return Leading(target=check_path(target, "target") if target else ROOT, escapes=False)
    except MalformedError:
        return _OUT
