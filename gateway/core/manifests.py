"""Readers of package manifests: text in, the dependencies it names out.

Sources: npm's package.json, PEP 508, 621 and 735, Poetry's and uv's tables, pip's requirements file format, Cargo's
manifest format. What a reader does not understand raises `ManifestUnreadableError`; nothing is skipped in silence.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

_NPM_SECTIONS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_NPM_REDIRECTS = ("overrides", "resolutions")
_LOCAL = ("file:", "link:", "portal:", "workspace:")
_GIT = ("git+", "git:", "git@", "github:", "gitlab:", "bitbucket:", "gist:")
_PEP508 = re.compile(
    r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?:@\s*([^\s;]+)|([<>=!~(][^;]*))?\s*(?:;.*)?",
    re.DOTALL,
)
_SEPARATORS = re.compile(r"[-_.]+")
_CARGO_TABLES = (
    "dependencies",
    "dev-dependencies",
    "build-dependencies",
    "dev_dependencies",
    "build_dependencies",
)
_INDEXES = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--pypi-url")
_FILES = ("-r", "--requirement", "-c", "--constraint")
_EDITABLE = ("-e", "--editable")
_HARMLESS = (
    "--no-index",
    "--prefer-binary",
    "--require-hashes",
    "--pre",
    "--no-binary",
    "--only-binary",
    "--use-feature",
    "--trusted-host",
)


class ManifestUnreadableError(ValueError):
    """The dependencies of a manifest cannot be told; the message says why."""


class Dependency(NamedTuple):
    """One dependency. `source` is empty for the ecosystem's registry, `place` what else tells it from another."""

    ecosystem: str
    name: str
    source: str = ""
    place: str = ""

    @property
    def shown(self) -> str:
        """As policies write it: `npm:jquery`, `npm+git:jquery`."""
        return f"{self.ecosystem}{'+' if self.source else ''}{self.source}:{self.name}"


def npm(text: str) -> frozenset[Dependency]:
    """The dependencies of a package.json, overrides and resolutions that lead elsewhere included."""
    document = _table(_json(text), "package.json")
    found = {_npm(name, spec) for section in _NPM_SECTIONS for name, spec in _pairs(document, section)}
    redirected = [pair for key in _NPM_REDIRECTS for pair in _leaves(document.get(key, {}))]
    redirected += _leaves(_table(document.get("pnpm", {}), "pnpm").get("overrides", {}))
    moved = (_npm(name, spec) for name, spec in redirected)
    return frozenset(found | {d for d in moved if d.source or d.place})


def pypi(text: str) -> frozenset[Dependency]:
    """The dependencies of a pyproject.toml: PEP 621, PEP 735, build requirements, Poetry, PDM, uv."""
    document = _toml(text)
    project, tool = _table(document.get("project", {}), "project"), _table(document.get("tool", {}), "tool")
    lists = [project.get("dependencies", [])]
    lists += _table(project.get("optional-dependencies", {}), "optional-dependencies").values()
    lists += _table(document.get("dependency-groups", {}), "dependency-groups").values()
    lists += _table(_table(tool.get("pdm", {}), "pdm").get("dev-dependencies", {}), "pdm").values()
    lists += [_table(document.get("build-system", {}), "build-system").get("requires", [])]
    lists += [_table(tool.get("uv", {}), "uv").get("dev-dependencies", [])]
    found = {_pep508(line) for lines in lists for line in _texts(lines)}
    return frozenset(found | set(_poetry(tool)) | set(_uv_sources(tool)))


def requirements(text: str) -> frozenset[Dependency]:
    """The dependencies of a pip requirements file; other files and indexes it names are dependencies too."""
    joined = re.sub(r"\\\r?\n", " ", text)
    lines = (re.sub(r"(?:^|\s)#.*", "", line).strip() for line in joined.splitlines())
    return frozenset(d for line in lines if line for d in _requirement(line))


def cargo(text: str) -> frozenset[Dependency]:
    """The dependencies of a Cargo.toml, of its targets, its workspace and its patches."""
    document = _toml(text)
    tables = [document, _table(document.get("workspace", {}), "workspace")]
    tables += [_table(one, "target") for one in _table(document.get("target", {}), "target").values()]
    pairs = [pair for table in tables for key in _CARGO_TABLES for pair in _pairs(table, key, strings=False)]
    pairs += [p for _, t in _pairs(document, "patch", strings=False) for p in _table(t, "patch").items()]
    pairs += _pairs(document, "replace", strings=False)
    return frozenset(_crate(name, spec) for name, spec in pairs)


def _json(text: str) -> Any:
    try:
        return json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as broken:
        raise ManifestUnreadableError(f"not JSON: {broken}") from broken


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different: of two that are not, each reader takes another."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ManifestUnreadableError("a key stands twice")
    return found


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as broken:
        raise ManifestUnreadableError(f"not TOML: {broken}") from broken


def _table(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ManifestUnreadableError(f"{name} is no table")
    return value


def _texts(value: Any) -> Iterator[str]:
    """The strings of a list; a dependency group may also include another group, which is read by itself."""
    if not isinstance(value, list):
        raise ManifestUnreadableError("dependencies are no list")
    for entry in value:
        if isinstance(entry, str):
            yield entry
        elif not (isinstance(entry, dict) and set(entry) == {"include-group"}):
            raise ManifestUnreadableError("a dependency is no text")


def _pairs(document: dict[str, Any], section: str, *, strings: bool = True) -> list[tuple[str, Any]]:
    pairs = list(_table(document.get(section, {}), section).items())
    if strings and not all(isinstance(spec, str) for _, spec in pairs):
        raise ManifestUnreadableError(f"{section} holds what is no text")
    return pairs


def _leaves(value: Any, name: str = "") -> list[tuple[str, str]]:
    if isinstance(value, str):
        return [(name, value)]
    return [
        leaf
        for key, inner in _table(value, "overrides").items()
        for leaf in _leaves(inner, key if key != "." else name)
    ]


def _npm(name: str, spec: str) -> Dependency:
    plain = spec.strip()
    if plain.startswith("npm:"):
        alias = plain.removeprefix("npm:")
        real = alias if alias.rfind("@") < 1 else alias[: alias.rfind("@")]
        return Dependency("npm", real, "", "alias")
    if plain.startswith(_LOCAL) or plain.startswith((".", "/", "~/")):
        return Dependency("npm", name, "path", plain)
    if plain.startswith(_GIT) or (plain.startswith("ssh:") or plain.split("#")[0].endswith(".git")):
        return Dependency("npm", name, "git", plain)
    if "://" in plain:
        return Dependency("npm", name, "url", plain)
    return Dependency("npm", name, "git", plain) if "/" in plain else Dependency("npm", name)


def _pep508(line: str) -> Dependency:
    match = _PEP508.fullmatch(line.strip())
    if match is None:
        raise ManifestUnreadableError(f"{line[:80]!r} is no requirement")
    name, url = _SEPARATORS.sub("-", match[1]).lower(), match[2]
    return Dependency("pypi", name, _place_of(url), url) if url else Dependency("pypi", name)


def _place_of(url: str) -> str:
    if "://" not in url or url.startswith("file:"):
        return "path"
    return "git" if url.startswith(("git+", "hg+", "svn+", "bzr+")) else "url"


def _requirement(line: str) -> Iterator[Dependency]:
    option, _, rest = (
        line.replace("=", " ", 1).partition(" ") if line.startswith("--") else line.partition(" ")
    )
    if not line.startswith("-"):
        yield _named_or_placed(re.sub(r"\s+--[a-z-]+[= ].*$", "", line))
    elif option in _FILES:
        yield Dependency("pypi", rest.strip(), "file")
    elif option in _INDEXES:
        yield Dependency("pypi", option.lstrip("-"), "index", rest.strip())
    elif option in _EDITABLE:
        yield _placed(rest.strip())
    elif option not in _HARMLESS:
        raise ManifestUnreadableError(f"nobody knows the option {option[:40]!r}")


def _named_or_placed(line: str) -> Dependency:
    placed = (
        line.startswith((".", "/"))
        or "://" in line.split(" ", 1)[0]
        or line.endswith((".whl", ".tar.gz", ".zip"))
    )
    return _placed(line) if placed else _pep508(line)


def _placed(place: str) -> Dependency:
    """What is installed from a place; its name is what follows `#egg=`, or the place's last part."""
    bare, _, egg = place.partition("#egg=")
    last = re.split(r"[/\\]", bare.rstrip("/"))[-1].partition("@")[0]
    return Dependency("pypi", (egg.partition("&")[0] or last or bare).lower(), _place_of(bare), bare)


def _poetry(tool: dict[str, Any]) -> Iterator[Dependency]:
    poetry = _table(tool.get("poetry", {}), "poetry")
    groups = [_table(g, "group") for g in _table(poetry.get("group", {}), "group").values()]
    tables = [(poetry, "dependencies"), (poetry, "dev-dependencies"), *((g, "dependencies") for g in groups)]
    for table, key in tables:
        for name, spec in _pairs(table, key, strings=False):
            if name.lower() != "python":
                yield from _of_poetry(_SEPARATORS.sub("-", name).lower(), spec)
    for entry in _rows(poetry.get("source", []), "source"):
        yield Dependency("pypi", "source", "index", str(entry.get("url", "")))


def _of_poetry(name: str, spec: Any) -> Iterator[Dependency]:
    for one in spec if isinstance(spec, list) else [spec]:
        if isinstance(one, str):
            yield Dependency("pypi", name)
        else:
            yield _from_table("pypi", name, _table(one, name))


def _uv_sources(tool: dict[str, Any]) -> Iterator[Dependency]:
    uv = _table(tool.get("uv", {}), "uv")
    for name, spec in _pairs(uv, "sources", strings=False):
        for one in spec if isinstance(spec, list) else [spec]:
            yield _from_table("pypi", _SEPARATORS.sub("-", name).lower(), _table(one, name))
    for entry in _rows(uv.get("index", []), "index"):
        yield Dependency("pypi", "source", "index", str(entry.get("url", "")))


def _rows(value: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise ManifestUnreadableError(f"{name} is no list")
    return [_table(entry, name) for entry in value]


def _crate(name: str, spec: Any) -> Dependency:
    if isinstance(spec, str):
        return Dependency("cargo", name.partition(":")[0])
    table = _table(spec, name)
    return _from_table("cargo", str(table.get("package", name)).partition(":")[0], table)


def _from_table(ecosystem: str, name: str, table: dict[str, Any]) -> Dependency:
    for source, key in (
        ("git", "git"),
        ("path", "path"),
        ("url", "url"),
        ("path", "file"),
        ("index", "registry"),
    ):
        if key in table:
            return Dependency(ecosystem, name, source, str(table[key]))
    index = table.get("index", table.get("registry-index", table.get("source")))
    return Dependency(ecosystem, name, "index", str(index)) if index else Dependency(ecosystem, name)
