"""The service catalogue: who owns what, what depends on what, what deploys where."""

from itertools import takewhile
from typing import Annotated

from pydantic import AfterValidator, Field

from audit.remembering import remembered
from gateway.core.globs import check_glob, matches
from gateway.core.model import Model

Glob = Annotated[str, AfterValidator(check_glob)]
"""A pattern of core/globs.py; one outside the dialect is refused when the catalogue is read, not when it is used."""


class Service(Model):
    """One service. `tier` 0 is the most critical of 0..3; `paths` are globs inside `project`."""

    name: str
    project: str
    paths: tuple[Glob, ...] = ("**",)
    owners: tuple[str, ...] = ()
    tier: int = Field(default=3, ge=0, le=3)
    depends_on: tuple[str, ...] = ()
    consumes_apis: tuple[str, ...] = ()
    provides_apis: tuple[str, ...] = ()


class BranchEnvironment(Model):
    """A merge to a branch matching `branch` of `project` deploys to `environment`."""

    project: str
    branch: Glob
    environment: str


class Catalogue(Model):
    """Every service the platform knows, and the branch → environment map."""

    services: tuple[Service, ...] = ()
    environments: tuple[BranchEnvironment, ...] = ()

    def services_at(self, project: str, path: str) -> frozenset[str]:
        """The services of a project that a path of its repository belongs to, by name."""
        index = _by_folder(self)
        folders = path.split("/")[:-1]
        found = (index.get((project, "/".join(folders[:depth])), ()) for depth in range(len(folders) + 1))
        return frozenset(name for places in found for glob, name in places if matches(glob, path))

    def service(self, name: str) -> Service | None:
        """The service of that name, if there is one."""
        return next((s for s in self.services if s.name == name), None)


@remembered(8)
def _by_folder(catalogue: Catalogue) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Globs with their services, by project and the deepest folder that everything they match is in."""
    index: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for service in catalogue.services:
        for glob in service.paths:
            index.setdefault((service.project, _folder(glob)), []).append((glob, service.name))
    return index


def _folder(glob: str) -> str:
    parts = glob.split("/")[:-1]
    return "/".join(takewhile(lambda part: not {"*", "?"} & set(part), parts))
