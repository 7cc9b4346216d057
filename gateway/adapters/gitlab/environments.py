"""Environments stopped: their stop job runs with the rights of whoever asks."""

import asyncio
from dataclasses import dataclass

from gateway.adapters.gitlab.answers import Environment
from gateway.adapters.gitlab.deployments import deployments_of
from gateway.adapters.gitlab.forge import project_path
from gateway.adapters.gitlab.operation import Access, needed, project_of
from gateway.adapters.gitlab.pipelines import runner_of
from gateway.adapters.gitlab.protection import is_protected
from gateway.core.actions import Action
from gateway.core.errors import TargetRefusedError
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.ports import ActionRecord, Reconciliation

_STOPPED = frozenset({"stopped", "stopping"})


@dataclass(frozen=True, slots=True)
class StopEnvironment:
    """`environment.stop`: recognised by the state it leads to; GitLab does not keep who stopped it."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Note what runs there, so that it can be deployed again; refuse what is stopped."""
        return await asyncio.to_thread(self._prepare, permit)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Stop it."""
        forge = self.access.forge(preparation.before["identity"])
        path = _path(permit.action, preparation)
        return _result(await asyncio.to_thread(forge.post, f"{path}/stop", {}, Environment))

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look whether it is stopped."""
        path = _path(record.action, preparation)
        found = await asyncio.to_thread(self.access.road.get, path, Environment)
        if found.state not in _STOPPED:
            return Reconciliation(happened=False, reason=f"The environment is {found.state}.")
        return Reconciliation(happened=True, performance=_result(found))

    def _prepare(self, permit: Permit) -> Preparation:
        action, name = permit.action, needed(permit.action.target.environment, "environment")
        path = project_path(project_of(action), "environments")
        found = next((e for e in self.access.road.list(path, Environment, name=name) if e.name == name), None)
        if found is None or found.state in _STOPPED:
            raise TargetRefusedError(f"The environment {name!r} is not running.", code="stale")
        newest = next(iter(deployments_of(self.access, action, limit=1, status="success")), None)
        project = needed(permit.facts.project, "project that was read")
        # The stop job is the one of the last deployment's own configuration.
        protected = newest is not None and is_protected(newest.ref, project.protected_branches)
        before = {
            "environment": name,
            "id": found.id,
            "deployment": newest.id if newest else None,
            "job": newest.deployable.id if newest and newest.deployable else None,
            "identity": runner_of(protected=protected).value,
        }
        commit = newest.sha if newest else None
        return Preparation(marker=self.access.marker(action.id), commit=commit, before=before)


def _path(action: Action, preparation: Preparation) -> str:
    return project_path(project_of(action), "environments", preparation.before["id"])


def _result(found: Environment) -> Performance:
    return Performance(result={"environment": found.name, "state": found.state})
