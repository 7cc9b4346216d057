"""Secrets in names that were read: found wherever they stand, cut out, and counted as secrets of the action."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import canonical_bytes
from gateway.core.blast_radius import BlastRadius, measure
from gateway.core.catalogue import Catalogue
from gateway.core.facts import BranchFacts, IssueFacts, TextFacts
from gateway.core.names_read import blast_without_names, secrets_in_names, without_names
from gateway.core.secret_detectors import find, may_stand_in
from tests.gateway.core.making import change, changed, facts

TOKEN = "glpat-" + "k" * 20  # no secret: a shape
SECRETS = (
    TOKEN,
    "ATATT3" + "x" * 40,
    "AKIA" + "A" * 16,
    "ASIA" + "A" * 16,
    "AWS_SECRET_ACCESS_KEY=" + "a" * 40,
    "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
    "lg_" + "a" * 43,
)


def branch(name: str) -> BranchFacts:
    return BranchFacts(name=name, head=None, protected=False, default=False)


def test_a_document_without_secrets_has_none() -> None:
    assert secrets_in_names({"branch": {"name": "main"}}, {}) == ()


def test_a_secret_is_named_by_where_it_stands_and_never_by_what_it_is() -> None:
    found = secrets_in_names({"branch": {"name": TOKEN}, "deploys_to": ["a", TOKEN]}, {"title": TOKEN})

    assert found == (
        "/input/branch/name: gitlab-token",
        "/input/deploys_to/1: gitlab-token",
        "/subject/title: gitlab-token",
    )


def test_facts_lose_every_secret_and_count_it() -> None:
    text = TextFacts(links=("body: a.example",), secrets=("body: aws-key",), total=2)
    issue = IssueFacts(key="S-1", status="Open", project="S", current={"labels": [TOKEN]})
    given_facts = facts(branch=branch(f"x/{TOKEN}"), text=text, issue=issue, subject={"name": TOKEN})

    clean = without_names(given_facts, ("/input/branch/name: gitlab-token",))

    assert TOKEN not in clean.model_dump_json()
    assert clean.branch == branch("x/{redacted:gitlab-token}")
    assert clean.text.secrets == ("/input/branch/name: gitlab-token", "body: aws-key")
    assert clean.text.total == 3


def test_a_blast_radius_loses_them_too() -> None:
    assert blast_without_names(None) is None
    empty = Catalogue.model_validate({"services": []})

    def measured(path: str) -> BlastRadius:
        touched = change(changed(path, 1))
        return measure(touched, project="p", environment="none", concurrent=0, catalogue=empty, weights={})

    assert blast_without_names(measured("a/b.md")) == measured("a/b.md")
    dirty, clean = measured(f"{TOKEN}/b.md"), blast_without_names(measured(f"{TOKEN}/b.md"))
    assert TOKEN in dirty.model_dump_json()
    assert clean is not None
    assert TOKEN not in clean.model_dump_json()


@given(
    secret=st.sampled_from(SECRETS),
    before=st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    after=st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    key=st.text("ab"),
)
def test_whatever_a_detector_sees_in_a_text_the_quick_look_sees_in_the_document(
    secret: str, before: str, after: str, key: str
) -> None:
    text = before + secret + after
    document: dict[str, Any] = {key: ["x", {"name": text}]}

    if find(text):
        assert may_stand_in(canonical_bytes(document))
        assert secrets_in_names(document, {})


def test_the_quick_look_passes_what_has_no_word_of_any_secret() -> None:
    assert not may_stand_in(json.dumps({"project": "shop/checkout", "branch": "agent/glue"}).encode())
