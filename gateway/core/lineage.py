"""Who made what, when history has been rewritten: commits, patches and file versions, matched by content. Pure.

An identity is a roster id, or `unknown:` and a pseudonym for an address that the roster does not know.
"""

from collections.abc import Iterable
from typing import Final

from pydantic import Field

from gateway.core.digests import sha256_text
from gateway.core.model import Model

UNKNOWN_PREFIX: Final = "unknown:"
UNSEEN_PUSHER: Final = "unknown:pusher"
NO_BLOB: Final = "0" * 40
EMPTY_BLOB: Final = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
_SAY_NOTHING = frozenset({NO_BLOB, EMPTY_BLOB})


class FileTrace(Model):
    """What a commit put at a path; `path_key` is the SHA-256 of the path, forty zeros mean it was removed."""

    path_key: str
    blob: str


class CommitTrace(Model):
    """What is remembered of a commit. `patch_id` is git's (`--stable`), None for merges and empty commits.

    `built` says that the gateway made it, so that who stands behind it is knowledge and no claim.
    """

    commit: str
    patch_id: str | None
    makers: tuple[str, ...]
    built: bool = False
    files: tuple[FileTrace, ...] = ()


class SeenFile(Model):
    """One path of a commit as git tells it: the versions before (one per parent) and the one after."""

    path_key: str
    before: tuple[str, ...]
    after: str


class SeenCommit(Model):
    """A commit as git tells it. `claims` are the identities that stand in it; the gateway's own is none of them.

    `poses` is true when it claims to be the gateway's work.
    """

    commit: str
    claims: tuple[str, ...]
    poses: bool
    patch_id: str | None
    files: tuple[SeenFile, ...]


class Known(Model):
    """What the index holds about some commits, patches, file versions and paths.

    `latest` has the newest trace of each path.
    """

    commits: dict[str, CommitTrace] = Field(default_factory=dict)
    patches: dict[str, tuple[CommitTrace, ...]] = Field(default_factory=dict)
    blobs: dict[str, tuple[CommitTrace, ...]] = Field(default_factory=dict)
    latest: dict[str, CommitTrace] = Field(default_factory=dict)


class Asked(Model):
    """What the index is asked about."""

    commits: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    blobs: tuple[str, ...] = ()
    path_keys: tuple[str, ...] = ()


def path_key(path: bytes) -> str:
    """The name of a path in the index."""
    return sha256_text(path.decode("utf-8", "backslashreplace"))


def telling(blobs: Iterable[str]) -> tuple[str, ...]:
    """The file versions that say who made them: not the absent one, and not the empty file, which everybody makes."""
    return tuple(sorted(set(blobs) - _SAY_NOTHING))


def asked_about(seen: Iterable[SeenCommit]) -> Asked:
    """What to ask the index about these commits."""
    commits = tuple(seen)
    files = [f for c in commits for f in c.files]
    return Asked(
        commits=tuple(c.commit for c in commits),
        patches=tuple(sorted({c.patch_id for c in commits if c.patch_id})),
        blobs=telling(b for f in files for b in (f.after, *f.before)),
        path_keys=tuple(sorted({f.path_key for f in files})),
    )


def traced(seen: Iterable[SeenCommit], known: Known, base: dict[str, str]) -> tuple[CommitTrace, ...]:
    """Each commit with everybody who had a part in it, oldest first; `base` maps a path key to the trusted version.

    The parts: what the commit claims; whoever made the same patch; whoever made the same version of a file, or the
    untrusted version it started from; and where nothing matches a path, who was last seen to change that path.
    """
    fresh = _Fresh(known)
    return tuple(fresh.take(commit, base) for commit in seen)


def makers_of(traces: Iterable[CommitTrace]) -> tuple[str, ...]:
    """Everybody in these traces, sorted."""
    return tuple(sorted({m for t in traces for m in t.makers}))


class _Fresh:
    """The index with the commits of this look added one by one."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._blobs: dict[str, tuple[CommitTrace, ...]] = dict(known.blobs)

    def take(self, seen: SeenCommit, base: dict[str, str]) -> CommitTrace:
        same = self._same(seen)
        started = [t for f in seen.files for b in f.before if base.get(f.path_key) != b for t in self._of(b)]
        sources = [*same, *started, *self._last(seen)]
        makers = {*seen.claims, *makers_of(sources)}
        own = self._known.commits.get(seen.commit)
        built = own is not None and own.built
        if seen.poses and not built and not self._is_vouched(seen):
            makers.add(UNSEEN_PUSHER)
        trace = CommitTrace(
            commit=seen.commit,
            patch_id=seen.patch_id,
            makers=tuple(sorted(makers)),
            built=built,
            files=tuple(FileTrace(path_key=f.path_key, blob=f.after) for f in seen.files),
        )
        for blob in telling(f.after for f in seen.files):
            self._blobs[blob] = (*self._of(blob), trace)
        return trace

    def _same(self, seen: SeenCommit) -> list[CommitTrace]:
        """What is remembered of the commit itself, and of others with its patch or with one of its file versions."""
        own = self._known.commits.get(seen.commit)
        patch = self._known.patches.get(seen.patch_id or "", ())
        blobs = [t for f in seen.files for t in self._of(f.after)]
        return [*([own] if own else []), *patch, *blobs]

    def _is_vouched(self, seen: SeenCommit) -> bool:
        """Whether all of it was seen before, so that its makers are those of what it repeats."""
        if self._known.patches.get(seen.patch_id or ""):
            return True
        kept = [f.after for f in seen.files if f.after != NO_BLOB]
        return bool(kept) and all(self._of(blob) for blob in kept)

    def _last(self, seen: SeenCommit) -> list[CommitTrace]:
        """Who was last seen at each path where nothing matches."""
        if seen.commit in self._known.commits or self._known.patches.get(seen.patch_id or ""):
            return []
        unmatched = [f.path_key for f in seen.files if not self._of(f.after)]
        return [self._known.latest[key] for key in unmatched if key in self._known.latest]

    def _of(self, blob: str) -> tuple[CommitTrace, ...]:
        return () if blob in _SAY_NOTHING else self._blobs.get(blob, ())
