"""One served gateway for all tests of the command line, and the shells of the people around it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.cli.shell import Shell
from tests.gateway.doors.rest.conftest import Served
from tests.town import NOTE, built_town, proposal

NASTY = "[bold]loud[/bold] \u202eesrever\u2066 <script>alert(1)</script>"


@pytest.fixture(scope="package")
def shell(home_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Shells at a served gateway."""
    folder = tmp_path_factory.mktemp("shells")
    with built_town(home_template, tmp_path_factory.mktemp("hall")) as town:
        served = Served(town)
        served.start()
        yield Shell(served, folder)
        served.stop()


@pytest.fixture(scope="package")
def held(shell: Shell) -> dict[str, Any]:
    """A merge that waits for people, proposed by a hostile agent on the real command line."""
    return held_merge(shell, "agent/nasty", intent=NASTY)


def held_merge(shell: Shell, branch: str, **more: Any) -> dict[str, Any]:
    """Branch, commit, merge request, merge: the action document of the last, which is held."""
    change = {"message": "Add a note", "changes": [{**NOTE, "path": f"docs/{branch[6:]}.md"}]}
    request = {"source": branch, "target": "main", "title": "Add a note"}
    assert shell.act(proposal("branch.create", {"from": "main"}, branch=branch)).code == 0
    commit = shell.act(proposal("commit.create", change, branch=branch)).document
    opened = shell.act(proposal("merge_request.open", request)).document
    wanted = {"expected_head": commit["result"]["commit"]}
    merge = proposal("merge_request.merge", wanted, merge_request=int(opened["result"]["merge_request"]))
    said = shell.act({**merge, **more})
    assert said.code == 4, said
    document: dict[str, Any] = said.document
    return document
