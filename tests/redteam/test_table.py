"""The table of attacks is whole, and the page says what the tests try."""

import importlib
import inspect
from pathlib import Path

from tests.redteam.attacks import ATTACKS, Kind, page
from tests.town import ROOT

HERE = Path(__file__).parent
PAGE = ROOT / "docs/explanation/red-team.md"
BEGIN = "<!-- the table: tests/redteam/attacks.py -->\n"
MODULES = sorted(p.stem for p in HERE.glob("test_*.py") if p.stem != "test_table")
FEWEST = 80


def loaded() -> None:
    """Enter every attack, in the order of the files."""
    known = {a.module for a in ATTACKS}
    for name in MODULES:
        if name not in known:
            importlib.import_module(f"tests.redteam.{name}")


def test_there_are_enough_attacks_and_each_is_another_idea() -> None:
    loaded()

    assert len(ATTACKS) >= FEWEST
    assert len({a.wants for a in ATTACKS}) == len({(a.module, a.test) for a in ATTACKS}) == len(ATTACKS)


def test_every_class_has_one_file_and_every_file_one_class() -> None:
    loaded()
    pairs = {(a.kind, a.module) for a in ATTACKS}

    assert {kind for kind, _ in pairs} == set(Kind)
    assert sorted(module for _, module in pairs) == MODULES


def test_every_attack_is_a_test_that_pytest_runs() -> None:
    loaded()
    for attack in ATTACKS:
        module = importlib.import_module(f"tests.redteam.{attack.module}")
        assert attack.test.startswith("test_")
        assert inspect.iscoroutinefunction(getattr(module, attack.test))


def test_the_page_lists_exactly_the_attacks_there_are() -> None:
    loaded()

    assert PAGE.read_text(encoding="utf-8").split(BEGIN)[1] == page()
