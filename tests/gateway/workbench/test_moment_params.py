"""The parameters of the rules over flow, time, rates and deployments: what their rules would misread does not build."""

from typing import Any

import pytest

from gateway.workbench.data_files import policy_data
from gateway.workbench.moment_params import MOMENT_PARAMS
from gateway.workbench.param_models import PARAMS, wrong_params
from tests.town import ROOT

SHIPPED = policy_data(ROOT / "policies").params
OPTIONAL = {"RATE-004"}


def test_every_parameter_that_ships_has_a_model_and_meets_it() -> None:
    assert set(SHIPPED) == set(PARAMS) | set(MOMENT_PARAMS)
    assert set(PARAMS).isdisjoint(MOMENT_PARAMS)
    assert wrong_params(SHIPPED, MOMENT_PARAMS) == ()


@pytest.mark.parametrize("code", sorted(MOMENT_PARAMS))
def test_a_parameter_more_is_wrong(code: str) -> None:
    assert wrong_params({code: {**SHIPPED[code], "limts": 1}}, MOMENT_PARAMS)


@pytest.mark.parametrize("code", sorted(set(MOMENT_PARAMS) - OPTIONAL))
def test_a_parameter_less_is_wrong(code: str) -> None:
    for name in SHIPPED[code]:
        assert wrong_params({code: {k: v for k, v in SHIPPED[code].items() if k != name}}, MOMENT_PARAMS)


@pytest.mark.parametrize(
    ("code", "name", "value", "told"),
    [
        ("FLOW-002", "protected", [], "FLOW-002.protected"),
        ("FLOW-004", "maps", [{"projects": [], "moves": {}}], "FLOW-004.maps.0.projects"),
        ("FLOW-004", "maps", [{"projects": ["**"], "moves": {"To Do": ["done"]}}], "FLOW-004.maps.0.moves"),
        ("FLOW-005", "allowed", ["A B"], "FLOW-005.allowed.0"),
        ("FLOW-006", "issue", {"title": "(?=x)", "labels_required": []}, "FLOW-006.issue"),
        ("RATE-001", "hour", {"low": "30", "high": 120}, "RATE-001.hour.low"),
        ("RATE-002", "open", {"low": True, "high": 8}, "RATE-002.open.low"),
        ("RATE-003", "similarity", 0, "RATE-003.similarity"),
        ("RATE-003", "similarity", 1001, "RATE-003.similarity"),
        ("TIME-001", "allowed", ["deployment.rollbak"], "TIME-001.allowed.0"),
        ("TIME-002", "weekdays", [0], "TIME-002.weekdays.0"),
        ("TIME-002", "to_minute", 1441, "TIME-002.to_minute"),
        ("TIME-002", "to_minute", 0, "TIME-002: work ends after it begins"),
        ("BREAK-001", "ttl_ms", 3_600_001, "BREAK-001.ttl_ms"),
        ("TRUST-001", "actions", [], "TRUST-001.actions"),
        ("TRUST-001", "no_record", "maybe", "TRUST-001.no_record"),
        ("DEPLOY-001", "healthy_s", 0, "DEPLOY-001.healthy_s"),
        ("DEPLOY-003", "globs", ["DB/**"], "DEPLOY-003.globs.0"),
    ],
)
def test_a_value_that_would_be_misread_is_told_with_its_place(
    code: str, name: str, value: Any, told: str
) -> None:
    wrong = wrong_params({code: {**SHIPPED[code], name: value}}, MOMENT_PARAMS)

    assert any(one.startswith(told) for one in wrong)
