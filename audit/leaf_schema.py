"""The form of a leaf, described for readers in other languages. `audit/events.py` makes leaves; nothing here does."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from audit.disclosures import ALGORITHM
from audit.events import TYPE_PREFIX, EventType, Trace
from audit.model import Model

Digest = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
WorkTrace = Annotated[str, Field(pattern=r"^trc_[0-9A-Za-z]{1,64}$")]


class LeafData(Model):
    """What the event says: ids, codes, counts and digests, by names that differ per event type."""

    model_config = ConfigDict(frozen=True, extra="allow")

    sd: tuple[Digest, ...] = Field(
        default=(),
        alias="_sd",
        min_length=1,
        description="Salted digests of private values (RFC 9901), sorted.",
    )
    sd_alg: str = Field(
        default=ALGORITHM, alias="_sd_alg", pattern=f"^{ALGORITHM}$", description="The digests' algorithm."
    )
    trace: Trace | WorkTrace | None = Field(
        default=None,
        description="W3C trace context of a request; or, about work items, the `trc_` id of their story.",
    )


class LeafDocument(Model):
    """One leaf of the log: a CloudEvents 1.0 object with the extension attribute `nonce`."""

    specversion: Literal["1.0"]
    id: str = Field(pattern=r"^evt_[0-9A-Za-z_-]{8,64}$", description="Unique in the log.")
    source: str = Field(min_length=1, description="The origin: the log's name.")
    type: str = Field(
        description="What happened.", json_schema_extra={"enum": [TYPE_PREFIX + kind for kind in EventType]}
    )
    subject: str = Field(pattern=r"^[!-?A-~]{1,200}$", description="The id of what it is about.")
    time: str = Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        description="RFC 3339, UTC, milliseconds.",
    )
    datacontenttype: Literal["application/json"]
    nonce: str = Field(pattern=r"^[0-9a-f]{32}$", description="128 random bits.")
    data: LeafData


def leaf_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a leaf."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **LeafDocument.model_json_schema()}
