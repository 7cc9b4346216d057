"""What people are told, and that nobody's words do anything where they are told."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.events import EventType
from gateway.core.actions import Action, Target
from gateway.core.break_glass import BreakGlass
from gateway.core.emergency import Stop
from gateway.core.notices import (
    MAX_ATTEMPTS,
    Channel,
    Matter,
    Occasion,
    as_markdown,
    as_slack,
    compose,
    pause_ms,
    place_of_notice,
    quoted,
)
from gateway.core.text import harmless, scan
from gateway.core.tickets import Ticket
from gateway.core.vocabulary import ActionType, System
from tests.gateway.core.making import NOW_MS, action, clause, ticket, vote

SECRET = "glpat-" + "a1B2_" * 4
ACTS = [
    "/merge",
    "@all",
    "@maya",
    "[~accountid:1]",
    "<!channel>",
    "<@U024BE7LH>",
    "<https://evil.test|Approve>",
    "![x](https://evil.test/p.png)",
    "[here](https://evil.test)",
    "`",
    "```\n/close\n```",
    "\n/approve\n",
    "\u202e",
    "&lt;!here&gt;",
    "<!-- lg-" + "0" * 64 + " -->",
    "*bold*",
    "Closes #1",
    "\\",
    "javascript:alert(1)",
    "//evil.test",
    "mailto:x@evil.test",
]
hostile = st.lists(st.sampled_from(ACTS) | st.text(max_size=12), max_size=8).map(" ".join) | st.text(
    max_size=400
)


def matter(occasion: Occasion = Occasion.OPENED, **changes: Any) -> Matter:
    """A matter about a ticket on a merge unless told otherwise."""
    plain: dict[str, Any] = {
        "occasion": occasion,
        "subject": "tkt_1",
        "channel": Channel.COMMENT,
        "attempts": 1,
        "created_ms": NOW_MS,
        "action": action(),
        "ticket": ticket(),
    }
    return Matter(**{**plain, **changes})


def meaning(text: str) -> Action:
    return action(intent=text)


def test_every_occasion_is_an_event_type() -> None:
    assert {o.value for o in Occasion} <= {t.value for t in EventType}


def test_an_asked_question_says_who_asks_what_of_whom_and_how_to_answer() -> None:
    asked = ticket(clauses=(clause("sre", 2), clause("service-owner", for_service="checkout")))
    notice = compose(matter(ticket=asked), "https://gate.example/")
    told = as_markdown(notice)

    assert told.splitlines()[0] == "**Loopgate asks for approval.**"
    assert "- action: `merge_request.merge (act_1)`" in told
    assert "- target: `project shop/checkout, merge_request 7`" in told
    assert "- asked: `2 of sre; 1 of service-owner for checkout`" in told
    assert "- intent: `a test`" in told
    assert "`loopgate tickets show tkt_1`. A reply here is not a vote." in told
    assert told.endswith("<https://gate.example/v1/tickets/tkt_1>")


def test_without_an_address_of_the_gateway_there_is_no_link() -> None:
    assert compose(matter()).link == ""
    assert "<" not in as_markdown(compose(matter()))


def test_a_successor_says_what_it_replaces_and_what_changed() -> None:
    again = ticket(predecessor="tkt_0", changed={"subject": {"before": 1, "after": 2}, "change": {}})
    told = as_markdown(compose(matter(ticket=again)))

    assert "again, because the question has changed" in told
    assert "- replaces: `tkt_0`" in told
    assert "- changed: `change, subject`" in told


def test_a_refusal_says_why_in_the_persons_words() -> None:
    asked = ticket()
    said = vote("prn_sam", asked, "reject").model_copy(update={"reason": "Not on @friday"})
    told = as_markdown(compose(matter(Occasion.REJECTED, ticket=asked.model_copy(update={"votes": (said,)}))))

    assert "The approval was refused." in told
    assert "- prn_sam said: `Not on \uff20friday`" in told


@pytest.mark.parametrize(
    ("occasion", "said"),
    [
        (Occasion.APPROVED, "The approval was given."),
        (Occasion.EXPIRED, "Nobody answered in time"),
        (Occasion.IN_DOUBT, "not known whether"),
    ],
)
def test_every_other_end_is_told_in_a_sentence(occasion: Occasion, said: str) -> None:
    assert said in compose(matter(occasion)).headline


def test_an_action_in_doubt_needs_no_ticket() -> None:
    notice = compose(matter(Occasion.IN_DOUBT, subject="act_1", ticket=None), "https://gate.example")

    assert notice.link == ""
    assert "loopgate actions list --in-doubt" in notice.advice


def test_what_is_gone_is_left_out() -> None:
    bare = compose(matter(action=None, ticket=None))

    assert (bare.facts, bare.quotes) == ((), ())
    assert compose(matter(action=meaning(""))).quotes == ()


@pytest.mark.parametrize(
    ("scope", "value", "reason"), [("everything", "", ""), ("agent", "agt_x", "It spins")]
)
def test_a_stop_says_what_stands_still_and_how_it_is_lifted(scope: str, value: str, reason: str) -> None:
    stop = Stop(id="stp_1", scope=scope, value=value, reason=reason, by="prn_op", engaged_ms=1)
    told = as_markdown(compose(matter(Occasion.STOPPED, action=None, ticket=None, stop=stop)))

    assert f"- stopped: `{scope} {value}".rstrip() in told
    assert ("- reason: `It spins`" in told) is bool(reason)
    assert "`loopgate lift stp_1`" in told


def test_pauses_grow_to_an_hour_and_then_there_is_no_further_attempt() -> None:
    pauses = [pause_ms(attempts) for attempts in range(1, MAX_ATTEMPTS + 1)]

    assert pauses == [60_000, 120_000, 240_000, 480_000, 960_000, 1_920_000, 3_600_000, None]


@pytest.mark.parametrize(
    ("target", "place"),
    [
        (Target(system=System.GITLAB, project="a/b", branch="x"), None),
        (
            Target(system=System.GITLAB, project="a/b", merge_request=1),
            Target(system=System.GITLAB, project="a/b", merge_request=1),
        ),
        (
            Target(system=System.JIRA, project="S", issue="S-1"),
            Target(system=System.JIRA, project="S", issue="S-1"),
        ),
    ],
)
def test_a_comment_goes_to_an_issue_or_merge_request(target: Target, place: Target | None) -> None:
    assert place_of_notice(target) == place


def test_a_notice_is_the_same_one_however_it_is_told() -> None:
    one = matter()

    assert one.key == one.model_copy(update={"channel": Channel.WEBHOOK, "attempts": 5}).key
    assert one.key != matter(Occasion.APPROVED).key


def test_a_quote_is_short_and_holds_no_secret() -> None:
    assert SECRET not in quoted(f"with {SECRET} in it")
    assert len(quoted("x" * 1000)) == 302
    assert quoted(" \n ") == "`-`"


@given(hostile)
def test_no_words_act_in_a_comment(text: str) -> None:
    notice = compose(matter(Occasion.REJECTED, action=meaning(text), ticket=_rejected(text)))
    told = as_markdown(notice)
    found = scan({"body": told})

    assert harmless(told) == told
    acting = ("quick_actions", "mentions", "mass_mentions", "images", "links", "bidi", "smart_commits")
    assert {kind: getattr(found, kind) for kind in acting} == dict.fromkeys(acting, ())
    spans = [line.partition(": ")[2] for line in told.splitlines() if line.startswith("- ")]
    assert all(span[0] == span[-1] == "`" and "`" not in span[1:-1] for span in spans)
    assert len(spans) == len(notice.facts) + len(notice.quotes)


@given(hostile)
def test_no_words_are_markup_in_slack(text: str) -> None:
    base = "https://gate.example"
    told = as_slack(compose(matter(Occasion.REJECTED, action=meaning(text), ticket=_rejected(text)), base))
    texts = [told["text"], *(block["text"]["text"] for block in told["blocks"])]

    assert re.findall(r"<[^>]*>", "\n".join(texts)) == [f"<{base}/v1/tickets/tkt_1>"]
    assert not any("@" in each for each in texts)
    assert all(re.search(r"&(?!amp;|lt;|gt;)", each) is None for each in texts)
    assert [set(block) for block in told["blocks"]] == [{"type", "text"}] * len(told["blocks"])


def test_a_hostile_target_is_quoted_too() -> None:
    aims = {"project": "shop/checkout", "environment": "@all `x`"}
    params = {"to": "1"}
    rollback = action(ActionType.DEPLOYMENT_ROLLBACK, aims=aims, params=params)

    assert scan({"body": as_markdown(compose(matter(action=rollback)))}).mentions == ()


def _rejected(reason: str) -> Ticket:
    asked = ticket()
    said = vote("prn_sam", asked, "reject").model_copy(update={"reason": reason})
    return asked.model_copy(update={"votes": (said,)})


GLASS = BreakGlass(
    id="bgl_1",
    scope="project",
    value="shop/checkout",
    ticket="INC-7",
    reason="It burns. @all",
    minutes=30,
    opened_by="prn_a",
    opened_ms=NOW_MS,
    confirmed_by="prn_b",
    confirmed_ms=NOW_MS,
    expires_ms=NOW_MS + 1,
)


@pytest.mark.parametrize("occasion", [Occasion.GLASS_BROKEN, Occasion.GLASS_OVERDUE])
def test_break_glass_is_told_with_who_took_it_and_how_to_review_it(occasion: Occasion) -> None:
    matter = Matter(
        occasion=occasion,
        subject="bgl_1",
        channel=Channel.WEBHOOK,
        attempts=1,
        created_ms=NOW_MS,
        glass=GLASS,
    )
    told = as_markdown(compose(matter))

    assert "prn_a, prn_b" in told
    assert "loopgate break-glass review bgl_1" in told
    assert "INC" in told
    assert "@all" not in told


def test_an_action_that_starts_on_break_glass_is_told_with_the_action() -> None:
    matter = Matter(
        occasion=Occasion.GLASS_USED,
        subject=action().id,
        channel=Channel.WEBHOOK,
        attempts=1,
        created_ms=NOW_MS,
        action=action(),
    )

    notice = compose(matter)

    assert "break-glass" in notice.headline
    assert notice.facts[0][0] == "action"
