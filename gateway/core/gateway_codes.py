"""The codes the gateway itself gives, with their cards: what no Rego rule can say, because Rego was not asked."""

from gateway.core.rulings import Assurance, Binding, Effect, Finding, Retry, RuleCard


def _card(code: str, title: str, remediation: str, retry: Retry, *, severity: str = "high") -> RuleCard:
    return RuleCard(
        code=code,
        title=title,
        severity=severity,
        remediation=remediation,
        retry=retry,
        binding=Binding.MOMENT,
        waivable=False,
    )


_CARDS = (
    _card(
        "POLICY_UNAVAILABLE",
        "The policy engine gave no usable answer",
        "Propose the action again, with a new idempotency key, when the gateway is ready again.",
        Retry.FIX_AND_RETRY,
        severity="critical",
    ),
    _card(
        "REJECTED_BEFORE",
        "A person rejected this very question",
        "Read the reason that was given; propose something else.",
        Retry.NEVER,
    ),
    _card(
        "NOT_SUPPORTED_YET",
        "This version does not perform this type of action",
        "Use a type of action that `GET /v1/me` lists.",
        Retry.NEVER,
        severity="medium",
    ),
    _card(
        "OUT_OF_SCOPE",
        "The credential may not do this",
        "Use a type of action and a project that `GET /v1/me` lists, or ask an operator for a wider token.",
        Retry.NEVER,
    ),
    _card(
        "STATE_MOVED",
        "The target is not in the state the action names",
        "Read the target again and propose the action for its present state.",
        Retry.FIX_AND_RETRY,
        severity="medium",
    ),
    _card(
        "MERGE_REQUEST_OVER",
        "The merge request is closed or merged",
        "Open another merge request, or reopen this one and propose its merge afresh: earlier approvals are gone.",
        Retry.NEVER,
        severity="medium",
    ),
    _card(
        "UNSATISFIABLE_APPROVAL",
        "Nobody could ever give the approval this needs",
        "Ask an operator to add people with these roles who did not take part in the change.",
        Retry.NEVER,
    ),
    _card(
        "OVER_BUDGET",
        "The budget is used up",
        "Wait until the time given; finished work is kept.",
        Retry.WAIT_UNTIL,
        severity="medium",
    ),
    _card(
        "NOT_PERFORMABLE",
        "The target cannot do this as it stands",
        "Read the target's own words, mend what they name, and propose the action again.",
        Retry.FIX_AND_RETRY,
        severity="medium",
    ),
    _card(
        "GUARD_FAILED",
        "Something changed between judging and acting",
        "Propose the action again.",
        Retry.FIX_AND_RETRY,
        severity="medium",
    ),
)
GATEWAY_CARDS: dict[str, RuleCard] = {card.code: card for card in _CARDS}


def unknown_card(code: str) -> RuleCard:
    """The card of a finding nobody registered: taken as seriously as can be."""
    return RuleCard(
        code=code,
        title="A rule without a card complained",
        severity="critical",
        remediation="Tell the platform team: the rule that gave this code is not registered.",
        retry=Retry.NEVER,
        binding=Binding.STATE,
        assurance=Assurance.SIGNED,
        waivable=False,
    )


def gateway_finding(code: str, detail: str, *, until_ms: int | None = None) -> Finding:
    """A denial by the gateway itself; `detail` is its sentence. Raises `KeyError` for a code it does not own."""
    card = GATEWAY_CARDS[code]
    return Finding(
        code=code,
        effect=Effect.DENY,
        retry=card.retry,
        until_ms=until_ms,
        title=card.title,
        severity=card.severity,
        remediation=card.remediation,
        message=detail,
        binding=card.binding,
        docs=docs_of(code),
    )


def docs_of(code: str) -> str:
    """Where the documentation of a code stands, relative to the project's root."""
    return "docs/reference/errors.md" if code in GATEWAY_CARDS else f"docs/reference/rules/{code}.md"
