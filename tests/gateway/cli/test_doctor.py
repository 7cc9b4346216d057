"""`doctor` on a gateway with a GitLab: each finding with its grade, and an exit code that tells a warning from a hole."""

from pathlib import Path

import pytest

from tests.gateway.cli.shell import Said, loopgate
from tests.town import Town, built_town

pytestmark = pytest.mark.slow


def examined(town: Town, *more: str) -> Said:
    return loopgate("doctor", "--home", str(town.home), *more)


def test_doctor_tells_what_of_gitlab_lets_somebody_past(home_template: Path, tmp_path: Path) -> None:
    with built_town(home_template, tmp_path) as town:
        only_warned = examined(town, "--json")
        town.sandbox.forge.projects[1].protections.clear()
        said, table = examined(town, "--json"), examined(town)

    states = {check["name"]: check["state"] for check in only_warned.document}
    assert (only_warned.code, said.code, table.code) == (0, 1, 1)
    assert states["gitlab: shop/checkout: branch main: pushes"] == "warn"
    assert states["gitlab: shop/payments: role of road"] == "ok"
    failed = [check for check in said.document if check["state"] == "fail"]
    assert [check["name"] for check in failed] == ["gitlab: shop/checkout: branch main"]
    assert "protect it" in failed[0]["detail"]
    assert "fail" in table.out
    assert "warn" in table.out
