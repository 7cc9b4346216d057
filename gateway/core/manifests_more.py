"""Readers of go.mod and pom.xml, as `manifests` has them for the others.

Sources: the Go modules reference, "go.mod file grammar"; Maven's POM reference.
"""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from gateway.core.manifests import Dependency, ManifestUnreadableError

_GO_BARE = frozenset({"module", "go", "toolchain", "exclude", "retract", "godebug", "tool", "ignore"})
_COORDINATES = frozenset({"dependency", "plugin", "parent", "extension"})
_REPOSITORIES = frozenset({"repository", "pluginRepository"})
_PLUGINS = "org.apache.maven.plugins"
_PROPERTY = re.compile(r"\$\{([^{}]{1,200})\}")


def go(text: str) -> frozenset[Dependency]:
    """The modules a go.mod requires, and those it puts in the place of others."""
    return frozenset(d for verb, words in _go_lines(text) for d in _go_line(verb, words))


def maven(text: str) -> frozenset[Dependency]:
    """The dependencies, plugins, parents and repositories of a pom.xml, in every profile."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ManifestUnreadableError("a document type has no place in a pom.xml")
    try:
        # Without a document type there are no entities to expand.
        root = ET.fromstring(text)  # noqa: S314
    except (ET.ParseError, ValueError, LookupError) as broken:
        raise ManifestUnreadableError(f"not XML: {broken}") from broken
    properties = {
        _local(p): (p.text or "").strip() for one in root if _local(one) == "properties" for p in one
    }
    return frozenset(_elements(root, properties))


def _go_lines(text: str) -> Iterator[tuple[str, list[str]]]:
    block = ""
    for raw in text.splitlines():
        words = raw.partition("//")[0].split()
        if block and words == [")"]:
            block = ""
        elif block and words:
            yield block, words
        elif words and words[-1] == "(" and len(words) == 2:  # noqa: PLR2004  (`require (`)
            block = words[0]
        elif words:
            yield words[0], words[1:]


def _go_line(verb: str, words: list[str]) -> Iterator[Dependency]:
    plain = [word.strip('"`') for word in words]
    if verb == "require" and plain:
        yield Dependency("go", plain[0])
    elif verb == "replace" and "=>" in plain[:-1]:
        name = plain[plain.index("=>") + 1]
        yield Dependency("go", name, "path" if name.startswith((".", "/")) else "", "instead")
    elif verb not in _GO_BARE:
        raise ManifestUnreadableError(f"nobody reads {verb[:40]!r} here")


def _elements(root: ET.Element, properties: dict[str, str]) -> Iterator[Dependency]:
    for element in root.iter():
        name, parts = _local(element), {_local(part): (part.text or "").strip() for part in element}
        if name in _COORDINATES and "artifactId" in parts:
            group = _resolved(parts.get("groupId", _PLUGINS if name == "plugin" else ""), properties)
            source = "path" if "systemPath" in parts else ""
            yield Dependency("maven", f"{group}:{_resolved(parts['artifactId'], properties)}", source)
        elif name in _COORDINATES and parts:
            raise ManifestUnreadableError(f"a {name} names no artifact")
        elif name in _REPOSITORIES:
            yield Dependency("maven", parts.get("id") or "repository", "index", parts.get("url", ""))


def _local(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _resolved(text: str, properties: dict[str, str]) -> str:
    return _PROPERTY.sub(lambda found: properties.get(found[1], found[0]), text)
