"""The page about the sandbox names every route, switch and command there is, and no other."""

import re
from pathlib import Path

import pytest

from gateway.sandbox.control import Control
from gateway.sandbox.gitlab.app import ROUTER as GITLAB
from gateway.sandbox.jira.app import ROUTER as JIRA
from gateway.sandbox.seed import Tokens
from gateway.sandbox.server import Sandbox

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "sandbox.md").read_text()


@pytest.mark.parametrize(
    ("place", "served"),
    [
        ("GitLab", [(route.method, route.pattern) for route in GITLAB.routes]),
        ("Jira", [(route.method, route.pattern) for route in JIRA.routes]),
    ],
)
def test_every_route_is_listed(place: str, served: list[tuple[str, str]]) -> None:
    block = PAGE.partition(f"### {place}, under")[2].partition("```\n")[2].partition("```")[0]

    assert sorted(tuple(line.split()) for line in block.splitlines()) == sorted(served)


def test_every_switch_and_token_is_named(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "sandbox")
    control = Control(sandbox.clock, sandbox.switches, sandbox.forge)

    for name in (*control._acts, *vars(sandbox.switches)):
        assert name in PAGE or name in ("faults", "failing_jobs")
    for secret in vars(Tokens()).values():
        assert secret in PAGE


def test_every_command_carried_out_is_named(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "sandbox")
    sentence = PAGE.partition("Carried out are")[2].partition(". Other")[0]
    named = set(re.findall(r"\w+", sentence)) - {"and"}

    assert named == set(sandbox._workings.commands._acts) - {"labels"}
