"""METADATA of rules, as `opa inspect -a` reads it, and the catalogue of rule cards made from it."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.adapters.opa.command import run_opa
from gateway.core.errors import SettingsError
from gateway.core.model import Model
from gateway.core.rulings import Assurance, Binding, Retry, RuleCard

GATEWAY_CARDS = tuple(
    RuleCard(
        code=code,
        title=title,
        severity=severity,
        remediation=remediation,
        retry=retry,
        binding=Binding.MOMENT,
        assurance=Assurance.TOKEN,
        waivable=False,
        controls=controls,
    )
    for code, title, severity, remediation, retry, controls in (
        (
            "POLICY_UNAVAILABLE",
            "The policy engine did not answer",
            "critical",
            "Nothing was judged, so nothing was done; try again with a new idempotency key.",
            Retry.FIX_AND_RETRY,
            ("CC7.1", "SI-17"),
        ),
        (
            "REJECTED_BEFORE",
            "A person rejected this very question",
            "medium",
            "Change what was rejected, or talk to the person who rejected it.",
            Retry.FIX_AND_RETRY,
            ("CC8.1",),
        ),
        (
            "NOT_SUPPORTED_YET",
            "This version cannot perform the action",
            "low",
            "Use a type of action that `GET /v1/me` lists.",
            Retry.NEVER,
            ("CC7.1",),
        ),
        (
            "OUT_OF_SCOPE",
            "The credential does not reach this project or type",
            "high",
            "Use a credential whose scope covers it; `GET /v1/me` shows the scope.",
            Retry.NEVER,
            ("AC-6",),
        ),
    )
)
"""Codes the gateway itself makes; no rule may use them."""


class Annotated(Model):
    """METADATA with a `custom.code`, where it stands, and the package it is in (without `data.`)."""

    file: str
    row: int
    package: str
    path: tuple[str, ...]
    title: str
    description: str
    custom: dict[str, Any]


def inspected(opa: Path, stage: Path) -> dict[str, Any]:
    """What `opa inspect -a` says of a folder of Rego.

    Raises `SettingsError` with OPA's own words when the folder does not parse.
    """
    ran = run_opa(opa, ["inspect", "-a", "--format", "json", "."], cwd=stage)
    if ran.status != 0:
        raise SettingsError(f"opa inspect: {(ran.err or ran.out).strip()}")
    answer: dict[str, Any] = json.loads(ran.out)
    return answer


def annotated(inspection: dict[str, Any]) -> tuple[Annotated, ...]:
    """Every METADATA block that names a code, in file order."""
    blocks = [_block(entry) for entry in inspection.get("annotations", ())]
    return tuple(block for block in blocks if "code" in block.custom)


def _block(entry: dict[str, Any]) -> Annotated:
    notes, place = entry["annotations"], entry["location"]
    path = tuple(str(term["value"]) for term in entry["path"])
    package = path[1:] if notes.get("scope") in {"package", "subpackages"} else path[1:-1]
    return Annotated(
        file=place["file"],
        row=place["row"],
        package=".".join(package),
        path=path,
        title=notes.get("title", ""),
        description=notes.get("description", "").strip(),
        custom=notes.get("custom", {}),
    )


def card_of(block: Annotated) -> RuleCard:
    """The rule card of a METADATA block.

    Raises `SettingsError` naming file, line and the first thing wrong.
    """
    try:
        return RuleCard(title=block.title, description=block.description, **block.custom)
    except (ValidationError, TypeError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        wrong = f"custom.{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else str(error)
        raise SettingsError(f"{block.file}:{block.row}: METADATA {wrong}") from error


def cards_of(blocks: tuple[Annotated, ...]) -> dict[str, RuleCard]:
    """All rule cards by code, the gateway's own included.

    Raises `SettingsError` when two places claim one code.
    """
    cards = {card.code: card for card in GATEWAY_CARDS}
    for block in blocks:
        card = card_of(block)
        if card.code in cards:
            raise SettingsError(
                f"{block.file}:{block.row}: code {card.code} is taken; a code belongs to one rule"
            )
        cards[card.code] = card
    return dict(sorted(cards.items()))


def registry_of(blocks: tuple[Annotated, ...]) -> dict[str, Any]:
    """`data.registry`: code → {package, waivable} of every rule under `rules/`."""
    return {
        block.custom["code"]: {"package": block.package, "waivable": card_of(block).waivable}
        for block in sorted(blocks, key=lambda block: str(block.custom["code"]))
        if block.package.startswith("rules.")
    }
