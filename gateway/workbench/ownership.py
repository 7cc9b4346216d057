"""Which package a module may have: the one its folder says, so that no team can speak for the gate or another team."""

from typing import Any

from gateway.core.errors import SettingsError

_RULE_PARTS = 3


def packages_of(file: str) -> list[tuple[str, ...]]:
    """The packages a module may have, the usual one first.

    `gate/x.rego` is gate.x or gate, `rules/t/r/*.rego` is rules.t.r. `file` is relative to the policy folder.
    """
    parts = file.split("/")
    if parts[0] == "rules":
        return [tuple(parts[:_RULE_PARTS])]
    stem = parts[-1].removesuffix(".rego").removesuffix("_test")
    own = (*parts[:-1], stem)
    return [(parts[0],), own] if parts[0] == stem else [own, (parts[0],)]


def refuse_strangers(inspection: dict[str, Any]) -> None:
    """Raise `SettingsError` for the first module that `opa inspect` finds in a package that is not its folder's."""
    for namespace, files in sorted(inspection.get("namespaces", {}).items()):
        package = tuple(namespace.split(".")[1:])
        for file in sorted(files):
            name = file.removeprefix("/").removeprefix("./")
            if name.endswith(".rego") and package not in packages_of(name):
                wanted = ".".join(packages_of(name)[0])
                raise SettingsError(
                    f"{name}: package {'.'.join(package)} does not belong in this folder; write package {wanted}"
                )
