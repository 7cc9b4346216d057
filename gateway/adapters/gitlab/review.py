"""What of GitLab's own settings lets somebody past the gateway, or makes a promise false. Reads only.

Pure judgements over what was read stand first; `Reviewer` reads as the merge identity, because GitLab shows a
project's settings to Maintainers only. Sources: docs.gitlab.com/api/protected_branches, projects, members,
merge_request_approvals, project_job_token_scopes, personal_access_tokens (19.5).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from pydantic import Field

from gateway.adapters.gitlab.forge import Answer, Forge, NotThereError, project_path
from gateway.adapters.gitlab.protection import is_protected
from gateway.core.errors import FactsMissingError

_DEVELOPER, _MAINTAINER, _OWNER = 30, 40, 50
_WORD_OF = {0: "no member", 10: "Guest", 20: "Reporter", _DEVELOPER: "Developer", _MAINTAINER: "Maintainer"}
_NEEDED = frozenset({"api"})
_TOO_MUCH = frozenset({"sudo", "admin_mode", "create_runner", "manage_runner"})
_NAMED = 5
A = TypeVar("A", bound=Answer)


class Grade(StrEnum):
    """How bad it is: a `fail` breaks a promise, a `warn` leaves something to people's good will."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was looked at: where, what, how it stands, and what to do about it."""

    place: str
    subject: str
    grade: Grade
    detail: str = ""


class Account(Answer):
    """`GET /user` of a token's owner; `is_admin` is told to administrators only."""

    id: int
    username: str
    is_admin: bool = False


class OwnToken(Answer):
    """`GET /personal_access_tokens/self`."""

    scopes: tuple[str, ...] = ()
    expires_at: str | None = None


class Member(Answer):
    """A member of `GET /projects/:id/members/all`."""

    id: int
    username: str
    access_level: int


class Level(Answer):
    """Who may push or merge: a role and all above it, or one user, group or deploy key."""

    access_level: int | None = None
    user_id: int | None = None
    group_id: int | None = None
    deploy_key_id: int | None = None

    @property
    def is_named(self) -> bool:
        """Whether it lets in one account, group or key, whatever its role."""
        return any((self.user_id, self.group_id, self.deploy_key_id))


class Protection(Answer):
    """A member of `GET /projects/:id/protected_branches`."""

    name: str
    push_access_levels: tuple[Level, ...] = ()
    merge_access_levels: tuple[Level, ...] = ()
    allow_force_push: bool = False


class Shape(Answer):
    """The settings of `GET /projects/:id` that matter here."""

    path_with_namespace: str
    default_branch: str | None = None
    only_allow_merge_if_pipeline_succeeds: bool | None = None
    allow_merge_on_skipped_pipeline: bool | None = None
    ci_push_repository_for_job_token_allowed: bool | None = None


class Approvals(Answer):
    """`GET /projects/:id/approvals`, which only paid editions have."""

    reset_approvals_on_push: bool | None = None
    merge_requests_author_approval: bool | None = None
    merge_requests_disable_committers_approval: bool | None = None


class JobTokens(Answer):
    """`GET /projects/:id/job_token_scope`."""

    inbound_enabled: bool = Field(default=True)


def of_identity(name: str, account: Account, token: OwnToken) -> Iterator[Verdict]:
    """What a credential may do anywhere: too little to work with, or more than any action needs."""
    lacking, extra = _NEEDED - set(token.scopes), _TOO_MUCH & set(token.scopes)
    place = f"identity {name}"
    if lacking:
        yield Verdict(
            place, "scopes", Grade.FAIL, f"The token lacks {_and(lacking)}: make one with that scope."
        )
    if extra:
        yield Verdict(
            place, "scopes", Grade.FAIL, f"The token has {_and(extra)}: make one without, no action needs it."
        )
    if not lacking and not extra:
        yield Verdict(place, "scopes", Grade.OK)
    if account.is_admin:
        detail = f"{account.username} is an administrator, whom no protection stops: take that role away."
        yield Verdict(place, "administrator", Grade.FAIL, detail)


def of_roles(place: str, road: int, merge: int) -> Iterator[Verdict]:
    """The roles of the two identities in a project, as GitLab's access levels."""
    yield _role(place, "road", road, _DEVELOPER, "CI of what agents push would run with these rights")
    yield _role(place, "merge", merge, _MAINTAINER, "it could take the protection away")


def of_protection(place: str, branch: str, rules: tuple[Protection, ...], merge_id: int) -> Iterator[Verdict]:
    """Who gets onto the default branch without the gateway. GitLab lets in whom any matching rule lets in."""
    found = [rule for rule in rules if is_protected(branch, (rule.name,))]
    subject = f"branch {branch}"
    if not found:
        detail = "It is not protected: protect it so that nobody pushes and only Maintainers merge."
        yield Verdict(place, subject, Grade.FAIL, detail)
        return
    yield from _told(place, f"{subject}: force pushes", *_of_force(found))
    yield from _told(place, f"{subject}: pushes", *_of_pushes(found))
    yield from _told(place, f"{subject}: merges", *_of_merges(found, merge_id))


def of_settings(place: str, shape: Shape, jobs: JobTokens | None) -> Iterator[Verdict]:
    """Merge checks and job tokens."""
    checked, skipped = shape.only_allow_merge_if_pipeline_succeeds, shape.allow_merge_on_skipped_pipeline
    yield from _told(
        place,
        "pipelines must succeed",
        (not checked, Grade.WARN, "It is off, so people can merge what is red: turn it on."),
        (skipped, Grade.WARN, "A skipped pipeline counts as a good one: turn that off."),
    )
    pushes = shape.ci_push_repository_for_job_token_allowed
    open_ = jobs is not None and not jobs.inbound_enabled
    yield from _told(
        place,
        "job tokens",
        (pushes, Grade.FAIL, "A CI job may push with its own token, past the gateway: forbid it."),
        (open_, Grade.WARN, "Jobs of every project may use this one: limit access to an allowlist."),
    )


def of_approvals(place: str, approvals: Approvals | None) -> Iterator[Verdict]:
    """GitLab's own approvals, which stand beside the gateway's; None where the edition has none."""
    if approvals is None:
        yield Verdict(place, "approvals", Grade.OK, "Not in this edition; the gateway's own are enough.")
        return
    by_committer = approvals.merge_requests_disable_committers_approval is False
    yield from _told(
        place,
        "approvals",
        (
            not approvals.reset_approvals_on_push,
            Grade.WARN,
            "They outlive new commits: let a push remove them.",
        ),
        (
            approvals.merge_requests_author_approval,
            Grade.WARN,
            "Authors may approve their own: forbid that.",
        ),
        (by_committer, Grade.WARN, "Who committed may approve: forbid that."),
    )


def of_members(place: str, members: tuple[Member, ...], ours: frozenset[str]) -> Verdict:
    """Who else could merge, or change the settings."""
    others = sorted(m.username for m in members if m.access_level >= _MAINTAINER and m.username not in ours)
    if not others:
        return Verdict(place, "other Maintainers", Grade.OK)
    detail = f"{_and(others)} can merge and change settings without the gateway: lower them to Developer."
    return Verdict(place, "other Maintainers", Grade.WARN, detail)


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Reads what is judged above. Every reading that fails is a verdict of its own."""

    road: Forge
    merge: Forge

    def review(self, projects: tuple[str, ...]) -> tuple[Verdict, ...]:
        """Both identities, then each project. Blocks the calling thread."""
        return (*self._identities(), *(v for project in projects for v in self._project(project)))

    def _identities(self) -> Iterator[Verdict]:
        try:
            accounts = {name: forge.get("/user", Account) for name, forge in self._forges()}
            tokens = {
                name: forge.get("/personal_access_tokens/self", OwnToken) for name, forge in self._forges()
            }
        except FactsMissingError as error:
            yield Verdict("identities", "tokens", Grade.FAIL, error.detail)
            return
        for name, account in accounts.items():
            yield from of_identity(name, account, tokens[name])
        if accounts["road"].id == accounts["merge"].id:
            detail = "One account does both, so CI of agents' branches could merge: make a second account."
            yield Verdict("identities", "two accounts", Grade.FAIL, detail)

    def _project(self, project: str) -> Iterator[Verdict]:
        try:
            yield from self._read(project)
        except FactsMissingError as error:
            yield Verdict(
                project, "settings", Grade.WARN, f"They could not be read, look yourself: {error.detail}"
            )

    def _read(self, project: str) -> Iterator[Verdict]:
        members = self.merge.list(project_path(project, "members/all"), Member)
        roles = {m.username: m.access_level for m in members}
        ids = {m.username: m.id for m in members}
        road, merge = self.road.username, self.merge.username
        yield from of_roles(project, roles.get(road, 0), roles.get(merge, 0))
        yield of_members(project, members, frozenset({road, merge}))
        shape = self.merge.get(project_path(project), Shape)
        rules = self.merge.list(project_path(project, "protected_branches"), Protection)
        yield from of_protection(project, shape.default_branch or "main", rules, ids.get(merge, 0))
        yield from of_settings(project, shape, self._optional(project, "job_token_scope", JobTokens))
        yield from of_approvals(project, self._optional(project, "approvals", Approvals))

    def _optional(self, project: str, part: str, kind: type[A]) -> A | None:
        try:
            return self.merge.get(project_path(project, part), kind)
        except NotThereError:
            return None

    def _forges(self) -> tuple[tuple[str, Forge], ...]:
        return (("road", self.road), ("merge", self.merge))


Doubt = tuple[bool | None, Grade, str]


def _told(place: str, subject: str, *doubts: Doubt) -> Iterator[Verdict]:
    """Each doubt that is true, or one `ok`."""
    found = [Verdict(place, subject, grade, detail) for wrong, grade, detail in doubts if wrong]
    yield from found or [Verdict(place, subject, Grade.OK)]


def _role(place: str, name: str, level: int, wanted: int, danger: str) -> Verdict:
    subject, is_, must = f"role of {name}", _word(level), _word(wanted)
    if level == wanted:
        return Verdict(place, subject, Grade.OK)
    if level < wanted:
        return Verdict(place, subject, Grade.FAIL, f"It is {is_}, too little to work: make it {must}.")
    return Verdict(place, subject, Grade.FAIL, f"It is {is_}, and {danger}: make it {must}.")


def _word(level: int) -> str:
    return _WORD_OF.get(level, "Owner" if level >= _OWNER else f"level {level}")


def _of_force(rules: list[Protection]) -> tuple[Doubt, ...]:
    forced = any(rule.allow_force_push for rule in rules)
    return ((forced, Grade.FAIL, "They are allowed, so what was merged can be taken back: forbid them."),)


def _of_pushes(rules: list[Protection]) -> tuple[Doubt, ...]:
    levels = [level for rule in rules for level in rule.push_access_levels]
    lowest = min((n for one in levels if (n := one.access_level) and not one.is_named), default=0)
    named = sum(one.is_named for one in levels)
    return (
        (
            0 < lowest < _MAINTAINER,
            Grade.FAIL,
            "Developers may push there, the road identity too: allow nobody.",
        ),
        (
            lowest >= _MAINTAINER,
            Grade.WARN,
            "Maintainers may push there without a merge request: allow nobody.",
        ),
        (named > 0, Grade.FAIL, f"{named} accounts, groups or deploy keys may push there: remove them."),
    )


def _of_merges(rules: list[Protection], merge_id: int) -> tuple[Doubt, ...]:
    levels = [level for rule in rules for level in rule.merge_access_levels]
    lowest = min((n for one in levels if (n := one.access_level) and not one.is_named), default=0)
    others = sum(one.is_named and one.user_id != merge_id for one in levels)
    ours = any(one.user_id == merge_id for one in levels)
    return (
        (
            0 < lowest < _MAINTAINER,
            Grade.FAIL,
            "Developers may merge without the gateway: allow Maintainers only.",
        ),
        (others > 0, Grade.FAIL, f"{others} accounts or groups may merge without the gateway: remove them."),
        (not lowest and not ours, Grade.FAIL, "The merge identity may not merge there: allow it."),
    )


def _and(words: frozenset[str] | list[str]) -> str:
    """A few of them by name."""
    known = sorted(words)
    left = len(known) - _NAMED
    return ", ".join(known[:_NAMED]) + (f" and {left} more" if left > 0 else "")
