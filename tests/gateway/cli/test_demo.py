"""`loopgate demo`: it tells the whole story and leaves nothing behind, and fails when a step differs."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.demonstration.narrator import Narrator, StoryDiffersError
from tests.town import ROOT

CHAPTERS = (
    "Setting the stage",
    "From a report to a merge",
    "A rollback",
    "Three things an agent may not do",
    "Evidence",
)


def play(*options: str) -> tuple[int, str, int]:
    """Play the demo in a process group of its own; exit code, what was shown, the group."""
    command = [sys.executable, "-m", "gateway.cli.main", "demo", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            shown, _ = process.communicate(timeout=300)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, " ".join(shown.split()), process.pid


def assert_nothing_runs(group: int) -> None:
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


@pytest.mark.slow
def test_the_demo_tells_every_chapter_and_leaves_no_process_behind(tmp_path: Path) -> None:
    code, shown, group = play("--folder", str(tmp_path / "stage"), "--svg", str(tmp_path / "demo.svg"))

    assert code == 0, shown
    assert [chapter for chapter in CHAPTERS if chapter not in shown] == []
    told = ("blast radius:", "approve, signed", "✓ merged ", "in production", "self_approval", "NOT VERIFIED")
    assert [step for step in told if step not in shown] == []
    assert "Traceback" not in shown
    assert "<svg" in (tmp_path / "demo.svg").read_text()
    assert_nothing_runs(group)


@pytest.mark.slow
def test_the_demo_fails_when_a_step_differs(tmp_path: Path) -> None:
    """Under a policy that grants all but the merge, the merge is not held but denied."""
    policies = Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))
    grants = policies / "data" / "grants.yaml"
    shipped = grants.read_text()
    assert "      - merge_request.*\n" in shipped
    grants.write_text(shipped.replace("merge_request.*", "merge_request.open"))

    code, shown, group = play("--folder", str(tmp_path / "stage"), "--policies", str(policies))

    assert code == 1
    assert "error: Step " in shown
    assert "Traceback" not in shown
    assert "The whole story took" not in shown
    assert_nothing_runs(group)


@pytest.mark.slow
def test_the_demo_fails_in_a_sentence_when_its_gateway_does_not_start(tmp_path: Path) -> None:
    code, shown, group = play("--folder", str(tmp_path / "stage"), "--policies", str(tmp_path / "none"))

    assert code == 1
    assert "error: " in shown
    assert "Traceback" not in shown
    assert_nothing_runs(group)


def test_a_step_that_differs_ends_the_story() -> None:
    tell = Narrator()
    tell.expect(what=True, sentence="this is so")

    with pytest.raises(StoryDiffersError, match="this is not so"):
        tell.expect(what=False, sentence="this is not so")
