"""A compiled policy: what the build makes and the engines load."""

import json
from pathlib import Path
from typing import Any

from gateway.core.budgets import Allowance
from gateway.core.catalogue import Catalogue
from gateway.core.model import Model
from gateway.core.principals import Roster
from gateway.core.rulings import PolicyVersion, RuleCard
from gateway.ports import PolicyInForce

ENTRYPOINT = "gate/decision"


class BuiltPolicy(Model):
    """Both bundles of one tree and what they were made of.

    `digest` is SHA-256 over the canonical JSON of {path: SHA-256} of all Rego, data, capabilities and the entrypoint;
    `wasm_sha256` is of policy.wasm alone. `revision` is the git commit of the policy folder; empty when git tracks nothing of it. `data_json` is the
    canonical data as both engines load it.
    """

    digest: str
    revision: str
    wasm_sha256: str
    wasm_bundle: Path
    rego_bundle: Path
    wasm_path: Path
    data_json: bytes
    cards: dict[str, RuleCard]
    files: dict[str, str]

    @property
    def data(self) -> dict[str, Any]:
        """The data document, a fresh copy each time."""
        document: dict[str, Any] = json.loads(self.data_json)
        return document

    def in_force(self, engine: str, engine_version: str) -> PolicyInForce:
        """What the road needs to know of this policy when `engine` evaluates it."""
        data = self.data
        return PolicyInForce(
            version=PolicyVersion(
                digest=self.digest, revision=self.revision, engine=engine, engine_version=engine_version
            ),
            cards=self.cards,
            roster=Roster(people=data.get("people", ()), agents=data.get("agents", ())),
            catalogue=Catalogue.model_validate(data.get("catalogue", {})),
            weights=data.get("weights", {}),
            carry_over_clean_rebase=data.get("carry_over_clean_rebase", False) is True,
            allowances=tuple(_allowance(row) for row in data.get("budgets", ())),
            ticket_ttl_ms=data.get("ticket_ttl_ms", PolicyInForce.model_fields["ticket_ttl_ms"].default),
            time_zone=data.get("time_zone", "UTC"),
        )


def _allowance(row: dict[str, Any]) -> Allowance:
    limit = row["limit"]
    return Allowance(budget=row["budget"], window=row["window"], low=limit["low"], high=limit["high"])
