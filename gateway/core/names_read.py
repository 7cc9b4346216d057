"""Secrets in names that were read from a target: a branch, a path, a label that somebody else called so.

Given names with a secret are refused (`redaction.refuse_secrets`); these are there already. They are cut out before
a rule sees them and before anything is stored, and each counts as a secret of the action, which SECRET-001 denies.
"""

from typing import Any

from gateway.core.blast_radius import BlastRadius
from gateway.core.digests import input_bytes
from gateway.core.facts import Facts
from gateway.core.secret_detectors import find, may_stand_in, without_secrets
from gateway.core.wellformed import strings


def secrets_in_names(document: dict[str, Any], subject: dict[str, Any]) -> tuple[str, ...]:
    """Where a policy input or a subject holds secrets, and of which kind: `<JSON pointer>: <detector>`, sorted."""
    given = {"input": document} if may_stand_in(input_bytes(document)) else {}
    hits = {
        f"{pointer}: {hit.detector}"
        for pointer, text in strings({**given, "subject": subject})
        for hit in find(text)
    }
    return tuple(sorted(hits))


def without_names(facts: Facts, found: tuple[str, ...]) -> Facts:
    """The facts with every secret in them cut out, and each of `found` a secret of the text."""
    plain = without_secrets(facts.model_dump())
    before = plain["text"]["secrets"]
    secrets = tuple(sorted({*before, *found}))
    total = plain["text"]["total"] + len(secrets) - len(before)
    text = {**plain["text"], "secrets": secrets, "total": total}
    return Facts.model_validate({**plain, "text": text})


def blast_without_names(blast: BlastRadius | None) -> BlastRadius | None:
    """The blast radius with every secret in its names cut out."""
    return BlastRadius.model_validate(without_secrets(blast.model_dump())) if blast else None
