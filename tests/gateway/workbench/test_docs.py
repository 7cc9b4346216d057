"""Rule pages say what METADATA, data and cases say."""

import re
from pathlib import Path

import pytest

from gateway.core.errors import SettingsError
from gateway.workbench.docs import INDEX, rule_pages, write_rule_pages
from tests.gateway.workbench.trees import shipped_copy

POLICIES = Path(__file__).parents[3] / "policies"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {path.as_posix(): content for path, content in rule_pages(POLICIES)}


def test_the_index_links_every_page(pages: dict[str, str]) -> None:
    index = pages[INDEX.as_posix()]

    assert all(f"({name})" in index for name in pages if name != INDEX.as_posix())


def test_a_page_shows_limits_and_what_helps(pages: dict[str, str]) -> None:
    page = pages["BLAST-001.md"]

    assert page.startswith("<!-- Generated")
    assert "# BLAST-001: Files in one change" in page
    assert '| `files` | `{"low": 20, "high": 50}` |' in page
    assert "Split the change, or ask a service owner" in page
    assert "| answer | asks for approval |" in page


def test_a_page_says_which_cases_make_the_rule_fire(pages: dict[str, str]) -> None:
    page = pages["BLAST-001.md"]

    assert "| twenty-one files ask the service owner | `commit` | require_approval | fires |" in page
    assert "| twenty files are within the limit of a contributor | `commit` | allow | silent |" in page
    assert "| in shadow the finding is shown without effect | `commit` | allow | in shadow |" in page
    assert "| an exception in force waives the finding and shows it | `commit` | allow | waived |" in page


def test_a_rule_with_two_answers_shows_both(pages: dict[str, str]) -> None:
    assert "| answer | denies, asks for approval |" in pages["BLAST-007.md"]


def test_a_code_of_the_gate_shows_only_the_cases_where_it_fires(pages: dict[str, str]) -> None:
    cases = pages["GATE-001.md"].split("## Cases")[1]

    assert "| fires |" in cases
    assert "| silent |" not in cases


def test_a_code_that_nothing_may_silence_says_so(pages: dict[str, str]) -> None:
    assert "| may be excused or silenced by data | no |" in pages["SECRET-001.md"]


def test_a_folder_that_does_not_parse_is_named(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "broken.rego").write_text("package {", encoding="utf-8")

    with pytest.raises(SettingsError, match=r"broken\.rego"):
        rule_pages(tmp_path)


@pytest.mark.slow
def test_pages_of_another_folder_link_to_its_own_rules(tmp_path: Path) -> None:
    policies = shipped_copy(tmp_path)
    written = write_rule_pages(policies, tmp_path / "site" / "rules")
    page = (tmp_path / "site" / "rules" / "BLAST-001.md").read_text("utf-8")
    index = (tmp_path / "site" / "rules" / "README.md").read_text("utf-8")
    linked = re.findall(r"\]\(([^)#:]+)\)", page + index)

    assert len(written) > 30
    assert linked
    assert all((tmp_path / "site" / "rules" / target).exists() for target in linked)
    assert "loopgate policy docs" in page
