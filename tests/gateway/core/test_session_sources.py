"""What an agent says it read can only make people look; it never makes itself believed."""

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.core.errors import MalformedError
from gateway.core.session_sources import Source, SourceKind, source_facts
from tests.gateway.core.making import GITLAB, meant


def test_each_kind_is_told_once_and_nothing_is_trusted() -> None:
    facts = source_facts(("web", "issue", "web"))

    assert [(fact.kind, fact.trust) for fact in facts] == [("issue", "untrusted"), ("web", "untrusted")]
    assert source_facts(()) == ()


@pytest.mark.parametrize(
    "said",
    [{"kind": "gospel"}, {"kind": "web", "trust": "trusted"}, {"kind": "web", "ref": "a b"}, {"ref": "x"}],
)
def test_nobody_declares_trust_or_what_is_no_kind(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Source.model_validate(said)


def test_what_was_read_is_part_of_the_action_and_not_of_what_it_asks() -> None:
    read = (Source(kind=SourceKind.WEB, ref="https://a.test/x"),)
    plain = meant("issue.create", GITLAB, {"title": "t"})
    after = meant("issue.create", GITLAB, {"title": "t"}, sources=read)

    assert after.sources == read
    assert plain.sources == ()
    assert after.digest == plain.digest


def test_a_secret_in_a_reference_is_refused() -> None:
    read = (Source(kind=SourceKind.WEB, ref="https://a.test/?t=glpat-" + "x1Y2z3A4b5C6d7E8f9G0"),)

    with pytest.raises(MalformedError):
        meant("issue.create", GITLAB, {"title": "t"}, sources=read)
