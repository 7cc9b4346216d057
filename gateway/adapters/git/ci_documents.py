"""One CI file as GitLab reads it: what it includes, which environments and script lines it names.

Pure. The text is hostile: it may be deep, huge once its aliases are followed, or not YAML at all.
Source: GitLab's "CI/CD YAML syntax reference": `include`, `environment`, `trigger`, `script`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from gateway.adapters.git.ci_jobs import Tally, tally_of

_LINES = ("script", "before_script", "after_script")
_VALUES = 20_000
_MERGED = 5_000
_WORDS = 1_000
_NOT_JOBS = frozenset({"include", "variables", "workflow", "stages", "spec", "image", "services", "cache"})


_NO_JOBS = Tally()


class CiUnreadableError(Exception):
    """The file is not YAML that can be read within limits."""


@dataclass(frozen=True, slots=True)
class CiDocument:
    """What one file says. `local` and `remote` are its includes and its children's, `lines` its script lines.

    `included` are the local ones that become part of the same pipeline.
    """

    local: tuple[str, ...] = ()
    remote: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    included: tuple[str, ...] = ()
    tally: Tally = _NO_JOBS


class _Loader(yaml.SafeLoader):
    """Safe YAML that knows GitLab's own tags and does not let merge keys multiply."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > _MERGED:
            raise yaml.YAMLError("merge keys multiply")


def _own_tag(loader: _Loader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_Loader.add_multi_constructor("!", _own_tag)


def parsed_ci(text: str) -> CiDocument:
    """The file read. Raises `CiUnreadableError`."""
    try:
        # The loader is a SafeLoader; only its unknown tags are read as plain values.
        documents = list(yaml.load_all(text, Loader=_Loader))
    except (yaml.YAMLError, RecursionError, ValueError, TypeError, AttributeError, OverflowError) as broken:
        raise CiUnreadableError("the CI file is not YAML that can be read") from broken
    tops = [d for d in documents if isinstance(d, dict)]
    if len(tops) != len([d for d in documents if d is not None]):
        raise CiUnreadableError("the CI file is not a mapping")
    return _document(tops)


def _document(tops: list[dict[Any, Any]]) -> CiDocument:
    jobs = [v for top in tops for k, v in top.items() if k not in _NOT_JOBS and isinstance(v, dict)]
    includes = [i for top in tops for i in _listed(top.get("include"))]
    own = [pair for i in includes for pair in _include(i)]
    includes += [i for job in jobs for i in _triggered(job.get("trigger"))]
    sorted_out = [pair for i in includes for pair in _include(i)]
    blocks = [block.get(key) for block in (*tops, *jobs) for key in _LINES]
    return CiDocument(
        local=_texts(name for kind, name in sorted_out if kind == "local"),
        remote=_texts(name for kind, name in sorted_out if kind == "remote"),
        environments=_texts(_environment(job["environment"]) for job in jobs if "environment" in job),
        lines=_texts(line for block in blocks for line in _flat(block)),
        included=_texts(name for kind, name in own if kind == "local"),
        tally=tally_of(tops),
    )


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _triggered(trigger: Any) -> list[Any]:
    if isinstance(trigger, str):
        return [{"project": trigger}]
    if not isinstance(trigger, dict):
        return []
    downstream = [{"project": trigger["project"]}] if "project" in trigger else []
    return _listed(trigger.get("include")) + downstream


def _include(value: Any) -> list[tuple[str, str]]:
    """The include as (`local` or `remote`, name); what cannot be resolved here is remote."""
    if isinstance(value, str):
        return [_by_address(value)]
    if not isinstance(value, dict):
        return [("remote", "unreadable include")]
    if isinstance(value.get("local"), str):
        return [_by_address(value["local"])]
    kinds = [k for k in ("remote", "template", "component", "artifact") if k in value]
    if "project" in value:
        return [("remote", f"project:{value['project']}:{name}") for name in _listed(value.get("file", ""))]
    return [("remote", str(value[k]) if k == "remote" else f"{k}:{value[k]}") for k in kinds[:1]] or [
        ("remote", "unreadable include")
    ]


def _by_address(name: str) -> tuple[str, str]:
    if "://" in name or "$" in name:
        return "remote", name
    return "local", name.lstrip("/")


def _environment(value: Any) -> str:
    name = value.get("name") if isinstance(value, dict) else value
    return name if isinstance(name, str) and name else "unknown"


def _flat(value: Any) -> Iterator[str]:
    """The strings of nested lists, as long as there are not too many (aliases can multiply them)."""
    left, waiting = _VALUES, [value]
    while waiting:
        left -= 1
        if not left:
            raise CiUnreadableError("the CI file has too many script lines")
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            waiting.extend(reversed(item[:_VALUES]))


def _texts(values: Iterator[str]) -> tuple[str, ...]:
    """Sorted, each once, as text that JSON can hold (YAML can write lone surrogates)."""
    found = {v[:_WORDS].encode("utf-8", "backslashreplace").decode() for v in values}
    return tuple(sorted(found))
