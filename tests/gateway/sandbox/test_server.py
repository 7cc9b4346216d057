"""Starting, seeding and stopping; the process; the automatic mode."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from gateway.sandbox.gitlab.forge import Pace
from gateway.sandbox.server import Sandbox, wall_clock
from tests.gateway.sandbox.worlds import CHECKOUT, gitlab_client

MAIN = "a371a0b4fd1e90d986bca7cf47e7e22f26e93f02"


def test_the_demo_world_is_the_same_everywhere(sandbox: Sandbox) -> None:
    checkout = sandbox.forge.project_at("shop/checkout")
    assert checkout
    assert checkout.repository.head("main") == MAIN
    lock = json.loads(checkout.repository.blob("main", "package-lock.json") or b"")
    assert lock["dependencies"]["jquery"]["version"] == "3.3.9"
    assert [each.status for each in checkout.deployments.values()] == ["success", "success"]
    assert sandbox.site.find("SHOP-1")


def test_seeding_takes_less_than_two_seconds(tmp_path: Path) -> None:
    before = time.monotonic()

    Sandbox(tmp_path / "sandbox").seed()

    assert time.monotonic() - before < 2


def test_time_can_be_handed_in(tmp_path: Path) -> None:
    start = datetime(2027, 1, 1, tzinfo=UTC)
    sandbox = Sandbox(tmp_path / "sandbox", wall=lambda: start)
    sandbox.seed()

    assert sandbox.clock.now() == start
    assert sandbox.forge.projects[1].deployments[2].created_at < start
    assert wall_clock().tzinfo is UTC


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")

    with pytest.raises(ValueError, match="is not empty; give an empty or new folder"):
        Sandbox(tmp_path).start()


async def test_the_sandbox_is_an_async_context_manager(tmp_path: Path) -> None:
    async with Sandbox(tmp_path / "sandbox") as sandbox, httpx2.AsyncClient() as client:
        answer = await client.get(f"{sandbox.jira_url}/rest/api/3/myself")

    assert answer.status_code == 401


async def test_in_automatic_mode_pipelines_run_by_themselves(tmp_path: Path) -> None:
    async with Sandbox(tmp_path / "sandbox", auto=True, pace=Pace(0.01, 0.01)) as sandbox:
        with gitlab_client(sandbox, sandbox.tokens.merge) as client:
            number = client.post(f"{CHECKOUT}/pipeline", json={"ref": "main"}).json()["id"]
            async with asyncio.timeout(20):
                while client.get(f"{CHECKOUT}/pipelines/{number}").json()["status"] != "success":
                    await asyncio.to_thread(client.get, "/version")

    assert sandbox.forge.projects[1].pipelines[number].status == "success"


def process(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gateway.sandbox", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_process_says_where_it_is_and_stops_when_told(tmp_path: Path) -> None:
    with process("--folder", str(tmp_path / "sandbox"), "--auto") as running:
        assert running.stdout
        ready = json.loads(running.stdout.readline())
        answer = httpx2.get(
            f"{ready['gitlab_url']}/api/v4/user", headers={"PRIVATE-TOKEN": ready["tokens"]["road"]}
        )
        running.send_signal(signal.SIGTERM)
        _, errors = running.communicate(timeout=20)

    assert (answer.json()["username"], running.returncode, errors) == ("loopgate-road", 0, "")


def test_the_process_says_what_is_wrong_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")

    with process("--folder", str(tmp_path)) as refused:
        _, errors = refused.communicate(timeout=20)

    assert refused.returncode == 2
    assert "is not empty; give an empty or new folder" in errors
