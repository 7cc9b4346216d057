"""The parameters of the rules over changes: what their rules would misread does not build."""

from typing import Any

import pytest

from gateway.workbench.data_files import policy_data
from gateway.workbench.param_models import PARAMS, wrong_params
from tests.town import ROOT

SHIPPED = policy_data(ROOT / "policies").params


def test_every_model_has_its_parameters_in_the_shipped_data() -> None:
    assert set(PARAMS) <= set(SHIPPED)
    assert wrong_params(SHIPPED) == ()


@pytest.mark.parametrize("code", sorted(PARAMS))
def test_a_parameter_more_or_less_is_wrong(code: str) -> None:
    (first, *_) = SHIPPED[code]

    assert wrong_params({code: {**SHIPPED[code], "limts": 1}})
    assert wrong_params({code: {k: v for k, v in SHIPPED[code].items() if k != first}})


@pytest.mark.parametrize(
    ("code", "name", "value", "told"),
    [
        ("BLAST-002", "lines", {"low": -1, "high": 1}, "BLAST-002.lines.low"),
        ("BLAST-002", "lines", 400, "BLAST-002.lines"),
        ("PATH-001", "globs", [], "PATH-001.globs"),
        ("PATH-001", "globs", ["a b"], "PATH-001.globs.0"),
        ("PATH-006", "handling", {"manifest": "allowed"}, "PATH-006.handling"),
        ("PATH-006", "handling", {"manifests": "allowed"}, "PATH-006.handling"),
        ("PATH-007", "forbidden", [".exe"], "PATH-007.forbidden.0"),
        ("PATH-007", "forbidden", ["EXE"], "PATH-007.forbidden.0"),
        ("SUPPLY-001", "pairs", {"Cargo.lock": ["cargo.toml"]}, "SUPPLY-001.pairs"),
        ("COMMIT-003", "domains", [], "COMMIT-003.domains"),
        ("COMMIT-004", "require_sign_off", "maybe", "COMMIT-004.require_sign_off"),
    ],
)
def test_a_value_that_would_be_misread_is_told_with_its_place(
    code: str, name: str, value: Any, told: str
) -> None:
    wrong = wrong_params({code: {**SHIPPED[code], name: value}})

    assert any(one.startswith(told) for one in wrong)


@pytest.mark.parametrize(
    "pattern",
    [
        "^(fix|feat): ",
        r"(?i)\bwip\b",
        r"\p{Lu}\P{L}\pL",
        "[[:alpha:]]+",
        r"\x{1F600}",
        r"^a\z",
        r"\\1",
        "(?P<a>x)",
        "a{2,3}",
        "x" * 511,
    ],
)
def test_a_pattern_of_re2_is_taken(pattern: str) -> None:
    assert wrong_params({"COMMIT-002": {"required": [pattern], "forbidden": []}}) == ()


@pytest.mark.parametrize(
    "pattern",
    ["(", "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", r"(a)\1", "(?P<a>x)(?P=a)", "(?>a)", "a++", "", "x" * 512],
)
def test_a_pattern_that_is_none_of_re2_is_refused(pattern: str) -> None:
    assert wrong_params({"COMMIT-002": {"required": [], "forbidden": [pattern]}})
