"""The form of `policies/data/*.yaml`: what is not declared here does not build.

Data is part of the trust: a freeze that is misspelt would silently not freeze. Everything is ids, roles, globs and
whole numbers; times are milliseconds since 1970, UTC.
"""

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from gateway.core.aims import project_at
from gateway.core.blast_weights import Weights
from gateway.core.catalogue import Catalogue
from gateway.core.model import Model
from gateway.core.policy_input import PolicyInput
from gateway.core.principals import Agent, Person, Tier
from gateway.core.vocabulary import ActionType
from gateway.workbench.contract_floor import left_out
from gateway.workbench.moment_params import MOMENT_PARAMS
from gateway.workbench.param_models import wrong_params

Code = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,12}-[0-9]{3}$")]
Glob = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x20\x7f]+$")]
Millis = Annotated[int, Field(ge=0, lt=2**53)]
_ID = re.compile(r"(agt|prn)_[0-9A-Za-z_]{1,60}")
_GROUPS = frozenset(PolicyInput.model_fields)


class Mode(Model):
    """How a code is taken: enforced, only shown (shadow), or not looked at (off), from a moment on."""

    mode: Literal["enforce", "shadow", "off"]
    effective_from_ms: Millis | None = None


class Exemption(Model):
    """One code excused for one place and agent until `expires_ms`; who answers for it, and the ticket that says why."""

    id: Annotated[str, StringConstraints(pattern=r"^EX-[0-9]+$")]
    code: Code
    project: Glob
    agent: Glob
    expires_ms: Millis
    owner: str
    ticket: str
    reason: Annotated[str, StringConstraints(min_length=1)]


class Grant(Model):
    """What agents of these tiers may do in these projects; `actions` are globs over types (`issue.*`)."""

    tiers: tuple[Tier, ...] = Field(min_length=1)
    actions: tuple[Glob, ...] = Field(min_length=1)
    projects: tuple[Glob, ...] = Field(min_length=1)


class Tiered(Model):
    """A limit by tier: `low` for observers and contributors, `high` for maintainers and stewards."""

    low: int = Field(ge=0)
    high: int = Field(ge=0)


class Budget(Model):
    """What each action whose type matches `actions` draws on: one, or what `amount` counts."""

    budget: str
    window: Literal["hour", "day", "open"]
    amount: Literal["ci_minutes", "pipelines", "bytes"] | None = None
    limit: Tiered
    actions: tuple[Glob, ...] = Field(min_length=1)


class Freeze(Model):
    """A span of time in which nothing that matters changes in `projects`."""

    id: str
    projects: tuple[Glob, ...] = Field(min_length=1)
    starts_ms: Millis
    ends_ms: Millis
    reason: str

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.ends_ms <= self.starts_ms:
            raise ValueError(f"freeze {self.id} ends before it starts")
        return self


class Needs(Model):
    """`needs`: which groups of the policy input an action type must bring."""

    needs: dict[ActionType, tuple[str, ...]] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_known_groups(self) -> Self:
        unknown = sorted({group for groups in self.needs.values() for group in groups} - _GROUPS)
        if unknown:
            raise ValueError(
                f"contract.needs names groups the policy input does not have: {', '.join(unknown)}"
            )
        return self

    @model_validator(mode="after")
    def _asks_for_what_rules_look_at(self) -> Self:
        lacking = left_out(self.needs)
        if lacking:
            raise ValueError(f"contract.needs leaves out what rules look at: {'; '.join(lacking)}")
        return self


class PolicyData(Model):
    """Everything under `policies/data/`: the top-level keys of all its files together."""

    pack: Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9-]{0,30})?$")] = ""
    modes: dict[Code, Mode] = Field(default_factory=dict)
    exceptions: tuple[Exemption, ...] = ()
    grants: dict[str, Grant] = Field(min_length=1)
    budgets: tuple[Budget, ...] = ()
    contract: Needs
    params: dict[Code, dict[str, Any]] = Field(default_factory=dict)
    freezes: tuple[Freeze, ...] = ()
    people: tuple[Person, ...] = ()
    agents: tuple[Agent, ...] = ()
    catalogue: Catalogue = Catalogue()
    weights: dict[str, Any] = Field(default_factory=dict)
    ticket_ttl_ms: int = Field(default=8 * 3600 * 1000, gt=0)
    carry_over_clean_rebase: bool = False
    time_zone: str = "UTC"

    @model_validator(mode="after")
    def _ids_are_used_once(self) -> Self:
        for kind in ("exceptions", "freezes", "people", "agents"):
            ids = [entry.id for entry in getattr(self, kind)]
            twice = sorted({one for one in ids if ids.count(one) > 1})
            if twice:
                raise ValueError(f"{kind} has the same id twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _numbers_are_whole(self) -> Self:
        floats = sorted({*_floats(self.params, "params"), *_floats(self.weights, "weights")})
        if floats:
            raise ValueError(
                f"{', '.join(floats)}: write whole numbers (permille, milliseconds), never fractions"
            )
        return self

    @model_validator(mode="after")
    def _params_are_what_their_rules_read(self) -> Self:
        wrong = (*wrong_params(self.params), *wrong_params(self.params, MOMENT_PARAMS))
        if wrong:
            raise ValueError(f"params: {'; '.join(wrong)}")
        return self

    @model_validator(mode="after")
    def _weights_hold_together(self) -> Self:
        # Strictly: what Python would take for a number (true, "85") is a slip of the pen.
        Weights.model_validate_json(json.dumps(self.weights, default=str), strict=True)
        return self

    @model_validator(mode="after")
    def _agents_hold_known_grants(self) -> Self:
        for agent in self.agents:
            unknown = sorted(set(agent.grants) - self.grants.keys())
            if unknown:
                raise ValueError(f"agent {agent.id} holds grants that do not exist: {', '.join(unknown)}")
        return self

    @model_validator(mode="after")
    def _everybody_is_who_the_id_says(self) -> Self:
        """Nobody is kept from voting on the work of an agent whose owner is misspelt."""
        people = {person.id for person in self.people}
        named = {**dict.fromkeys(people, "prn"), **{agent.id: "agt" for agent in self.agents}}
        for who, kind in named.items():
            if not _ID.fullmatch(who) or not who.startswith(kind):
                raise ValueError(f"{who} is no id here: people are prn_…, agents agt_…")
        for agent in self.agents:
            if agent.owner not in people:
                raise ValueError(f"agent {agent.id} acts for {agent.owner}, who is not in people")
        return self

    @model_validator(mode="after")
    def _places_are_spelt_as_actions_spell_them(self) -> Self:
        """What is spelt otherwise matches no action: a freeze would not freeze, a deployment would go unseen."""
        globs = {glob for freeze in self.freezes for glob in freeze.projects if not _is_place_glob(glob)}
        named = {s.project for s in self.catalogue.services} | {
            e.project for e in self.catalogue.environments
        }
        wrong = globs | {project for project in named if project_at(project) != project}
        if wrong:
            raise ValueError(
                f"{', '.join(sorted(wrong))}: write GitLab projects as shop/checkout, in lower case, "
                "and Jira's in freezes as jira:SHOP"
            )
        return self


def _is_place_glob(glob: str) -> bool:
    """Whether a glob is written like the places of actions: `shop/*`, `jira:SHOP`, `**`, `loopgate`."""
    if glob.startswith("jira:"):
        return glob == f"jira:{glob.removeprefix('jira:').upper()}"
    return glob == glob.lower() and ("/" in glob or "*" in glob or glob == "loopgate")


def _floats(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, float):
        yield where
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, entry in entries:
        yield from _floats(entry, f"{where}.{key}")
