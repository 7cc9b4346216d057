"""`/_sandbox/…`: the same switches and clock for processes that cannot reach the Python handle."""

from collections.abc import Callable
from typing import Any

from gateway.sandbox.clock import Clock
from gateway.sandbox.gitlab.forge import Forge
from gateway.sandbox.switches import Fault, Switches
from gateway.sandbox.wire import Asked, Document, Reply, read_body


class Control:
    """Answers `POST /_sandbox/<name>` with JSON; bad input is 400 with a sentence."""

    def __init__(self, clock: Clock, switches: Switches, forge: Forge) -> None:
        self._clock = clock
        self._switches = switches
        self._forge = forge
        self._acts: dict[str, Callable[[Document], Any]] = {
            "advance": self._advance,
            "fault": self._fault,
            "fail-next-pipeline": self._fail_next_pipeline,
            "bad-deployment": self._bad_deployment,
            "reset": self._reset,
        }

    def __call__(self, asked: Asked) -> Reply:
        """Throw one switch."""
        act = self._acts.get(asked.segments[-1])
        if act is None or asked.method != "POST":
            return Reply(404, {"message": f"POST one of {', '.join(sorted(self._acts))}"})
        try:
            act(read_body(asked.content, asked.headers.get("content-type", "")))
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            return Reply(400, {"message": f"{asked.segments[-1]}: {error}"})
        return Reply(200, {"now": self._clock.now().isoformat()})

    def _advance(self, given: Document) -> None:
        self._clock.advance(float(given["seconds"]))

    def _fault(self, given: Document) -> None:
        self._switches.add(Fault(**given))

    def _fail_next_pipeline(self, given: Document) -> None:
        self._switches.fail_next_pipeline(str(given.get("job", "")))

    def _bad_deployment(self, given: Document) -> None:
        mark_bad(self._forge, str(given["project"]), int(given["deployment"]))

    def _reset(self, _: Document) -> None:
        self._switches.reset()


def mark_bad(forge: Forge, project: str, deployment: int) -> None:
    """Let a finished deployment turn out to have failed, job included."""
    with forge.clock.lock:
        found = forge.project_at(project)
        made = found.deployments.get(deployment) if found else None
        if found is None or made is None:
            raise ValueError(f"{project} has no deployment {deployment}")
        made.status, made.updated_at = "failed", forge.clock.now()
        job = found.jobs[made.job_id]
        job.status, job.failure_reason = "failed", "script_failure"
