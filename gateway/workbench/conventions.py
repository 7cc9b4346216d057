"""Conventions of the policy folder that no engine checks: who owns which package, and what METADATA must say."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from gateway.core.errors import SettingsError
from gateway.workbench.annotations import GATEWAY_CARDS, Annotated, card_of
from gateway.workbench.complaints import Complaint
from gateway.workbench.ownership import packages_of
from gateway.workbench.syntax import Module, surface

_SEVERITIES = frozenset({"low", "medium", "high", "critical"})
_FORBIDDEN_CALLS = frozenset({"print", "trace"})
_GATEWAY_CODES = frozenset(card.code for card in GATEWAY_CARDS)


def ownership(modules: Iterable[Module]) -> Iterator[Complaint]:
    """A module's package must be its folder: else a team could add to the gate, or to another team's rule."""
    for module in modules:
        wanted = packages_of(module.file)
        package = module.package
        if module.is_test and package and package[-1].endswith("_test"):
            package = (*package[:-1], package[-1].removesuffix("_test"))
        if package not in wanted:
            yield Complaint(
                file=module.file,
                line=module.package_row,
                problem=f"package {'.'.join(module.package)} does not belong in this folder",
                remedy=f"write package {'.'.join(wanted[0])}",
            )


def rule_folders(folder: Path, modules: Iterable[Module]) -> Iterator[Complaint]:
    """One rule, one folder: `<rule>.rego`, `<rule>_test.rego`, `cases.yaml`, and a set of findings."""
    for module in modules:
        if module.package[0] != "rules" or module.is_test:
            continue
        yield from _missing_neighbours(folder, module)
        for rule in module.rules:
            if rule["head"].get("name") == "findings" and (
                "key" not in rule["head"] or "value" in rule["head"]
            ):
                yield Complaint(
                    file=module.file,
                    line=rule["location"]["row"],
                    problem="findings must be a set, so that teams can only add to it",
                    remedy="write `findings contains {…} if {…}`",
                )


def metadata(blocks: Iterable[Annotated], modules: Iterable[Module]) -> Iterator[Complaint]:
    """Every rule names its code once, in METADATA a rule card can be made from."""
    listed = tuple(blocks)
    codes: dict[str, Annotated] = {}
    for block in listed:
        yield from _card_complaints(block)
        code = str(block.custom["code"])
        if code in codes or code in _GATEWAY_CODES:
            yield _on(block, f"code {code} is taken", "a code belongs to one rule")
        codes[code] = block
    documented = {block.package for block in listed}
    for module in modules:
        if module.package[0] == "rules" and not module.is_test and ".".join(module.package) not in documented:
            yield Complaint(
                file=module.file,
                line=module.package_row,
                problem="the package has no METADATA with custom.code",
            )


def forbidden_calls(modules: Iterable[Module]) -> Iterator[Complaint]:
    """`print` and `trace`: `opa build` takes them out silently, so only this finds them."""
    for module in modules:
        for rule in module.rules:
            for term in surface([rule.get("body", ()), rule.get("head", {})]):
                head = term["value"][0] if term["type"] == "ref" else {}
                if head.get("type") == "var" and head.get("value") in _FORBIDDEN_CALLS:
                    yield Complaint(
                        file=module.file,
                        line=term["location"]["row"],
                        problem=f"{head['value']} is for debugging and says nothing to anybody here",
                        remedy="remove it; put what matters into the finding's facts",
                    )


def _missing_neighbours(folder: Path, module: Module) -> Iterator[Complaint]:
    place = (folder / module.file).parent
    rule = module.package[-1]
    for name in (f"{rule}.rego", f"{rule}_test.rego", "cases.yaml"):
        if not (place / name).is_file():
            yield Complaint(
                file=module.file, line=1, problem=f"the rule's folder has no {name}", remedy="add it"
            )


def _card_complaints(block: Annotated) -> Iterator[Complaint]:
    try:
        card = card_of(block)
    except SettingsError as error:
        yield _on(block, error.detail.split(": ", 1)[-1], "see docs/reference/policy-engines.md, METADATA")
        return
    if card.severity not in _SEVERITIES:
        yield _on(block, f"severity {card.severity} is not one of {', '.join(sorted(_SEVERITIES))}", "")
    for name in ("title", "description", "remediation"):
        if not getattr(card, name).strip():
            yield _on(block, f"METADATA has no {name}", "write one for the person who reads the finding")
    if not card.controls:
        yield _on(block, "METADATA names no controls", "name the controls this rule serves")


def _on(block: Annotated, problem: str, remedy: str) -> Complaint:
    return Complaint(file=block.file, line=block.row, problem=problem, remedy=remedy)
