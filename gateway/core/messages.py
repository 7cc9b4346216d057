"""Findings in words: the rule's title and the facts it measured, as one sentence."""

from collections.abc import Mapping
from typing import Any

from gateway.core.rulings import RuleCard
from gateway.core.text import show

_SHOWN_ITEMS = 5
_SHOWN_CHARACTERS = 200


def render(code: str, card: RuleCard, facts: Mapping[str, Any]) -> str:
    """The finding as one sentence, such as `BLAST-001 Files in one change: files 45, limit 20`, with its full stop.

    Facts may hold text an agent chose (paths, names): control characters are shown, long values are cut.
    """
    said = ", ".join(f"{_words(name)} {_value(facts[name])}" for name in sorted(facts))
    title = card.title.rstrip(".")
    return f"{code} {title}: {said}." if said else f"{code} {title}."


def _words(name: str) -> str:
    return show(str(name)).replace("_", " ")


def _value(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return _cut(" ".join(f"{_words(k)} {_value(v)}" for k, v in sorted(value.items())) or "none")
    if isinstance(value, (list, tuple)):
        return _listed(value)
    return _cut(show(str(value)).replace("\n", " "))


def _listed(items: list[Any] | tuple[Any, ...]) -> str:
    shown = ", ".join(_value(item) for item in items[:_SHOWN_ITEMS])
    more = len(items) - _SHOWN_ITEMS
    return f"[{shown} and {more} more]" if more > 0 else f"[{shown}]"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
