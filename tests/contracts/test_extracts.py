"""The extracts are what a fresh extraction gives, the overlay is reviewed, and the judge really judges."""

import pytest

from tests.contracts import extract, swagger
from tests.contracts.operations import GITLAB, JIRA
from tests.contracts.validate import (
    ContractError,
    contract,
    merge,
    overlay,
    validate_request,
    validate_response,
)

HOST = "http://127.0.0.1:1"
ISSUES = f"{HOST}/api/v4/projects/shop%2Fcheckout/issues"
MERGE = f"{HOST}/api/v4/projects/1/merge_requests/1/merge"
SHARED = pytest.mark.skipif(
    not extract.VENDORS.exists(), reason="needs the vendors' whole documents beside the project"
)
JSON = {"content-type": "application/json"}


@SHARED
@pytest.mark.parametrize("name", ["gitlab", "jira"])
def test_an_extract_equals_a_fresh_extraction(name: str) -> None:
    fresh = {"gitlab": extract.gitlab, "jira": extract.jira}[name]()

    assert (extract.HERE / f"{name}.json").read_text() == extract.printed(fresh)


@pytest.mark.parametrize(("system", "operations"), [("gitlab", GITLAB), ("jira", JIRA)])
def test_every_operation_we_use_is_in_the_extract_or_the_overlay(
    system: str, operations: tuple[tuple[str, str], ...]
) -> None:
    missing = [
        (method, path) for method, path in operations if method not in contract(system)["paths"].get(path, {})
    ]

    assert missing == []


def test_every_overlay_entry_says_why() -> None:
    for entry in overlay():
        assert set(entry) in (
            {"system", "operation", "patch", "evidence"},
            {"system", "schema", "patch", "evidence"},
        )
        assert len(entry["evidence"]) > 20


def test_every_corrected_schema_is_used() -> None:
    """A correction of a schema nothing refers to would be a misspelling."""
    for entry in overlay():
        if "schema" in entry:
            assert f'"#/components/schemas/{entry["schema"]}"' in extract.printed(contract(entry["system"]))


@pytest.mark.parametrize(
    ("system", "method", "url", "body", "reason"),
    [
        ("gitlab", "PATCH", ISSUES, b"{}", "no operation for PATCH"),
        ("gitlab", "POST", ISSUES, b'{"description": "x"}', "'title' is a required property"),
        ("gitlab", "POST", ISSUES, b'{"title": "x", "sudo": "root"}', "undeclared body member sudo"),
        ("gitlab", "POST", f"{ISSUES}?sudo=root", b'{"title": "x"}', "undeclared query parameter sudo"),
        ("gitlab", "PUT", MERGE, b'{"sha": 1}', "1 is not of type 'string'"),
        (
            "gitlab",
            "PUT",
            f"{HOST}/api/v4/projects/1/merge_requests/x/merge",
            b"{}",
            "invalid literal for int",
        ),
        ("jira", "POST", f"{HOST}/rest/api/3/search", b"{}", "no operation for POST"),
        ("jira", "POST", f"{HOST}/rest/api/3/issue", b'{"feilds": {}}', "undeclared body member feilds"),
        (
            "jira",
            "POST",
            f"{HOST}/rest/api/3/search/jql",
            b'{"maxResults": "many"}',
            "is not of type 'integer'",
        ),
    ],
)
def test_a_request_the_vendor_does_not_document_is_refused(
    system: str, method: str, url: str, body: bytes, reason: str
) -> None:
    with pytest.raises(ContractError, match=reason):
        validate_request(system, method, url, JSON, body)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, b'{"id": "1"}', "at id: '1' is not of type"),
        (200, b'{"id": 1}', "'iid' is a required property"),
        (201, b"{}", "status 201 is not declared"),
    ],
)
def test_an_answer_the_vendor_does_not_document_is_refused(status: int, body: bytes, reason: str) -> None:
    with pytest.raises(ContractError, match=reason):
        validate_response("gitlab", "PUT", MERGE, status, JSON, body)


def test_a_good_request_gives_the_name_of_its_operation() -> None:
    name = validate_request("gitlab", "PUT", MERGE, JSON, b'{"sha": "abc"}')

    assert name == "PUT /api/v4/projects/{id}/merge_requests/{merge_request_iid}/merge"


def test_a_merge_patch_adds_replaces_and_removes() -> None:
    assert merge({"a": 1, "b": {"c": 2, "d": 3}}, {"a": None, "b": {"c": 4}, "e": [5]}) == {
        "b": {"c": 4, "d": 3},
        "e": [5],
    }


def test_form_parameters_become_a_request_body() -> None:
    old = {
        "operationId": "x",
        "parameters": [{"name": "content", "in": "formData", "type": "string", "required": True}],
        "responses": {"200": {"description": "ok"}},
    }

    body = swagger.operation(old)["requestBody"]["content"]["application/json"]["schema"]

    assert body == {"type": "object", "properties": {"content": {"type": "string"}}, "required": ["content"]}


def test_only_the_schemas_that_are_reached_are_kept() -> None:
    document = extract._document("3.1.0", "t", {"/a": {"get": {"$ref": "#/components/schemas/B"}}}, {})

    assert list(extract._references(document)) == ["B"]
    assert extract._reached(document, {"B": {"items": {"$ref": "#/x/C"}}, "C": {}, "D": {}}) == {
        "B": {"items": {"$ref": "#/x/C"}},
        "C": {},
    }
