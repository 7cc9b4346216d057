"""The form of the parameters of the rules over flow, time, rates, texts, trust and deployments (see `param_models.py`)."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from gateway.core.model import Model
from gateway.core.vocabulary import ActionType
from gateway.workbench.param_models import PATTERN_LENGTH, ByTier, Count, Glob, read_by_re2

DAY_MINUTES = 1440
HOUR_MS = 3_600_000
# Nothing at all is a pattern that every title meets.
_Title = Annotated[str, StringConstraints(max_length=PATTERN_LENGTH), AfterValidator(read_by_re2)]
_Word = Annotated[str, StringConstraints(pattern=r"^[a-z_]+$")]
_Status = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7fA-Z]+$")]
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
_Label = Annotated[str, StringConstraints(pattern=r"^[^\s,]+$")]
_Permille = Annotated[int, Field(ge=1, le=1000)]
_Weekday = Annotated[int, Field(ge=1, le=7)]
_Minute = Annotated[int, Field(ge=0, le=DAY_MINUTES)]


class FlowPipeline(Model):
    """FLOW-001: the words of a pipeline that will still say something."""

    running: tuple[_Word, ...]


class FlowForce(Model):
    """FLOW-002: globs of branches that are never rewritten or removed."""

    protected: tuple[Glob, ...] = Field(min_length=1)


class FlowBranch(Model):
    """FLOW-003: globs of the branches that take merge requests."""

    targets: tuple[Glob, ...]


class Map(Model):
    """For the projects that match: from a status (`*`: any) to the statuses it may be moved to, all in lower case."""

    projects: tuple[Glob, ...] = Field(min_length=1)
    moves: dict[_Status, tuple[_Status, ...]]


class FlowTransitions(Model):
    """FLOW-004: the maps, the first that matches counts."""

    maps: tuple[Map, ...]


class FlowVariables(Model):
    """FLOW-005: names of the variables a pipeline may be given."""

    allowed: tuple[_Name, ...]


class Expected(Model):
    """How a work item is expected: a pattern for its title (RE2), labels it must have."""

    title: _Title
    labels_required: tuple[_Label, ...]


class ExpectedRequest(Expected):
    """How a merge request is expected, and whether as a draft."""

    draft: bool


class FlowExpected(Model):
    """FLOW-006: what is opened, and how."""

    merge_request: ExpectedRequest
    issue: Expected


class FlowNames(Model):
    """FLOW-007: a pattern for the names of branches (RE2); an empty one lets every name be."""

    pattern: _Title


class RateActions(Model):
    """RATE-001: actions an hour and a day."""

    hour: ByTier
    day: ByTier


class RateRequests(Model):
    """RATE-002: merge requests that may be open."""

    open: ByTier


class RateDuplicates(Model):
    """RATE-003: from which likeness on, in permille, two titles say the same."""

    similarity: _Permille


class RateMinutes(Model):
    """RATE-004: what stands in for what could not be counted; without it such an action is denied."""

    jobs: Count | None = None
    job_seconds: Count | None = None


class TextMentions(Model):
    """TEXT-003: how many people a text may call."""

    people: Count


class TextRemote(Model):
    """TEXT-004: globs of hosts that texts may link to."""

    hosts: tuple[Glob, ...]


class TimeFreeze(Model):
    """TIME-001: consequential actions that a freeze lets through."""

    allowed: tuple[ActionType, ...]


class TimeHours(Model):
    """TIME-002: when people are at work, what nobody has to watch, what need not wait."""

    weekdays: tuple[_Weekday, ...]
    from_minute: _Minute
    to_minute: _Minute
    unguarded: tuple[Glob, ...]
    allowed: tuple[ActionType, ...]

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.to_minute <= self.from_minute:
            raise ValueError("work ends after it begins: to_minute is greater than from_minute")
        return self


class BreakGlassLimits(Model):
    """BREAK-001: how long one may last and its review may take, in milliseconds; never more than the gateway allows."""

    ttl_ms: Annotated[int, Field(ge=1, le=HOUR_MS)]
    review_ms: Annotated[int, Field(ge=1, le=24 * HOUR_MS)]


class TrustSources(Model):
    """TRUST-001: which actions a person looks at, who may, and what it means that nothing is known to have been read."""

    actions: tuple[ActionType, ...] = Field(min_length=1)
    roles: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")], ...] = Field(min_length=1)
    no_record: Literal["ignored", "taints"]


class DeployRollback(Model):
    """DEPLOY-001: how long a release must have been healthy, and how long ago, in seconds."""

    healthy_s: Annotated[int, Field(ge=1, lt=2**53)]
    max_age_s: Count


class DeployProduction(Model):
    """DEPLOY-002: globs of environments that need no release manager."""

    unguarded: tuple[Glob, ...]


class DeployMigrations(Model):
    """DEPLOY-003: globs of files that change the shape of data, in lower case."""

    globs: tuple[Annotated[str, StringConstraints(pattern=r"^[^\x00-\x20\x7fA-Z]+$")], ...] = Field(
        min_length=1
    )


MOMENT_PARAMS: Mapping[str, type[Model]] = {
    "FLOW-001": FlowPipeline,
    "FLOW-002": FlowForce,
    "FLOW-003": FlowBranch,
    "FLOW-004": FlowTransitions,
    "FLOW-005": FlowVariables,
    "FLOW-006": FlowExpected,
    "FLOW-007": FlowNames,
    "RATE-001": RateActions,
    "RATE-002": RateRequests,
    "RATE-003": RateDuplicates,
    "RATE-004": RateMinutes,
    "TEXT-003": TextMentions,
    "TEXT-004": TextRemote,
    "TIME-001": TimeFreeze,
    "TIME-002": TimeHours,
    "BREAK-001": BreakGlassLimits,
    "TRUST-001": TrustSources,
    "DEPLOY-001": DeployRollback,
    "DEPLOY-002": DeployProduction,
    "DEPLOY-003": DeployMigrations,
}
"""Code → the model of its parameters, for the rules over everything but changes."""
