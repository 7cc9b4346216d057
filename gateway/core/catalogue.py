"""The service catalogue: who owns what, what depends on what, what deploys where."""

from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.core.globs import check_glob
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

    def service(self, name: str) -> Service | None:
        """The service of that name, if there is one."""
        return next((s for s in self.services if s.name == name), None)
