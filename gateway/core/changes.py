"""A change to a repository, the same type whichever door it came through."""

from pydantic import Field

from gateway.core.model import Model

MODE_SYMLINK = "120000"
MODE_GITLINK = "160000"
MODE_EXECUTABLE = "100755"
MODE_FILE = "100644"
MODE_ABSENT = "000000"


class ChangedFile(Model):
    """One entry of `git diff-tree -r -z --raw --numstat -M`.

    Modes are git's six octal digits, object ids 40 lower-case hex digits (all zeros where absent).
    `additions` and `deletions` count lines and are 0 for binary files. `size` is how many bytes the file has after
    the change, None when nobody could tell, 0 where it is gone; `link` is the text of a symbolic link, None where
    there is none or it could not be read.
    """

    path: str
    previous_path: str | None = None
    status: str
    old_mode: str
    new_mode: str
    old_oid: str
    new_oid: str
    additions: int = Field(default=0, ge=0)
    deletions: int = Field(default=0, ge=0)
    binary: bool = False
    size: int | None = Field(default=None, ge=0)
    link: str | None = None

    @property
    def is_put_in(self) -> bool:
        """Whether there is a file or link at the path after the change."""
        return self.new_mode not in {MODE_ABSENT, MODE_GITLINK}


class SecretHit(Model):
    """Where a detector found a secret; never the secret."""

    detector: str
    path: str
    line: int


class CommitFact(Model):
    """A commit of the change. `author` and `committer` are roster ids or `unknown`.

    `foreign` is true when the author or committer is neither the agent that proposes nor the gateway. `subject` is
    the first line without addresses, `domain` that of the author's address, `signed_off` by the author.
    """

    id: str
    author: str
    committer: str
    foreign: bool
    verified: bool = False
    co_authors: int = 0
    parents: int = Field(default=1, ge=0)
    subject: str = ""
    signed_off: bool = False
    domain: str | None = None


class CiFacts(Model):
    """What the CI configuration of base and head reaches; `jobs` is how many one pipeline may start, None if unknown."""

    config_path: str = ".gitlab-ci.yml"
    local_includes: tuple[str, ...] = ()
    remote_includes: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    jobs: int | None = None


class OwnedPart(Model):
    """A section of CODEOWNERS that a change touches: how many of these people, by roster id, must agree."""

    section: str
    approvals: int = Field(ge=1)
    owners: tuple[str, ...] = ()


class Ownership(Model):
    """Who owns what a change touches; `unread` counts the lines of the file nobody could make sense of."""

    parts: tuple[OwnedPart, ...] = ()
    unread: int = Field(default=0, ge=0)


class Change(Model):
    """What a commit range changes, measured by git from `base` to `head`.

    `makers` is everybody who had a part in it, as the lineage index knows it (core/lineage.py): roster ids, and
    `unknown:…` for each address nobody is known by. `patch_ids` are git's, commit by commit, oldest first; none at all
    when one of them has none. `irreversible` names signals found in the content (core/irreversible.py). `patch_bytes`
    are the bytes of all lines added and removed and of every binary file put in, None when nobody could tell.
    `dependencies` are those added to package manifests (core/dependencies.py), `unread_manifests` the changed ones
    that nobody could read. `ownership` is read for merge requests, from the target branch. `truncated` is true when a limit cut the measurement; such a change is never judged small.
    """

    base: str
    head: str
    files: tuple[ChangedFile, ...] = ()
    commits: tuple[CommitFact, ...] = ()
    secrets: tuple[SecretHit, ...] = ()
    irreversible: tuple[str, ...] = ()
    ci: CiFacts = CiFacts()
    messages: tuple[str, ...] = ()
    makers: tuple[str, ...] = ()
    patch_ids: tuple[str, ...] = ()
    patch_bytes: int | None = Field(default=None, ge=0)
    dependencies: tuple[str, ...] = ()
    unread_manifests: tuple[str, ...] = ()
    truncated: bool = False
    ownership: Ownership | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path touched, old names of renames included, sorted."""
        both = {f.path for f in self.files} | {f.previous_path for f in self.files if f.previous_path}
        return tuple(sorted(both))

    @property
    def lines(self) -> int:
        """Lines added plus lines deleted."""
        return sum(f.additions + f.deletions for f in self.files)
