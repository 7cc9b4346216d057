"""Everything a test can make go wrong, in one place."""

import re
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["lose_reply", "status", "garbage", "delay", "refuse_connection"]


@dataclass
class Fault:
    """What happens to the next `times` requests whose method and decoded path match.

    `lose_reply` lets the vendor act and then drops the connection; `refuse_connection` drops it
    before anything happened; `status` answers `status` without acting; `garbage` answers 200 with
    bytes that are not JSON, without acting; `delay` waits `seconds` and then acts as usual.
    """

    kind: Kind
    system: str = ".*"
    method: str = ".*"
    path: str = ".*"
    times: int = 1
    status: int = 500
    seconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)

    def meets(self, system: str, method: str, path: str) -> bool:
        """Whether this request is one of those meant."""
        checks = ((self.system, system), (self.method, method), (self.path, path))
        return self.times > 0 and all(re.fullmatch(pattern, value) for pattern, value in checks)


@dataclass
class Switches:
    """The failure switches; each is used up by what it spoils."""

    faults: list[Fault] = field(default_factory=list)
    failing_jobs: list[str] = field(default_factory=list)
    smart_commits: bool = True
    quick_actions: bool = True
    search_lag: float = 1.0
    rebase_looks: int = 2
    history_metadata: bool = True

    def add(self, fault: Fault) -> None:
        """Spoil requests to come."""
        self.faults.append(fault)

    def take(self, system: str, method: str, path: str) -> Fault | None:
        """The fault meant for this request, counted as used."""
        for fault in self.faults:
            if fault.meets(system, method, path):
                fault.times -= 1
                return fault
        return None

    def fail_next_pipeline(self, job: str = "") -> None:
        """Make the next pipeline's job of this name (its first job when empty) fail."""
        self.failing_jobs.append(job)

    def reset(self) -> None:
        """Forget every fault not used up and return to the defaults."""
        fresh = Switches()
        self.__dict__.update(fresh.__dict__)
