"""Every short cut says what the long way says."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.core import file_paths, wellformed
from gateway.core.actions import params_digest, plain_params
from gateway.core.blast_radius import MAX_DEPTH, Dependant, dependants_of
from gateway.core.catalogue import Catalogue, Service
from gateway.core.digests import digest_of
from gateway.core.errors import MalformedError
from gateway.core.redaction import redact_params
from gateway.core.secret_detectors import _WORDS, find, may_stand_in
from gateway.core.vocabulary import ActionType
from tests.gateway.core.making import action

KEYS = st.sampled_from(("a", "b-c", "_d", "", "é", "x y", "lg_" + "0" * 43, "path"))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from((0, -1, 2**53 - 1, 2**53, -(2**53), 1.5, 2.0, float("nan"))),
    st.sampled_from(("", "text", "é", "\ud800", "a\0b", "\udfff")),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)
NAMES = ("one", "two", "three", "four", "five")
SEVERAL = st.lists(st.sampled_from(NAMES), max_size=2).map(tuple)
SERVICES = st.builds(
    Service,
    name=st.sampled_from(NAMES),
    project=st.just("p"),
    depends_on=SEVERAL,
    consumes_apis=SEVERAL,
    provides_apis=SEVERAL,
)
SECRETS = (
    "glpat-" + "a" * 20,
    "AKIA" + "B" * 16,
    "aws_secret_key=" + "c" * 40,
    "-----BEGIN PRIVATE KEY-----",
    "ATATT3" + "d" * 30,
    "GR1348941" + "e" * 20,
)
TEXTS = st.lists(
    st.sampled_from((*SECRETS, "gl", "single", "AWS", "IA", " ", "é", "\\", '"')), max_size=4
).map("".join)


def told(check: Any, document: dict[str, Any]) -> str | None:
    try:
        check(document)
    except MalformedError as error:
        return f"{error.field}: {error.detail}"
    return None


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_a_document_is_refused_for_the_same_reason_as_value_by_value(document: dict[str, Any]) -> None:
    assert told(wellformed.check_values, document) == told(wellformed._check_each, document)


def test_depth_and_size_are_refused_as_value_by_value() -> None:
    deep: dict[str, Any] = {}
    for _ in range(wellformed.MAX_DEPTH + 1):
        deep = {"a": deep}
    for document in (deep, deep["a"], deep["a"]["a"], {"a": list(range(wellformed.MAX_VALUES))}):
        assert told(wellformed.check_values, document) == told(wellformed._check_each, document)
    assert told(wellformed.check_values, deep) is not None


@given(st.text(alphabet="ab./\\ gitGIT~1:é\u200b\n", max_size=12))
def test_a_plain_path_is_one_the_long_way_lets_through(path: str) -> None:
    if file_paths._is_plain(path):
        assert all(file_paths._wrong_part(part) is None for part in path.split("/"))
        assert path.isprintable()
        assert "\\" not in path


def test_most_paths_are_plain() -> None:
    assert file_paths._is_plain("services/service-01/src/part_01.py")
    assert not file_paths._is_plain("a/" + "b" * 300)


@given(TEXTS, TEXTS)
def test_params_are_left_alone_only_when_no_text_holds_a_secret(body: str, other: str) -> None:
    params = {"message": body, "changes": [{"op": "create", "path": "a", "content": other}]}
    clean, cuts = redact_params(ActionType.COMMIT_CREATE, params)
    assert bool(cuts) == bool(find(body) or find(other))
    assert (clean == params) or cuts


@given(TEXTS)
def test_a_document_that_may_hold_a_secret_is_told_by_any_of_the_words(text: str) -> None:
    document = text.encode()
    assert may_stand_in(document) == (any(w in document for w in _WORDS) or b"aws" in document.lower())


@given(st.lists(SERVICES, max_size=5).map(tuple), st.lists(st.sampled_from(NAMES), max_size=2).map(tuple))
def test_dependants_are_found_as_by_looking_at_every_service_each_time(
    services: tuple[Service, ...], touched: tuple[str, ...]
) -> None:
    seen, frontier, found = set(touched), set(touched), []
    for depth in range(1, MAX_DEPTH + 1):
        offered = {api for s in services if s.name in frontier for api in s.provides_apis}
        frontier = {
            s.name
            for s in services
            if s.name not in seen and (frontier & {*s.depends_on} or offered & {*s.consumes_apis})
        }
        seen |= frontier
        found += [Dependant(service=name, depth=depth) for name in sorted(frontier)]
    assert dependants_of(touched, Catalogue(services=services)) == tuple(found)


def test_params_are_written_once_and_their_digest_is_that_of_the_canonical_form() -> None:
    asked = action()
    assert plain_params(asked) is plain_params(asked)
    assert plain_params(asked) == asked.params.canonical()
    assert params_digest(asked) == digest_of(asked.params.canonical())
