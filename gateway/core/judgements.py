"""A judgement: one action, what was found out about it, and the ruling on it, kept together."""

from typing import Any

from gateway.core.actions import Action
from gateway.core.blast_radius import BlastRadius
from gateway.core.facts import Facts
from gateway.core.model import Model
from gateway.core.questions import Question
from gateway.core.rulings import Ruling


class Judgement(Model):
    """Everything a ruling was based on. `document` is the policy input exactly as the engine saw it."""

    action: Action
    facts: Facts
    blast: BlastRadius | None
    document: dict[str, Any]
    ruling: Ruling
    question: Question
