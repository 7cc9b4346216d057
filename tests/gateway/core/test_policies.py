"""Which policy a rollback goes back to, whatever came before."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.policies import PolicyStanding, PolicyStep, PolicyStepKind

K = PolicyStepKind


def history(*steps: tuple[PolicyStepKind, str]) -> PolicyStanding:
    made = tuple(
        PolicyStep(
            number=n, kind=kind, digest=digest, before=None, by="prn_platform", action_id=None, at_ms=n
        )
        for n, (kind, digest) in enumerate(steps, 1)
    )
    return PolicyStanding(active=steps[-1][1] if steps else None, sealed_ms=None, history=made)


def test_a_rollback_goes_to_what_was_in_force_before() -> None:
    assert history((K.BEGUN, "a"), (K.ACTIVATED, "b")).previous == "a"


def test_the_first_policy_has_none_before_it() -> None:
    assert history().previous is None
    assert history((K.BEGUN, "a")).previous is None


def test_a_second_rollback_goes_further_back_instead_of_ahead_again() -> None:
    steps = [(K.BEGUN, "a"), (K.ACTIVATED, "b"), (K.ACTIVATED, "c"), (K.ROLLED_BACK, "b")]
    assert history(*steps).previous == "a"
    assert history(*steps, (K.ROLLED_BACK, "a")).previous is None


def test_activating_anew_after_a_rollback_goes_back_to_what_that_went_to() -> None:
    steps = [(K.BEGUN, "a"), (K.ACTIVATED, "b"), (K.ROLLED_BACK, "a"), (K.ACTIVATED, "c")]
    assert history(*steps).previous == "a"


def test_what_is_put_in_force_twice_stands_once() -> None:
    assert history((K.BEGUN, "a"), (K.SERVED, "a"), (K.ACTIVATED, "b")).previous == "a"
    assert history((K.BEGUN, "a"), (K.SERVED, "a")).previous is None


def test_the_policy_a_start_served_last_is_known_apart() -> None:
    steps = [(K.BEGUN, "a"), (K.SERVED, "b"), (K.ACTIVATED, "c")]
    assert history(*steps).served == "b"
    assert history().served is None


def test_sealed_is_since_when() -> None:
    assert not history().sealed
    assert history().model_copy(update={"sealed_ms": 0}).sealed


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=12), st.integers(0, 12))
def test_rolling_back_always_undoes_the_last_activation_that_stands(names: list[str], times: int) -> None:
    """Activations in a row, then rollbacks: each goes one further down, never to what is in force."""
    entered = [name for n, name in enumerate(names) if n == 0 or names[n - 1] != name]
    steps = [(K.ACTIVATED, name) for name in entered]
    for left in range(len(entered) - 1, max(len(entered) - 1 - times, 0), -1):
        assert history(*steps).previous == entered[left - 1]
        steps.append((K.ROLLED_BACK, entered[left - 1]))
    last = history(*steps).previous
    assert last is None or last != steps[-1][1]
