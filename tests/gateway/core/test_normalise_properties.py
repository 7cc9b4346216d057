"""Whatever a caller sends, `normalise` gives an action that can be stored, or a sentence for the caller."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.actions import Action, Request
from gateway.core.errors import CallerError
from gateway.core.normalise import normalise
from gateway.core.params import PARAMS, params_model
from gateway.core.secret_detectors import find
from gateway.core.vocabulary import SPECS, ActionType, System
from tests.gateway.core.making import HEAD, principal
from tests.gateway.core.test_normalise import AIMS, PARAMS_OF, SECRET

WORDS = st.sampled_from(
    [
        "gitlab",
        "jira",
        "loopgate",
        "shop/checkout",
        "SHOP",
        "SHOP-1",
        "main",
        "agent/x",
        "a..b",
        HEAD,
        "7",
        SECRET,
        "AKIA" + "A" * 16,
        "create",
        "delete",
        "move",
        "x/y",
        "../x",
        ".git/config",
        "/close",
        "",
        "\u202e",
        "a\nb",
        "In Progress",
        "https://x.example/y",
        "QQ==",
        "Q===",
        "redeploy",
        "e\u0301",
    ]
)
KEYS = st.sampled_from(
    sorted(
        {
            "system",
            *AIMS,
            *(f.alias or n for m in PARAMS.values() for n, f in m.model_fields.items()),
            SECRET,
            "op",
            "path",
            "previous_path",
            "content",
            "content_base64",
            "executable",
        }
    )
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=8)


@st.composite
def nearly_right(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A request that is right but for a few members."""
    kind = draw(st.sampled_from(list(ActionType)))
    spec = SPECS[kind]
    target = {"system": draw(st.sampled_from(spec.systems)).value, **{n: AIMS[n] for n in spec.aims}}
    if target["system"] == System.JIRA.value:
        target |= {"project": "SHOP", **({"issue": "SHOP-1"} if "issue" in spec.aims else {})}
    return (
        kind.value,
        target | draw(st.just({}) | OBJECTS),
        PARAMS_OF.get(kind, {}) | draw(st.just({}) | OBJECTS),
    )


@given(
    st.sampled_from([*(t.value for t in ActionType), "x"]) | st.text(max_size=10), OBJECTS, OBJECTS, VALUES
)
def test_any_request_becomes_an_action_or_a_callers_error(
    kind: str, target: dict[str, Any], params: dict[str, Any], other: Any
) -> None:
    intent = other if isinstance(other, str) else ""
    check_answer(kind, target, params, intent)


@given(nearly_right(), st.text(max_size=30))
def test_a_nearly_right_request_becomes_an_action_or_a_callers_error(
    parts: tuple[str, dict[str, Any], dict[str, Any]], intent: str
) -> None:
    check_answer(*parts, intent)


def check_answer(kind: str, target: dict[str, Any], params: dict[str, Any], intent: str) -> None:
    """Either a sentence for the caller, or an action that can be digested and stored and holds no secret."""
    answer = answered(kind, target, params, intent)
    if isinstance(answer, Action):
        assert len(answer.digest) == 64
        assert find(answer.model_dump_json()) == ()
        again = params_model(answer.type).model_validate(answer.params.model_dump(mode="json"))
        assert again == answer.params
    else:
        assert len(answer.detail) > 20
        assert answer.detail.endswith((".", "?"))
        assert find(answer.detail) == ()


def answered(kind: str, target: dict[str, Any], params: dict[str, Any], intent: str) -> Action | CallerError:
    """What `normalise` gives or raises; anything else it raises fails the test."""
    request = Request.model_construct(
        type=kind, target=target, params=params, intent=intent, trace=None, idempotency_key=None
    )
    try:
        return normalise(request, principal(), action_id="act_1", trace="trc_1", now_ms=1)
    except CallerError as error:
        return error
