"""Every error code a door can answer with, once: HTTP status, what it means, what to do. A test holds it complete."""

from gateway.core.model import Model


class ErrorCode(Model):
    """One stable code of docs/reference/errors.md."""

    code: str
    status: int
    meaning: str
    remedy: str


def _code(code: str, status: int, meaning: str, remedy: str) -> ErrorCode:
    return ErrorCode(code=code, status=status, meaning=meaning, remedy=remedy)


ERROR_CODES = (
    _code(
        "bad_jwt", 401, "The JWT is not one this gateway believes.", "Check issuer, audience, key and claims."
    ),
    _code(
        "issuer_unavailable",
        401,
        "The JWT issuer's keys cannot be read now.",
        "Try again, or use a gateway token.",
    ),
    _code(
        "not_in_roster",
        401,
        "The policy in force does not know this principal.",
        "Ask an operator to add it.",
    ),
    _code("token_expired", 401, "The token's time is over.", "People sign in again; agents ask an operator."),
    _code("unknown_issuer", 401, "No such JWT issuer is trusted at this door.", "Ask an operator to add it."),
    _code("wrong_door", 401, "The token is for another door.", "Use one made for this door."),
    _code("already_voted", 409, "You have voted on this ticket.", "Nothing; one person, one vote."),
    _code(
        "bad_assertion",
        400,
        "The proof of a vote does not hold.",
        "Sign again with `loopgate tickets approve`.",
    ),
    _code(
        "bad_code", 401, "The one-time code is unknown, used or expired.", "Ask an operator for a new one."
    ),
    _code("bad_request", 400, "The request cannot be served as it is.", "Read `detail`."),
    _code(
        "busy", 503, "Too much is waiting to be recorded; nothing was done.", "Come back after `Retry-After`."
    ),
    _code(
        "bundle_refused",
        422,
        "The policy is not believed: unsigned, changed after signing, or fails a check; `detail` says which.",
        "Build it with `loopgate policy build --sign`, and upload that.",
    ),
    _code("cancelled", 409, "The action was withdrawn.", "Propose it again if it is still wanted."),
    _code("conflict", 409, "True once, not any more.", "Read the state again."),
    _code(
        "denied",
        403,
        "A policy denies it; `findings` say why and what helps.",
        "Follow `findings[].remediation`.",
    ),
    _code("expired", 409, "Nobody answered in time.", "Propose the action again."),
    _code("idempotency_mismatch", 422, "This idempotency key was used for another action.", "Use a new key."),
    _code(
        "in_doubt",
        504,
        "It may have happened; it is being reconciled.",
        "Do not repeat it; read the action later.",
    ),
    _code("internal", 500, "A defect of the gateway; nothing more was done.", "Tell the operator."),
    _code(
        "log_unavailable",
        503,
        "No record can be made, so nothing was done.",
        "Come back after `Retry-After`.",
    ),
    _code("malformed", 422, "Not the documented form; `field` points at it.", "Correct that field."),
    _code("method_not_allowed", 405, "This route does not answer that method.", "See the OpenAPI document."),
    _code("not_cancellable", 409, "It has started or ended.", "Read the action."),
    _code("not_eligible", 403, "You hold none of the roles the ticket asks for.", "Ask somebody who does."),
    _code("not_found", 404, "Nothing there that you may see.", "Check the id."),
    _code(
        "out_of_scope",
        403,
        "Your credential may not do this; `detail` says what it may.",
        "Ask for a wider token.",
    ),
    _code("over_budget", 403, "A budget is used up.", "Come back at `retry.wait_until_ms`."),
    _code(
        "policy_unavailable",
        503,
        "The policy engine does not answer; recorded as denied.",
        "Retry with a new key.",
    ),
    _code(
        "policy_sealed",
        409,
        "Changing the policy needs approval since it was sealed.",
        "Propose it with `loopgate policy activate`.",
    ),
    _code("rejected", 409, "A person said no; their reason is in the ticket.", "Propose something else."),
    _code(
        "review_overdue",
        409,
        "The review of an earlier break-glass is overdue.",
        "Review it: `loopgate break-glass review`.",
    ),
    _code("self_approval", 403, "Nobody approves their own work.", "Ask somebody independent."),
    _code("stale", 409, "The world moved after this was proposed.", "Propose it for the new state."),
    _code("stale_question", 409, "The question changed since you read it.", "Read the ticket again."),
    _code(
        "target_refused",
        409,
        "GitLab or Jira refused, in its own words; nothing was changed.",
        "Read `detail`.",
    ),
    _code("ticket_closed", 409, "The ticket takes no more votes.", "Nothing."),
    _code("ticket_expired", 409, "The ticket's time is over.", "The agent can propose the action again."),
    _code("too_large", 413, "The body is over its limit.", "Send less; limits are in docs/reference/api.md."),
    _code(
        "too_many_requests",
        429,
        "More proposals this minute, or dry runs this hour, than an agent may make; nothing was recorded.",
        "Come back after `Retry-After`.",
    ),
    _code("unauthenticated", 401, "No credential, or one that is unknown, expired or revoked.", "Sign in."),
)
