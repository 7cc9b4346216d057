from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from gateway.sandbox.server import Sandbox
from tests.gateway.sandbox.worlds import Copy, gitlab_client, jira_client


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "sandbox") as started:
        yield started


@pytest.fixture
def road(sandbox: Sandbox) -> Iterator[httpx2.Client]:
    with gitlab_client(sandbox) as client:
        yield client


@pytest.fixture
def maintainer(sandbox: Sandbox) -> Iterator[httpx2.Client]:
    with gitlab_client(sandbox, sandbox.tokens.merge) as client:
        yield client


@pytest.fixture
def jira(sandbox: Sandbox) -> Iterator[httpx2.Client]:
    with jira_client(sandbox) as client:
        yield client


@pytest.fixture
def copy(sandbox: Sandbox, tmp_path: Path) -> Copy:
    return Copy(sandbox, tmp_path / "copy")
