"""Reading `policies/data/*.yaml` into one validated document."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from gateway.core.errors import SettingsError
from gateway.workbench.data_models import PolicyData
from gateway.workbench.packs import CHOICE, laid_over, pack_of, packs


class _PlainLoader(yaml.SafeLoader):
    """Safe YAML that refuses a key written twice, where plain YAML would silently keep the last."""


def _mapping_without_repeats(loader: _PlainLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    for (key, _), name in zip(node.value, keys, strict=True):
        if keys.count(name) > 1:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {name!r} stands twice", key.start_mark
            )
    return {
        name: loader.construct_object(value, deep=True)
        for name, (_, value) in zip(keys, node.value, strict=True)
    }


_PlainLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_without_repeats)


def plain_yaml(path: Path) -> Any:
    """The content of a YAML file.

    Raises `SettingsError` naming file and line for broken YAML and for a key written twice.
    """
    try:
        return yaml.load(path.read_text("utf-8"), Loader=_PlainLoader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError(f"{path}:{line}: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error


def policy_data(folder: Path, *, packed: bool = True) -> PolicyData:
    """Everything under `<folder>/data`, each top-level key from exactly one file, and the chosen pack laid over it.

    Cases are written for the folder's own limits, and are judged without the pack (`packed=False`). Raises `SettingsError` naming the file and what to write instead.
    """
    merged: dict[str, Any] = {}
    origin: dict[str, Path] = {}
    for path in sorted((folder / "data").glob("*.yaml")):
        for key, value in _top_level(path).items():
            if key in merged:
                raise SettingsError(f"{path}: {key} is already in {origin[key].name}; keep it in one file")
            merged[key], origin[key] = value, path
    return _validated(_packed(merged, folder) if packed else merged, origin, folder)


def _packed(merged: dict[str, Any], folder: Path) -> dict[str, Any]:
    name = merged.get(CHOICE)
    if not name:
        return merged
    if name not in packs(folder):
        known = ", ".join(packs(folder)) or "none"
        raise SettingsError(f"{folder / 'data'}: {CHOICE}: there is no packs/{name}.yaml; there are: {known}")
    file = folder / "packs" / f"{name}.yaml"
    return laid_over(merged, pack_of(plain_yaml(file), file), file)


def _top_level(path: Path) -> dict[str, Any]:
    content = plain_yaml(path)
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: the top of the file must be a mapping of names to values")
    return content


def _validated(merged: dict[str, Any], origin: dict[str, Path], folder: Path) -> PolicyData:
    try:
        return PolicyData.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        file = origin.get(str(first["loc"][0]), folder / "data") if first["loc"] else folder / "data"
        raise SettingsError(f"{file}: {where}: {first['msg']}") from error
