"""How many jobs a CI configuration can start, counted too high rather than too low. Pure.

Every job counts, whatever its `rules`, `when` and `needs` say: they may hold or not when the pipeline is made. A job
counts once per `parallel` run, a trigger job as itself and its child pipeline. What cannot be counted is unknown.
Source: GitLab's "CI/CD YAML syntax reference": `parallel`, `parallel:matrix`, `trigger:include`, `extends`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_NOT_JOBS = frozenset(
    {
        "after_script",
        "before_script",
        "cache",
        "default",
        "image",
        "include",
        "services",
        "spec",
        "stages",
        "types",
        "variables",
        "workflow",
    }
)
_MOST = 100_000
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Tally:
    """The jobs of one file. `plain` runs as they stand, `extending` those that may inherit a `parallel` of up to `inherited`.

    `children` are the local files of child pipelines with how often each is started. `known` is false when something
    could not be counted.
    """

    plain: int = 0
    extending: int = 0
    inherited: int = 1
    children: tuple[tuple[str, int], ...] = ()
    known: bool = True


def tally_of(tops: list[dict[Any, Any]]) -> Tally:
    """The jobs of one file's documents."""
    bodies = [
        (str(k), v) for top in tops for k, v in top.items() if k not in _NOT_JOBS and isinstance(v, dict)
    ]
    jobs = [body for name, body in bodies if not name.startswith(".")]
    hidden = [_runs(body) for name, body in bodies if name.startswith(".")]
    runs = [(body, _runs(body)) for body in jobs]
    extending = [body for body, _ in runs if "extends" in body and "parallel" not in body]
    children = [_children(body, n or 1) for body, n in runs if "trigger" in body]
    return Tally(
        plain=sum(n or 0 for body, n in runs if not any(body is e for e in extending)),
        extending=len(extending),
        inherited=max([1, *(n or 1 for n in hidden)]),
        children=tuple(pair for found in children for pair in found or ()),
        known=None not in hidden and all(n is not None for _, n in runs) and None not in children,
    )


def jobs_in(root: str, files: Mapping[str, Tally], included: Mapping[str, tuple[str, ...]]) -> int | None:
    """The jobs of the pipeline whose configuration is `root`, child pipelines included; None when unknown.

    `included` are the local files that each file includes into the same pipeline.
    """

    def of(name: str, depth: int) -> int | None:
        names = _merged(name, included)
        tallies = [files[n] for n in names if n in files]
        if depth > _DEEPEST or not all(t.known for t in tallies):
            return None
        inherited = max([1, *(t.inherited for t in tallies)])
        own = sum(t.plain + t.extending * inherited for t in tallies)
        return _with_children(own, tallies, lambda child: of(child, depth + 1))

    return of(root, 0)


def _with_children(own: int, tallies: list[Tally], count: Callable[[str], int | None]) -> int | None:
    total = own
    for child, times in (pair for t in tallies for pair in t.children):
        inside = count(child)
        if inside is None or total > _MOST:
            return None
        total += inside * times
    return total


def _merged(root: str, included: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A file and everything it includes, each once."""
    found, waiting = dict.fromkeys((root,)), [root]
    while waiting:
        fresh = [n for n in included.get(waiting.pop(), ()) if n not in found]
        found.update(dict.fromkeys(fresh))
        waiting.extend(fresh)
    return tuple(found)


def _runs(body: Mapping[Any, Any]) -> int | None:
    """How often a job runs in one pipeline; None when that cannot be read."""
    parallel = body.get("parallel", 1)
    if isinstance(parallel, bool):
        return None
    if isinstance(parallel, int):
        return parallel if 1 <= parallel <= _MOST else None
    matrix = parallel.get("matrix") if isinstance(parallel, dict) else None
    if not isinstance(matrix, list) or not all(isinstance(row, dict) for row in matrix):
        return None
    return min(sum(_combinations(row) for row in matrix), _MOST) or None


def _combinations(row: Mapping[Any, Any]) -> int:
    product = 1
    for values in row.values():
        product = min(product * (len(values) if isinstance(values, list) else 1), _MOST)
    return product


def _children(body: Mapping[Any, Any], times: int) -> list[tuple[str, int]] | None:
    """The local files of a trigger job's child pipeline; None when its pipeline is not in this repository."""
    trigger = body["trigger"]
    include = trigger.get("include") if isinstance(trigger, dict) else None
    entries = include if isinstance(include, list) else [include]
    names = [e.get("local") if isinstance(e, dict) else e for e in entries]
    readable = [n for n in names if isinstance(n, str) and "://" not in n and not set("$*") & set(n)]
    return [(n.lstrip("/"), times) for n in readable] if len(readable) == len(names) else None
