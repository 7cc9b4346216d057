"""Every row of `docs/reference/failures.md` happens here, and every column of it is what really happened."""

from pathlib import Path

import pytest

from tests.failures import engines, held, policies, processes, servers, storage, vendors
from tests.failures.scene import SCENARIOS, Seen, stage_on
from tests.failures.table import Row, rows

pytestmark = pytest.mark.slow
PARTS = (engines, held, policies, processes, servers, storage, vendors)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.id)
async def test_a_fault_ends_as_the_table_says(
    row: Row, home_template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert row.id in SCENARIOS, "the table has a row that no scenario shows"
    seen = Seen()
    with stage_on(home_template, tmp_path, capsys, seen) as stage:
        await SCENARIOS[row.id](stage)

    assert seen.as_row(row.id) == row


def test_every_scenario_has_a_row_and_every_row_one_scenario() -> None:
    named = [row.id for row in rows()]

    assert sorted(named) == sorted(SCENARIOS)
    assert {scenario.__module__ for scenario in SCENARIOS.values()} == {part.__name__ for part in PARTS}
