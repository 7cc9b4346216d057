"""schemathesis over the whole OpenAPI document, as each role: what the document says is what the door does."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from gateway.doors.rest.door import rest_door
from tests.gateway.doors.rest.conftest import Served

pytestmark = pytest.mark.slow
schema = schemathesis.openapi.from_dict(rest_door(None).openapi())
AnyCase = schemathesis.Case[Any]
few = settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


# Set away from its default: which target and params a type of action takes is told by `/v1/rules` and the reference,
# not by this document's schema, so a proposal that the schema allows may rightly be malformed.
EXCLUDED: list[Any] = [positive_data_acceptance]


def is_sound_after_all(case: AnyCase) -> bool:
    """Whether nothing that was spoilt reaches the door, so that it is right to accept the request.

    The credential that was taken away is given back below, and a query member whose value is an empty list is not
    sent at all.
    """
    mutations = getattr(case.meta.phase.data, "mutations", ()) if case.meta else ()
    spoilt = {(m.parameter_location.value, keyword) for m in mutations for keyword in m.keywords}
    sent = {name for name, value in case.query.items() if value not in (None, [])}
    return spoilt == {("header", "required"), ("query", "additionalProperties")} and sent <= {
        parameter.name for parameter in case.operation.query
    }


def call(case: AnyCase, served: Served, role: str) -> None:
    case.call_and_validate(
        base_url=served.url,
        headers={"Authorization": f"Bearer {served.tokens[role]}"},
        excluded_checks=[*EXCLUDED, *([negative_data_rejection] if is_sound_after_all(case) else [])],
    )


@schema.parametrize()
@few
def test_an_agent_meets_the_documented_door(case: AnyCase, served: Served) -> None:
    call(case, served, "agent")


@schema.parametrize()
@few
def test_an_approver_meets_the_documented_door(case: AnyCase, served: Served) -> None:
    call(case, served, "approver")


@schema.parametrize()
@few
def test_an_auditor_meets_the_documented_door(case: AnyCase, served: Served) -> None:
    call(case, served, "auditor")


@schema.parametrize()
@few
def test_an_operator_meets_the_documented_door(case: AnyCase, served: Served) -> None:
    call(case, served, "operator")
