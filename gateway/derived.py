"""Facts derived from other facts and the policy's own data: pure functions that `gathering.py` composes."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.core import irreversible
from gateway.core.actions import Action
from gateway.core.catalogue import Catalogue
from gateway.core.changes import Change
from gateway.core.facts import (
    AgentFacts,
    ApprovalFact,
    ContextFacts,
    JobFacts,
    MergeRequestFacts,
    PipelineFacts,
    TagFacts,
    UsageFacts,
)
from gateway.core.globs import matches
from gateway.core.lineage import UNKNOWN_PREFIX
from gateway.core.params import DeploymentRollback
from gateway.core.principals import Roster, Tier
from gateway.core.session_sources import SourceFact
from gateway.core.tickets import Ticket
from gateway.core.vocabulary import ActionType, System

UNKNOWN = "unknown"
PRODUCTION = "production"
_TIERS = tuple(Tier)
_WRITES_BRANCH = frozenset(
    {
        ActionType.COMMIT_CREATE,
        ActionType.COMMIT_REVERT,
        ActionType.COMMIT_CHERRY_PICK,
        ActionType.BRANCH_CREATE,
    }
)
_AIMS_AT_ENVIRONMENT = frozenset({ActionType.DEPLOYMENT_ROLLBACK, ActionType.ENVIRONMENT_STOP})
_RUNS_JOB = frozenset({ActionType.JOB_PLAY, ActionType.JOB_RETRY, ActionType.JOB_CANCEL})
_RUNS_CI = frozenset(
    {
        ActionType.MERGE_REQUEST_MERGE,
        ActionType.PIPELINE_RUN,
        ActionType.PIPELINE_RETRY,
        ActionType.TAG_CREATE,
    }
)
# Words of an environment's name, gravest first; a name that has none of them is taken for production.
_GRAVITY: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("production", ("production", "prod", "live")),
    ("staging", ("staging", "stage", "preprod", "uat")),
    ("test", ("test", "testing", "qa", "integration")),
    ("dev", ("dev", "development", "review", "preview", "sandbox")),
)


def agent_facts(
    action: Action, roster: Roster, usage: UsageFacts, *, suspended: bool, current_tier: str | None
) -> AgentFacts:
    """The agent as the roster and the database know it; one the roster does not know is suspended.

    A person of the roster acts for itself, at the lowest tier, with the grants of its roles (`role:operator`), and
    only on the gateway's own things.
    """
    entry = roster.agent(action.agent)
    person = roster.person(action.agent)
    if entry is None and person is not None:
        return AgentFacts(
            id=person.id,
            owner=person.id,
            tier=Tier.OBSERVER.value,
            status="suspended" if suspended else "active",
            grants=tuple(sorted(f"role:{role.value}" for role in person.roles)),
            projects=(System.LOOPGATE.value,),
            branch_prefix="agent/",
            usage=usage,
        )
    if entry is None:
        return AgentFacts(
            id=action.agent,
            owner=action.on_behalf_of,
            tier=Tier.OBSERVER.value,
            status="suspended",
            branch_prefix="agent/",
            usage=usage,
        )
    return AgentFacts(
        id=entry.id,
        owner=entry.owner,
        tier=lower_tier(entry.tier, current_tier).value,
        status="suspended" if suspended else "active",
        grants=tuple(sorted(entry.grants)),
        projects=tuple(sorted(entry.projects)),
        branch_prefix=entry.branch_prefix,
        usage=usage,
    )


def lower_tier(ceiling: Tier, current: str | None) -> Tier:
    """The lower of the roster's ceiling and the tier set at run time; a word nobody knows is the lowest."""
    if current is None:
        return ceiling
    now = next((t for t in _TIERS if t.value == current), Tier.OBSERVER)
    return min(ceiling, now, key=_TIERS.index)


def zone_of(name: str) -> tzinfo | None:
    """The time zone of that name, or None when this machine does not know it."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def context_facts(
    now_ms: int, zone: tzinfo, *, clock_ok: bool, door: str, sources: tuple[SourceFact, ...] = ()
) -> ContextFacts:
    """The moment, with weekday and minute of the day in the project's time zone, and what the agent has read."""
    local = datetime.fromtimestamp(now_ms / 1000, tz=zone)
    return ContextFacts(
        now_ms=now_ms,
        local_weekday=local.isoweekday(),
        local_minute=local.hour * 60 + local.minute,
        clock_ok=clock_ok,
        door=door,
        sources=sources,
        sources_total=len(sources),
    )


def approvals_of(ticket: Ticket | None) -> tuple[ApprovalFact, ...]:
    """The approving votes of the action's ticket, each with the head the voter was asked about."""
    if ticket is None:
        return ()
    head = ticket.question.subject.get("head")
    sha = head if isinstance(head, str) else None
    voters = sorted({v.voter for v in ticket.votes if v.answer == "approve"})
    return tuple(
        ApprovalFact(id=v, kind="agent" if v.startswith("agt_") else "person", sha=sha) for v in voters
    )


def authors_of(
    change: Change | None, request: MergeRequestFacts | None, roster: Roster
) -> tuple[tuple[str, ...], int]:
    """Who made the change, as roster ids with the owner of every agent, and how many makers are unknown.

    Each unknown identity counts: with two of them, two voters may be makers (ADR 0015). The opener of a merge request
    whom nobody knows may be a third. The gateway's own identity (`gateway`) makes nothing by itself.
    """
    named = (
        {i for c in change.commits for i in (c.author, c.committer)} | set(change.makers) if change else set()
    )
    if any(i.startswith(UNKNOWN_PREFIX) for i in named):
        # The same people by address; the commits' own word for them says no more.
        named.discard(UNKNOWN)
    if request and request.iid:
        named.add(f"{UNKNOWN_PREFIX}opener" if request.author == UNKNOWN else request.author)
    named.discard("gateway")
    known = {i for i in named if roster.agent(i) or roster.person(i)}
    owners = {a.owner for a in roster.agents if a.id in known}
    return tuple(sorted(known | owners)), len(named - known)


def deploys_to(
    action: Action,
    change: Change | None,
    request: MergeRequestFacts | None,
    catalogue: Catalogue,
    *,
    pipeline: PipelineFacts | None = None,
    job: JobFacts | None = None,
) -> tuple[str, ...]:
    """The environments this action would deploy to: the branch map's and the CI jobs', sorted.

    A merge whose CI configuration cannot be read whole, to a branch the map does not name, deploys to production
    for all we know (policy.md DEPLOY-002: unknown = production). So does a pipeline that is started.
    """
    if action.type in _AIMS_AT_ENVIRONMENT:
        return (action.target.environment or PRODUCTION,)
    if action.type in _WRITES_BRANCH:
        return _mapped(action, action.target.branch, catalogue)
    if action.type in _RUNS_JOB:
        return _of_job(job, change)
    if action.type not in _RUNS_CI:
        return ()
    merged = request.target_branch if request else None
    mapped = _mapped(action, merged or (pipeline.ref if pipeline else None), catalogue)
    jobs = _of_jobs(change)
    if jobs is None:
        return mapped or (PRODUCTION,)
    return tuple(sorted({*mapped, *jobs}))


def with_signals(action: Action, change: Change | None, tag: TagFacts | None) -> Change | None:
    """The change with the signs that the action itself cannot be taken back."""
    if change is None or tag is None:
        return change
    signs = irreversible.tag_signals(action.type, protected=tag.protected, released=tag.released)
    return change.model_copy(update={"irreversible": tuple(sorted({*change.irreversible, *signs}))})


def gravest(environments: tuple[str, ...]) -> str:
    """The gravest class among them: none, dev, test, staging or production."""
    classes = {_class_of(e) for e in environments}
    return next((name for name, _ in _GRAVITY if name in classes), "none")


def reverts_by_commit(action: Action) -> bool:
    """Whether this is a rollback by a revert commit."""
    return isinstance(action.params, DeploymentRollback) and action.params.method == "revert"


def _mapped(action: Action, branch: str | None, catalogue: Catalogue) -> tuple[str, ...]:
    here = [e for e in catalogue.environments if e.project == action.target.project]
    return tuple(sorted({e.environment for e in here if branch and matches(e.branch, branch)}))


def _of_job(job: JobFacts | None, change: Change | None) -> tuple[str, ...]:
    """The job's environment; when nobody can tell it, every environment of the configuration, or production."""
    if job is not None and job.environment != UNKNOWN:
        return (job.environment,) if job.environment else ()
    found = _of_jobs(change)
    return (PRODUCTION,) if found is None or job is None else found


def _of_jobs(change: Change | None) -> tuple[str, ...] | None:
    if change is None or change.truncated or UNKNOWN in change.ci.environments:
        return None
    return change.ci.environments


def _class_of(environment: str) -> str:
    words = environment.lower().replace("_", "-").replace("/", "-").split("-")
    return next((name for name, known in _GRAVITY if any(w in known for w in words)), PRODUCTION)
