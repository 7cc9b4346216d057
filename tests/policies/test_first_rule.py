"""The tutorial "Your first rule in fifteen minutes", played from its own text: each file written, each command run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.town import AUDITOR, Town, proposal

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial" / "your-first-rule.md"
_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>\w+): (?P<what>[^>]+?) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL
)
_COMMANDS = ("new", "check", "check", "test", "mutate", "build", "replay")


class Step(NamedTuple):
    """A block of the tutorial, and the remark above it that says what to do with it."""

    mark: str
    what: str
    kind: str
    text: str


def steps() -> Iterator[Step]:
    for found in _BLOCK.finditer(TUTORIAL.read_text(encoding="utf-8")):
        yield Step(found["mark"] or "", found["what"] or "", found["kind"], found["text"])


def play(step: Step, folder: Path) -> None:
    """Write what is to be written; run what is to be run, and see it succeed, or fail with the words the tutorial says."""
    if step.kind != "sh":
        with (folder / step.what).open("a" if step.mark == "append" else "w", encoding="utf-8") as file:
            file.write(step.text)
        return
    for line in step.text.splitlines():
        command = [sys.executable, "-m", "gateway.cli.main", *shlex.split(line)[1:]]
        ran = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "400"},
        )
        said = " ".join((ran.stdout + ran.stderr).split())
        assert (ran.returncode == 0) is (step.mark != "fails"), f"{line}: {said}"
        assert step.what in said


async def export(town: Town, file: Path) -> None:
    """The evidence of a gateway that judged something."""
    async with await town.agent() as agent:
        await agent.propose(proposal("issue.create", {"title": "A note"}, jira=True))
    async with await town.sign_in(AUDITOR) as auditor:
        await auditor.bundle(file)


def test_every_block_says_what_to_do_with_it() -> None:
    found = list(steps())
    run = [line.split()[2] for step in found if step.kind == "sh" for line in step.text.splitlines()]

    assert all(step.mark in {"file", "append"} for step in found if step.kind != "sh")
    assert tuple(run) == _COMMANDS
    assert len(found) == TUTORIAL.read_text(encoding="utf-8").count("```") // 2


@pytest.mark.slow
async def test_the_tutorial_holds_from_its_first_line_to_its_last(town: Town, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    await export(town, tmp_path / "last.evidence.tar")

    for step in steps():
        play(step, tmp_path)

    assert (tmp_path / "build" / "policy" / "policy.wasm").is_file()
