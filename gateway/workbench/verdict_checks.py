"""Whether an engine's answer is what a case expects, and whether every rule both fires and stays silent."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway.workbench.cases import PlacedCase
from gateway.workbench.complaints import Complaint

_LISTS = {"codes": "findings", "warnings": "warnings", "shadow": "shadow", "waived": "waived"}


def differences(placed: PlacedCase, answer: Any) -> tuple[Complaint, ...]:
    """What the answer has otherwise than the case expects; empty when it holds."""
    if not isinstance(answer, dict):
        return (_complaint(placed, "the engine gave no decision document"),)
    return tuple(_complaint(placed, problem) for problem in _problems(placed, answer))


def unbalanced(
    answers: Iterable[tuple[PlacedCase, Any]], registered: Mapping[str, Any]
) -> tuple[Complaint, ...]:
    """A complaint for every registered code that no case makes fire, or that no case leaves silent."""
    found = [_codes(answer, "findings", "warnings", "shadow", "waived") for _, answer in answers]
    fires = {code for codes in found for code in codes}
    silent = {code for code in registered if any(code not in codes for codes in found)}
    missing = [(code, "fire") for code in sorted(registered.keys() - fires)]
    missing += [(code, "stay silent") for code in sorted(registered.keys() - silent)]
    return tuple(
        Complaint(
            file=f"{registered[code]['package'].replace('.', '/')}/cases.yaml",
            line=1,
            problem=f"no case makes {code} {what}",
            remedy="add one",
        )
        for code, what in missing
    )


def _problems(placed: PlacedCase, answer: dict[str, Any]) -> Iterator[str]:
    case = placed.case
    if answer.get("effect") != case.effect:
        yield f"the effect is {answer.get('effect')}, expected {case.effect} ({_told(answer)})"
    for wanted, part in _LISTS.items():
        expected, actual = sorted(set(getattr(case, wanted))), sorted(_codes(answer, part))
        if expected != actual:
            yield f"{part} are {actual}, expected {expected}"
    for code, facts in case.facts.items():
        held = [
            entry["facts"]
            for part in _LISTS.values()
            for entry in answer.get(part, ())
            if entry["code"] == code
        ]
        if not any(_holds(one, facts) for one in held):
            yield f"{code} has the facts {held}, expected at least {facts}"


def _holds(held: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(key in held and held[key] == value for key, value in wanted.items())


def _codes(answer: Any, *parts: str) -> set[str]:
    return (
        {entry["code"] for part in parts for entry in answer.get(part, ())}
        if isinstance(answer, dict)
        else set()
    )


def _told(answer: dict[str, Any]) -> str:
    return ", ".join(sorted(_codes(answer, "findings"))) or "no findings"


def _complaint(placed: PlacedCase, problem: str) -> Complaint:
    return Complaint(file=placed.file, line=placed.line, problem=f"“{placed.case.name}”: {problem}")
