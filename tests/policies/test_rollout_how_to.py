"""The how-to guides for shadow, exceptions and CI say what is so: their data builds, their commands run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from typer.main import get_command

from gateway.cli.main import app
from gateway.workbench.data_models import PolicyData
from gateway.workbench.exceptions import Fault
from gateway.workbench.replay_changes import FailOn
from tests.town import AUDITOR, Town, proposal

ROOT = Path(__file__).parents[2]
GUIDES = ("roll-out-with-shadow.md", "add-an-exception.md", "policy-in-gitlab-ci.md")
_BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)


def blocks(guide: str, kind: str) -> list[str]:
    text = (ROOT / "docs" / "how-to" / guide).read_text(encoding="utf-8")
    return [content for found, content in _BLOCK.findall(text) if found == kind]


@pytest.mark.parametrize("guide", GUIDES[:2])
def test_the_data_of_a_guide_has_the_form_of_policy_data(guide: str) -> None:
    found = blocks(guide, "yaml")

    assert found
    for content in found:
        part: dict[str, Any] = yaml.safe_load(content)
        least = {
            "grants": {"g": {"tiers": ["observer"], "actions": ["*"], "projects": ["**"]}},
            "contract": {"needs": {"issue.create": []}},
        }
        PolicyData.model_validate({**least, **part})


@pytest.mark.parametrize("guide", GUIDES)
def test_every_command_of_a_guide_exists_with_its_options(guide: str) -> None:
    said = "\n".join([*blocks(guide, ""), *(blocks(guide, "yaml") if "gitlab" in guide else ())])
    commands = re.findall(r"loopgate [^|&;`\n]+", said)

    assert commands
    for line in commands:
        words = shlex.split(line.replace("$past", ""))[1:]
        command: Any = get_command(app)
        while words and words[0] in getattr(command, "commands", {}):
            command, words = command.commands[words[0]], words[1:]
        options = {option for parameter in command.params for option in parameter.opts}
        used = {word for word in words if word.startswith("--")}
        assert used <= options, line


def test_the_guides_name_every_fault_and_every_reason_to_fail() -> None:
    exceptions, pipeline = ((ROOT / "docs/how-to" / guide).read_text("utf-8") for guide in GUIDES[1:])

    assert all(f"`{fault.value}`" in exceptions for fault in Fault)
    assert all(f"`{reason.value}`" in pipeline for reason in FailOn)


async def exported(town: Town, folder: Path) -> None:
    async with await town.agent() as agent:
        await agent.propose(proposal("issue.create", {"title": "A note"}, jira=True))
    async with await town.sign_in(AUDITOR) as auditor:
        await auditor.bundle(folder / "last.evidence.tar")


def changed_repository(folder: Path) -> str:
    """A repository whose last commit changes one rule; the commit before it."""
    shutil.copytree(ROOT / "policies", folder / "policies")
    who = ["-c", "user.name=Author", "-c", "user.email=author@example.test"]

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "The library")
    rule = folder / "policies" / "rules" / "blast" / "files" / "files.rego"
    rule.write_text(
        rule.read_text("utf-8").replace("A change that touches", "Any change that touches"), "utf-8"
    )
    git("commit", "-qam", "Say it otherwise")
    return git("rev-parse", "HEAD~1")


def environment(base: str) -> dict[str, str]:
    """What GitLab would give, with this Python's `loopgate` first on the path."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("LOOPGATE_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**given, "PATH": path, "CI_MERGE_REQUEST_DIFF_BASE_SHA": base}


def run_job(name: str, job: dict[str, Any], folder: Path, base: str) -> None:
    """Run a job's lines as GitLab's runner does, and look at what it leaves."""
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])],
        cwd=folder,
        env=environment(base),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (name, done.stdout, done.stderr)
    artifacts = job["artifacts"]
    for kept in (*artifacts.get("paths", ()), *artifacts["reports"].values()):
        assert list(folder.glob(kept)), (name, kept)
    for report in folder.glob(artifacts["reports"]["junit"]):
        assert int(ET.parse(report).getroot().attrib["failures"]) == 0, report  # noqa: S314 - our own


@pytest.mark.slow
async def test_the_pipeline_of_the_guide_runs(town: Town, tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    (folder / "evidence").mkdir(parents=True)
    base = changed_repository(folder)
    await exported(town, folder / "evidence")
    shutil.copy(town.home / "log.vkey", folder / "evidence.vkey")
    (pipeline,) = (yaml.safe_load(content) for content in blocks("policy-in-gitlab-ci.md", "yaml"))
    jobs = {name: job for name, job in pipeline.items() if isinstance(job, dict) and "script" in job}
    for name, job in jobs.items():
        run_job(name, job, folder, base)

    assert set(jobs) == {"check", "test", "mutate", "replay"}
    assert (folder / "reports" / "mutate-blast-files.xml").exists()
    assert "would be looser" in (folder / "reports" / "replay.md").read_text("utf-8")
