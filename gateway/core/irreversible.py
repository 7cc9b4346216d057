"""Signs in a change that its effect cannot be taken back by reverting it (policy.md "Irreversible signals").

Each file is looked at by itself: its path, the lines added and removed, whether it is deleted. Comments count too:
a false alarm asks two people, a missed one loses data.
"""

import re
from collections.abc import Iterable, Iterator

from gateway.core.globs import matches_any
from gateway.core.vocabulary import ActionType

_SQL_PATHS = (
    "**.sql",
    "**migrations/**",
    "**migration/**",
    "**migrate/**",
    "**alembic/**",
    "**flyway/**",
    "**liquibase/**",
)
_STATEFUL_PATHS = (
    "**.tf",
    "**.tf.json",
    "**.tfvars",
    "**statefulset*",
    "**pvc*",
    "**persistentvolume*",
    "**persistent-volume*",
)
_RELEASE_PATHS = ("**.releaserc*", "**/release.yml", "**/publish.yml")

_SQL = {
    "sql-drop": re.compile(
        r"\bDROP\s+(?:TABLE|COLUMN|DATABASE|SCHEMA|INDEX|VIEW|TYPE|SEQUENCE|CONSTRAINT|USER|ROLE)\b",
        re.IGNORECASE,
    ),
    "sql-truncate": re.compile(r"\bTRUNCATE\s+(?:TABLE\s+)?[\"'`\[\w]", re.IGNORECASE),
}
_SQL_DELETE = re.compile(r"\bDELETE\s+FROM\s", re.IGNORECASE)
_SQL_WHERE = re.compile(r"\bWHERE\b", re.IGNORECASE)
_ADDED = {
    "orm-drop": re.compile(
        r"\b(?:drop_(?:table|column|constraint|index|all)|remove_(?:column|columns|index|reference)|delete_all"
        r"|dropTable|dropColumn|dropColumns|RemoveField|DeleteModel|DropTable|DropColumn)\b"
    ),
    "terraform-protection-off": re.compile(
        r"^\s*\"?(?:prevent_destroy|deletion_protection|deletion_protection_enabled|enable_deletion_protection"
        r"|termination_protection|disable_api_termination)\"?\s*[=:]\s*\"?false\b"
        r"|^\s*\"?(?:force_destroy|skip_final_snapshot|force_delete|delete_automated_backups)\"?\s*[=:]\s*\"?true\b",
        re.IGNORECASE,
    ),
    "cluster-delete": re.compile(
        r"\b(?:kubectl|oc)\s[^\n#]{0,80}?\bdelete\b|\bhelm\s+(?:uninstall|delete)\b", re.IGNORECASE
    ),
    "cloud-delete": re.compile(
        r"\baws\s[^\n#]{0,80}?\b(?:delete-[a-z-]+|terminate-instances|rb|rm)\b"
        r"|\b(?:gsutil\s+(?:-m\s+)?(?:rm|rb)|gcloud\s[^\n#]{0,80}?\bdelete|az\s[^\n#]{0,80}?\bdelete"
        r"|terraform\s+(?:destroy|state\s+rm))\b",
        re.IGNORECASE,
    ),
    "retention-zero": re.compile(
        r"\b\w{0,40}retention\w{0,40}\"?\s*[=:]\s*\"?0(?:[smhdwy]|\s*(?:days?|hours?))?\"?\s*(?:[,;}#]|$)",
        re.IGNORECASE,
    ),
    "publish": re.compile(
        r"\b(?:npm|yarn|pnpm|poetry|cargo|uv)\s+publish\b|\btwine\s+upload\b|\bgem\s+push\b|\bgit\s+push\b[^\n]{0,80}--tags\b"
        r"|\bgit\s+tag\b|\b(?:glab|gh)\s+release\s+create\b",
        re.IGNORECASE,
    ),
    "history-rewrite": re.compile(
        r"\bgit\s+push\b[^\n]{0,80}?(?:\s-f\b|--force(?!-with-lease)|--mirror\b|--delete\b)|\bgit\s+filter-(?:branch|repo)\b",
        re.IGNORECASE,
    ),
    "key-rotation": re.compile(
        r"\b(?:rotate|revoke|destroy|schedule)[-_ ]?(?:key|keys|secret|secrets|credential|credentials|key[-_]deletion)\b"
        r"|\bopenssl\s+genp?key\b|\bgpg\s[^\n]{0,80}--gen-key\b",
        re.IGNORECASE,
    ),
}
_GUARD = re.compile(
    r"^\s*\"?(?:prevent_destroy|deletion_protection|deletion_protection_enabled|enable_deletion_protection)\"?\s*[=:]\s*\"?true\b",
    re.IGNORECASE,
)


# Words without one of which a pattern cannot match, in lower case: most files are done with by looking for these.
_WORDS: dict[str, tuple[str, ...]] = {
    "sql-drop": ("drop",),
    "sql-truncate": ("truncate",),
    "orm-drop": ("drop", "remove", "delete"),
    "terraform-protection-off": ("protection", "destroy", "termination", "snapshot", "delete"),
    "cluster-delete": ("delete", "uninstall"),
    "cloud-delete": ("delete", "terminate", "rb", "rm", "destroy"),
    "retention-zero": ("retention",),
    "publish": ("publish", "upload", "push", "git", "create"),
    "history-rewrite": ("git",),
    "key-rotation": ("rotate", "revoke", "destroy", "schedule", "openssl", "gpg"),
}

_ALL_WORDS = frozenset(word for words in _WORDS.values() for word in words)


def signals(path: str, *, added: Iterable[str], removed: Iterable[str], deleted: bool) -> tuple[str, ...]:
    """The names of the signs in one file's change, sorted.

    `added` and `removed` are its lines of text without line ends; `deleted` says that the file goes away.
    """
    new, old = list(added), list(removed)
    found = {*_of_path(path, deleted=deleted), *_of_guards(new, old)}
    text = "\n".join(new)
    said = _said(text)
    if said:
        found |= {*_of_lines(new, said), *_of_sql(path, text, said)}
    return tuple(sorted(found))


def tag_signals(action_type: ActionType, *, protected: bool, released: bool) -> tuple[str, ...]:
    """The signs in an action on a tag: others take a protected tag for a release, and keep what they took."""
    if action_type is ActionType.TAG_CREATE and protected:
        return ("publish",)
    if action_type is ActionType.TAG_DELETE and (protected or released):
        return ("release-deleted",)
    return ()


def _of_path(path: str, *, deleted: bool) -> Iterator[str]:
    lower = path.lower()
    if deleted and matches_any(_STATEFUL_PATHS, lower):
        yield "stateful-definition-deleted"
    if not deleted and matches_any(_RELEASE_PATHS, lower):
        yield "publish"


def _of_lines(added: list[str], said: frozenset[str]) -> Iterator[str]:
    return (
        name
        for name, pattern in _ADDED.items()
        if not said.isdisjoint(_WORDS[name]) and any(pattern.search(line) for line in added)
    )


def _of_sql(path: str, text: str, said: frozenset[str]) -> Iterator[str]:
    """SQL is looked for everywhere, as it hides in strings; a DELETE without WHERE only where SQL is at home."""
    yield from (
        name for name, pattern in _SQL.items() if not said.isdisjoint(_WORDS[name]) and pattern.search(text)
    )
    if (
        "delete" in said
        and matches_any(_SQL_PATHS, path.lower())
        and any(_deletes_everything(s) for s in text.split(";"))
    ):
        yield "sql-delete-all"


def _said(text: str) -> frozenset[str]:
    """The words a text may hold in any case; beyond ASCII any of them, for case is more there."""
    if not text.isascii():
        return _ALL_WORDS
    lower = text.lower()
    return frozenset([word for word in _ALL_WORDS if word in lower])


def _deletes_everything(statement: str) -> bool:
    return bool(_SQL_DELETE.search(statement)) and not _SQL_WHERE.search(statement)


def _of_guards(added: list[str], removed: list[str]) -> Iterator[str]:
    """A protection that is taken away and not put back."""
    if removed and sum(map(_guards, removed)) > sum(map(_guards, added)):
        yield "terraform-protection-off"


def _guards(line: str) -> bool:
    return bool(_GUARD.search(line))
