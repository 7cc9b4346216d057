"""Every setting once: what it means, and what trusting it means.

Read from `loopgate.toml` in the home folder, then from `LOOPGATE_…` variables (`LOOPGATE_GITLAB__URL`), which win.
Secrets are never settings: a setting names where a secret is kept.
"""

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from gateway.core.errors import SettingsError
from gateway.core.principals import Door

CONFIG_NAME = "loopgate.toml"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SecretSource(_Section):
    """Where a vendor credential is kept: exactly one of a 0600 file, an environment variable, a command.

    Trust: whoever can write that place acts on the vendor in the gateway's name.
    """

    file: Path | None = Field(default=None, description="A file with mode 0600 that holds only the secret.")
    environment: str | None = Field(default=None, description="The name of an environment variable.")
    command: tuple[str, ...] = Field(default=(), description="A command (no shell) that prints the secret.")


class GitLabSettings(_Section):
    """The forge. Two identities: `road` (Developer) and `merge` (Maintainer)."""

    url: str = Field(
        default="", description="Origin of the GitLab instance. Trust: everything it says is a fact."
    )
    road: SecretSource = Field(
        default=SecretSource(), description="Developer token: branches, issues, merge requests."
    )
    merge: SecretSource = Field(
        default=SecretSource(), description="Maintainer token: merges, protected refs, rollback."
    )
    road_username: str = Field(
        default="loopgate-road", description="Username of the road identity, to know its own commits."
    )
    people: dict[str, str] = Field(
        default={},
        description="Roster ids of people by their GitLab username, so that authors are recognised.",
    )
    service_accounts: dict[str, str] = Field(
        default={},
        description="Who answers for a bot that commits or opens merge requests: a roster id by the bot's username or "
        "e-mail address, `*` for any characters. Trust: the bot's work counts as that person's.",
    )
    signing_keys: dict[str, tuple[str, ...]] = Field(
        default={},
        description="OpenSSH public keys (`ssh-ed25519 …`) by roster id, so that commits they signed are verified. "
        "Trust: whoever holds a key commits as that person.",
    )
    gateway_emails: tuple[str, ...] = Field(
        default=(),
        description="E-mail addresses of the two identities on GitLab, as their merge commits carry them.",
    )
    merge_username: str = Field(default="loopgate-merge", description="Username of the merge identity.")

    def person(self, username: str) -> str | None:
        """The roster id behind a username of the forge: the person, or who answers for the bot."""
        bots = (owner for name, owner in sorted(self.service_accounts.items()) if fnmatchcase(username, name))
        return self.people.get(username) or next(bots, None)


class JiraSettings(_Section):
    """The tracker."""

    url: str = Field(
        default="", description="Origin of the Jira Cloud site. Trust: issue states are its word."
    )
    email: str = Field(default="", description="Account of the API token; empty for a bearer token.")
    token: SecretSource = Field(default=SecretSource(), description="API token of the gateway's own account.")
    people: dict[str, str] = Field(
        default={},
        description="Jira account id to `prn_…` or `agt_…`, for issues to be assigned. Trust: who is given work.",
    )


class NotifySettings(_Section):
    """How people are told of tickets, stops and doubts."""

    base_url: str = Field(
        default="", description="Where people reach the gateway, for links in notices; empty means no links."
    )
    comments: bool = Field(
        default=False,
        description="Comment on the Jira issue or merge request an action concerns. Trust: whoever reads it there.",
    )
    webhook: SecretSource = Field(
        default=SecretSource(),
        description="The address notices are sent to, where it is kept: at some receivers it is a secret. "
        "Trust: the receiver reads every notice.",
    )
    webhook_secret: SecretSource = Field(
        default=SecretSource(), description="The secret that signs what is sent there; one is required."
    )


class EgressSettings(_Section):
    """Where the gateway itself may connect."""

    loopback: tuple[str, ...] = Field(
        default=(),
        description="`host:port` on this machine reachable over plain http. Trust: any local process there.",
    )
    allow: tuple[str, ...] = Field(
        default=(), description="Host names with private addresses that may be reached."
    )
    timeout_s: int = Field(default=20, ge=1, le=120, description="Seconds until a vendor call is given up.")
    max_bytes: int = Field(
        default=20_000_000, ge=1_000_000, description="Largest answer that is read, in bytes."
    )


class PolicySettings(_Section):
    """Who judges."""

    folder: Path = Field(
        default=Path("policies"),
        description="The policy checkout that `serve` loads. Trust: its authors decide.",
    )
    engine: Literal["wasm", "server"] = Field(
        default="wasm", description="In-process WASM, or an OPA server."
    )
    server_url: str = Field(
        default="", description="The OPA server for `engine = server`. Trust: it decides."
    )
    keys: tuple[str, ...] = Field(
        default=(),
        description="Public keys, as `loopgate policy key` prints them, that sign policies. Trust: a policy signed by "
        "one of them may be proposed; without any, none can be uploaded.",
    )


class OidcIssuer(_Section):
    """An issuer whose JWTs sign agents in. Trust: it can be any agent mapped to it."""

    issuer: str = Field(description="The `iss` claim, exactly.")
    audience: str = Field(description="The `aud` claim this door wants.")
    jwks_file: Path | None = Field(default=None, description="A JWKS document on disk.")
    jwks_url: str = Field(default="", description="Where to fetch the JWKS; goes through egress.")
    claims: dict[str, str] = Field(
        min_length=1,
        description="Claims that must be equal, e.g. project_path, ref_protected; one at least. "
        "Trust: any JWT of the issuer that has them, for whoever asks for a JWT chooses its audience.",
    )
    agent: str = Field(description="The agent (`agt_…`) such a token signs in.")
    doors: tuple[Door, ...] = Field(
        default=(Door.REST,), description="The doors its tokens open; audience is per door."
    )
    once: bool = Field(default=False, description="Accept each `jti` one time only, as CI tokens should be.")


class EvidenceSettings(_Section):
    """What must outlive the database."""

    remember_in: tuple[Path, ...] = Field(
        default=(),
        description="Folders besides `home` where checkpoints are remembered; on another disk, so that a database "
        "restored from an old backup is seen even when the home was restored with it. Trust: whoever can write "
        "there can keep the gateway from starting, and no more.",
    )


class ServeSettings(_Section):
    """The process."""

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; put TLS in front of anything else."
    )
    port: int = Field(default=8400, ge=0, le=65535, description="Port of the API; 0 picks a free one.")
    metrics_port: int = Field(default=0, ge=0, le=65535, description="Port of /metrics; 0 turns it off.")
    metrics_host: str = Field(
        default="127.0.0.1",
        description="Address of /metrics. Trust: whoever reaches it reads counts and routes, without a credential.",
    )
    queue: int = Field(default=2000, ge=10, description="Units the writer queues before it answers 503.")
    poll_s: float = Field(default=1.0, gt=0, le=60, description="Seconds between looks at what is due.")
    proposals_per_minute: int = Field(
        default=1200,
        ge=0,
        description="Proposals one agent may make each minute at one replica; more answer 429 and are counted in one "
        "event. 0 is no limit. Trust: without a limit an agent fills the log as fast as it can ask.",
    )
    dry_runs_per_hour: int = Field(
        default=1200,
        ge=0,
        description="Dry runs one agent may make each hour, over all replicas. 0 is no limit.",
    )


class ObservabilitySettings(_Section):
    """What the gateway tells about itself besides its log of evidence."""

    otlp_endpoint: str = Field(
        default="",
        description="OTLP/HTTP address for traces, such as http://127.0.0.1:4318/v1/traces; empty turns them off. "
        "Trust: it learns ids, times and routes, no text.",
    )
    log_form: Literal["json", "text"] = Field(
        default="json", description="How log lines on standard error look: JSON, or text for a person."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least serious level that is logged."
    )
    access_log: bool = Field(
        default=False, description="A log line for each request: method, route, status, milliseconds."
    )


class Settings(BaseSettings):
    """All settings. `home` holds keys, database and mirrors and must be a 0700 folder."""

    model_config = SettingsConfigDict(
        env_prefix="LOOPGATE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    home: Path = Field(
        default=Path(".loopgate"), description="Folder of keys, database, mirrors. Trust: all of it."
    )
    origin: str = Field(
        default="loopgate.local",
        description="The log's name for ever, and the host of agents' e-mail addresses.",
    )
    database_url: str = Field(default="", description="SQLAlchemy URL; empty means a SQLite file in `home`.")
    gitlab: GitLabSettings = GitLabSettings()
    jira: JiraSettings = JiraSettings()
    notify: NotifySettings = NotifySettings()
    egress: EgressSettings = EgressSettings()
    policy: PolicySettings = PolicySettings()
    serve: ServeSettings = ServeSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    observability: ObservabilitySettings = ObservabilitySettings()
    oidc: tuple[OidcIssuer, ...] = Field(
        default=(), description="The issuers whose JWTs sign agents in: one `[[oidc]]` table each."
    )

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in use."""
        return self.database_url or f"sqlite:///{self.home / 'loopgate.db'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is the library's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is the library's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Variables first, then what `load_settings` read from the file."""
        return env_settings, init_settings


def load_settings(home: Path) -> Settings:
    """The settings of one home folder. Raises `SettingsError` naming each wrong setting."""
    path = home / CONFIG_NAME
    try:
        given = TomlConfigSettingsSource(Settings, toml_file=path)() if path.exists() else {}
        # The folder that was asked for, whatever LOOPGATE_HOME says.
        return Settings(**{**given, "home": home}).model_copy(update={"home": home})
    except (ValidationError, ValueError) as error:
        raise SettingsError(_sentence(path, error)) from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error


def _sentence(path: Path, error: ValueError) -> str:
    """What is wrong, each with where it was set: an environment variable comes after the file and wins."""
    if not isinstance(error, ValidationError):
        return f"{path}: {error}"
    wrong = []
    for one in error.errors():
        parts = [str(part) for part in one["loc"]]
        variable = "LOOPGATE_" + "__".join(parts).upper()
        where = variable if variable in os.environ else f"{path}: {'.'.join(parts)}"
        said = "there is no such setting" if one["type"] == "extra_forbidden" else one["msg"]
        wrong.append(f"{where}: {said}")
    return "; ".join(wrong)
