"""What is measured: a repository, a catalogue of many services, and an agent's commit of thirty files.

The commit reaches ten services, one of them critical, and is refused for its blast score (BLAST-005).
"""

import json
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from gateway.app import create_home
from gateway.core.facts import BranchFacts, ProjectFacts
from gateway.ports import Inspection
from tests.town import PROJECT, ROOT

SERVICES, TOUCHED, FILES = 60, 10, 30
AGENT, BRANCH = "agt_fixer", "agent/upgrade"
SEEN = Inspection(
    project=ProjectFacts(id="7", path=PROJECT, default_branch="main", protected_branches=("main",)),
    branch=BranchFacts(name=BRANCH, head=None, protected=False, default=False),
)
_LINES = 12
_PLENTY = 1_000_000_000


def make_home(folder: Path, *, more_agents: int = 0) -> Path:
    """A home whose catalogue has many services in one repository, and budgets that a benchmark cannot use up.

    The roster gets `more_agents` beside those of the shipped one, named by `agent`.
    """
    policies = folder / "policies"
    shutil.copytree(ROOT / "policies", policies)
    for name, change in _CHANGES.items():
        _change(policies, name, change)
    _change(policies, "agents", partial(_with_more, more_agents))
    create_home(folder / "home", policies=policies, origin="bench.test/log", operator="The operator")
    with (folder / "home" / "loopgate.toml").open("a", encoding="utf-8") as file:
        file.write("\n[serve]\nproposals_per_minute = 0\n")
    return folder / "home"


def make_repository(folder: Path) -> tuple[Path, str]:
    """A bare repository with some history on main; its path and the commit main points at."""
    bare, work = folder / f"{PROJECT}.git", folder / "work"
    _git(folder, "init", "--quiet", "--bare", "-b", "main", str(bare))
    _git(folder, "init", "--quiet", "-b", "main", str(work))
    for n in range(SERVICES):
        for part in ("api", "src", "tests"):
            place = work / f"services/service-{n:02d}/{part}"
            place.mkdir(parents=True)
            (place / "old.py").write_text(f"VALUE = {n}\n" * _LINES)
    (work / ".gitlab-ci.yml").write_text("test:\n  script:\n    - make test\n")
    _git(work, "add", ".")
    _git(work, "commit", "--quiet", "-m", "Begin")
    _git(work, "push", "--quiet", str(bare), "main")
    head = subprocess.run(
        ["git", "rev-parse", "main"], cwd=bare, capture_output=True, text=True, check=True
    ).stdout.strip()
    return bare, head


def commit_of_thirty() -> dict[str, Any]:
    """The proposal that is refused: thirty new files in ten services."""
    changes = [
        {
            "op": "create",
            "path": f"services/service-{n % TOUCHED:02d}/src/part_{n:02d}.py",
            "content": "".join(f"def step_{n}_{line}():\n    return {line}\n" for line in range(_LINES)),
        }
        for n in range(FILES)
    ]
    return {
        "type": "commit.create",
        "target": {"system": "gitlab", "project": PROJECT, "branch": BRANCH},
        "params": {"message": "Upgrade the shared client", "changes": changes},
        "intent": "Upgrade the shared client in every service.",
    }


def comment() -> dict[str, Any]:
    """A proposal that is allowed and performed."""
    return {
        "type": "issue.comment",
        "target": {"system": "jira", "project": "SHOP", "issue": "SHOP-1"},
        "params": {"body": "The upgrade works."},
        "intent": "Tell the reporter.",
    }


def _many_services(data: dict[str, Any]) -> None:
    data["catalogue"]["services"] = [
        {
            "name": f"service-{n:02d}",
            "project": PROJECT,
            "paths": [f"services/service-{n:02d}/**"],
            "owners": ["prn_checkout_owner"],
            "tier": n % 4,
            "depends_on": [f"service-{n % TOUCHED:02d}"] if n >= TOUCHED else [],
        }
        for n in range(SERVICES)
    ]


def agent(number: int) -> str:
    """The id of one of the additional agents."""
    return f"agt_worker_{number:04d}"


def _with_more(count: int, data: dict[str, Any]) -> None:
    model = next(a for a in data["agents"] if a["id"] == AGENT)
    data["agents"] += [{**model, "id": agent(n)} for n in range(count)]


def _contributor(data: dict[str, Any]) -> None:
    for agent in data["agents"]:
        agent["tier"] = "contributor"


def _boundless(data: dict[str, Any]) -> None:
    for budget in data["budgets"]:
        budget["limit"] = {"low": _PLENTY, "high": _PLENTY}


def _unhurried(data: dict[str, Any]) -> None:
    limits = data["params"]["RATE-001"]
    data["params"]["RATE-001"] = {window: {"low": _PLENTY, "high": _PLENTY} for window in limits}


_CHANGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "catalogue": _many_services,
    "agents": _contributor,
    "grants": _boundless,
    "params": _unhurried,
}


def _change(policies: Path, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    path = policies / "data" / f"{name}.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def _git(at: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Bench", "-c", "user.email=bench@example.com")
    subprocess.run(["git", *who, *arguments], cwd=at, check=True)
