"""The part of the policy input that tells of a change: files and commits, without contents and without addresses."""

from collections import Counter
from functools import lru_cache

from gateway.core.changes import MODE_GITLINK, MODE_SYMLINK, Change, ChangedFile, CommitFact
from gateway.core.model import Model
from gateway.core.path_kinds import PathKind, extension_of, kinds_of
from gateway.core.symlinks import leading

# No rule needs more of them, and checking each costs the engine time.
_PATHS_OF_A_KIND = 100


class SecretInput(Model):
    """Where a detector fired, never what it saw."""

    detector: str
    path: str
    line: int


class SymlinkInput(Model):
    """A path that becomes a symbolic link, and where it leads (core/symlinks.py).

    `target` is a path from the root, `.` the root itself, null when the link leads out or nobody can tell.
    """

    path: str
    target: str | None
    escapes: bool


class KindInput(Model):
    """A path that is of a kind by its name (core/path_kinds.py)."""

    path: str
    kind: PathKind


class OwnedInput(Model):
    """A part of CODEOWNERS that the change touches, by its number: how many of its owners must agree."""

    part: int
    section: str
    approvals: int


class OwnerInput(Model):
    """A person of the roster who owns that part."""

    part: int
    person: str


class CodeOwnersInput(Model):
    """Who owns what a merge request changes, by the file at its target branch.

    Owners the roster does not know are not here. `unread` counts lines nobody could make sense of.
    """

    required: tuple[OwnedInput, ...]
    required_total: int
    owners: tuple[OwnerInput, ...]
    owners_total: int
    unread: int


class DiffInput(Model):
    """The change in numbers and paths; `paths` holds old and new names, sorted.

    `kinds` has the paths that are of a kind, old and new names too, the first hundred of each; `kinds_cut` says that
    there are more. `extensions`, `longest_path` (in characters),
    `largest_path` and `largest_bytes` are of files and links put in; `patch_bytes` counts the lines added and removed
    and the binary files put in. Null is unknown. `dependencies_added` reads `npm:jquery`, or `npm+git:jquery` for what
    is not from the registry; `manifests_unread` are changed manifests whose dependencies nobody can tell.
    """

    base: str
    head: str
    files_changed: int
    additions: int
    deletions: int
    paths: tuple[str, ...]
    paths_total: int
    kinds: tuple[KindInput, ...]
    kinds_total: int
    kinds_cut: bool
    extensions: tuple[str, ...]
    extensions_total: int
    longest_path: int
    largest_path: str | None
    largest_bytes: int | None
    patch_bytes: int | None
    dependencies_added: tuple[str, ...]
    dependencies_added_total: int
    manifests_unread: tuple[str, ...]
    manifests_unread_total: int
    symlinks: tuple[SymlinkInput, ...]
    symlinks_total: int
    gitlinks: tuple[str, ...]
    gitlinks_total: int
    secrets: tuple[SecretInput, ...]
    secrets_total: int
    truncated: bool


class CommitInput(Model):
    """A commit of the change, by roster ids.

    `subject` is its first line without addresses, `domain` that of the author's address, null when it has none;
    `signed_off` says whether the author signs it off.
    """

    id: str
    author: str
    committer: str
    foreign: bool
    verified: bool
    co_authors: int
    parents: int
    subject: str
    signed_off: bool
    domain: str | None


def diff_input(change: Change) -> DiffInput:
    """The files of a change as the policy sees them."""
    paths, put_in = change.paths, tuple(f for f in change.files if f.is_put_in)
    kinds, cut = _kinds_among(paths)
    links = tuple(_symlink(f) for f in put_in if f.new_mode == MODE_SYMLINK)
    gitlinks = tuple(f.path for f in change.files if MODE_GITLINK in {f.new_mode, f.old_mode})
    extensions = tuple(sorted({extension_of(f.path) for f in put_in} - {""}))
    largest_path, largest_bytes = _largest(put_in)
    return DiffInput(
        base=change.base,
        head=change.head,
        files_changed=len(change.files),
        additions=sum(f.additions for f in change.files),
        deletions=sum(f.deletions for f in change.files),
        paths=paths,
        paths_total=len(paths),
        kinds=kinds,
        kinds_total=len(kinds),
        kinds_cut=cut,
        extensions=extensions,
        extensions_total=len(extensions),
        longest_path=max((len(f.path) for f in put_in), default=0),
        largest_path=largest_path,
        largest_bytes=largest_bytes,
        patch_bytes=change.patch_bytes,
        dependencies_added=change.dependencies,
        dependencies_added_total=len(change.dependencies),
        manifests_unread=change.unread_manifests,
        manifests_unread_total=len(change.unread_manifests),
        symlinks=links,
        symlinks_total=len(links),
        gitlinks=gitlinks,
        gitlinks_total=len(gitlinks),
        secrets=tuple(SecretInput(detector=s.detector, path=s.path, line=s.line) for s in change.secrets),
        secrets_total=len(change.secrets),
        truncated=change.truncated,
    )


def code_owners_input(change: Change) -> CodeOwnersInput | None:
    """The code owners of a change as the policy sees them; None where nobody read them."""
    found = change.ownership
    if found is None:
        return None
    owners = tuple(OwnerInput(part=n, person=who) for n, one in enumerate(found.parts) for who in one.owners)
    return CodeOwnersInput(
        required=tuple(
            OwnedInput(part=n, section=one.section, approvals=one.approvals)
            for n, one in enumerate(found.parts)
        ),
        required_total=len(found.parts),
        owners=owners,
        owners_total=len(owners),
        unread=found.unread,
    )


def commit_inputs(change: Change) -> tuple[CommitInput, ...]:
    """The commits of a change as the policy sees them."""
    return tuple(_commit(commit) for commit in change.commits)


def _commit(commit: CommitFact) -> CommitInput:
    return CommitInput(**commit.model_dump())


def _kinds_among(paths: tuple[str, ...]) -> tuple[tuple[KindInput, ...], bool]:
    """The first paths of each kind, and whether some were left out."""
    found = [kind for path in paths for kind in _kinds(path)]
    counted: Counter[str] = Counter()
    kept: list[KindInput] = []
    for one in found:
        counted[one.kind] += 1
        if counted[one.kind] <= _PATHS_OF_A_KIND:
            kept.append(one)
    return tuple(kept), len(kept) < len(found)


@lru_cache(maxsize=8192)
def _kinds(path: str) -> tuple[KindInput, ...]:
    return tuple(KindInput(path=path, kind=kind) for kind in kinds_of(path))


def _symlink(file: ChangedFile) -> SymlinkInput:
    found = leading(file.path, file.link)
    return SymlinkInput(path=file.path, target=found.target, escapes=found.escapes)


def _largest(put_in: tuple[ChangedFile, ...]) -> tuple[str | None, int | None]:
    """The largest file and its size; the first whose size is unknown, for it may be any."""
    unknown = next((f for f in put_in if f.size is None), None)
    if unknown is not None:
        return unknown.path, None
    largest = max(put_in, key=lambda f: f.size or 0, default=None)
    return (largest.path, largest.size) if largest else (None, 0)
