"""Who asks: agents, people, systems; and what each may."""

from enum import StrEnum

from gateway.core.model import Model


class Role(StrEnum):
    """Route roles. What a person may approve is `approves_as`, not a route role."""

    AGENT = "agent"
    APPROVER = "approver"
    POLICY_AUTHOR = "policy-author"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    SYSTEM = "system"


class Tier(StrEnum):
    """Trust tiers, lowest first."""

    OBSERVER = "observer"
    CONTRIBUTOR = "contributor"
    MAINTAINER = "maintainer"
    STEWARD = "steward"


class Door(StrEnum):
    """The ways in; a credential is good for one audience of them."""

    REST = "rest"
    MCP = "mcp"
    GIT = "git"
    GITLAB = "gitlab"
    JIRA = "jira"
    LOOP = "loop"


class Scope(Model):
    """What a token may touch: project globs (`shop/*`, `jira:SHOP`) and action types (`issue.*`)."""

    projects: tuple[str, ...] = ()
    action_types: tuple[str, ...] = ()


class Principal(Model):
    """Somebody the gateway has authenticated.

    `id` is `agt_…` for agents and `prn_…` for people. `owner` is the person an agent acts for.
    `expires_ms` is when the credential ends (milliseconds since 1970, UTC).
    """

    id: str
    roles: tuple[Role, ...]
    owner: str | None = None
    scope: Scope = Scope()
    door: Door = Door.REST
    token_id: str | None = None
    expires_ms: int | None = None

    @property
    def is_agent(self) -> bool:
        """Whether this is an agent (and so acts for its owner)."""
        return Role.AGENT in self.roles


class Person(Model):
    """A roster entry of policies/data/people.yaml: ids and roles, never a name."""

    id: str
    roles: tuple[Role, ...] = ()
    approves_as: tuple[str, ...] = ()
    deputy: str | None = None


class Agent(Model):
    """A roster entry of policies/data/agents.yaml."""

    id: str
    owner: str
    tier: Tier
    grants: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    branch_prefix: str = "agent/"


class Roster(Model):
    """Every agent and person the policy in force knows."""

    people: tuple[Person, ...] = ()
    agents: tuple[Agent, ...] = ()

    def person(self, person_id: str) -> Person | None:
        """The person with that id, if the roster has one."""
        return next((p for p in self.people if p.id == person_id), None)

    def agent(self, agent_id: str) -> Agent | None:
        """The agent with that id, if the roster has one."""
        return next((a for a in self.agents if a.id == agent_id), None)
