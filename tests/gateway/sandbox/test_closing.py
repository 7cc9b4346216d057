"""Closing keywords are read as GitLab's default pattern reads them."""

import pytest

from gateway.sandbox.gitlab.closing import issues_closed_by, keys_closed_by

HERE = "shop/checkout"


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("Closes #3", [(HERE, 3)]),
        ("closes: #3", [(HERE, 3)]),
        ("fixes shop/payments#4", [("shop/payments", 4)]),
        ("Fixes payments#4", [("shop/payments", 4)]),
        ("This resolves #1, #2 and #3.", [(HERE, 1), (HERE, 2), (HERE, 3)]),
        ("Implements issue #7", [(HERE, 7)]),
        ("Closing https://git.invalid/shop/payments/-/issues/9", [("shop/payments", 9)]),
        ("Fixed #1\nClosed #2", [(HERE, 1), (HERE, 2)]),
        ("See #3", []),
        ("closes nothing, see #3", []),
        ("Closes # 3", []),
        ("disclose #3", []),
    ],
)
def test_the_issues_a_text_closes(text: str, closed: list[tuple[str, int]]) -> None:
    assert list(issues_closed_by(text, HERE)) == closed


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Closes SHOP-1", ["SHOP-1"]),
        ("fixes SHOP-1, SHOP-2", ["SHOP-1", "SHOP-2"]),
        ("SHOP-1", []),
        ("Closes #1", []),
    ],
)
def test_the_jira_keys_a_text_closes(text: str, keys: list[str]) -> None:
    assert list(keys_closed_by(text)) == keys
