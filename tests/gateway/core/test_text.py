"""Text that acts: what is found, and that what the gateway writes does not act."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.actions import Redaction
from gateway.core.facts import TextFacts
from gateway.core.text import harmless, is_unseen, scan, show

# The names in GitLab's documentation of quick actions.
QUICK_ACTIONS = (Path(__file__).parent / "data" / "quick-actions.txt").read_text(encoding="utf-8").split()


def facts(text: str, field: str = "body") -> dict[str, list[str]]:
    """The hits of one text by kind, without the field's name and without kinds that have none."""
    found = scan({field: text}).model_dump(exclude={"total"})
    return {kind: [h.removeprefix(f"{field}: ") for h in hits] for kind, hits in found.items() if hits}


@pytest.mark.parametrize("name", QUICK_ACTIONS)
def test_every_documented_quick_action_is_found(name: str) -> None:
    assert facts(f"Hello\n/{name} @someone ~label\nbye")["quick_actions"] == [f"/{name}"]


@pytest.mark.parametrize(
    "text",
    [
        "/close",
        "  /close",
        "\t/close now",
        "a\r/close",
        "a\r\n/close\r\n",
        "a\u2028/close",
        "a\x0b/close",
        "\u200b/close",
        "\ufeff/close",
        "/CLOSE",
        "/unheard_of thing",
        "```\n/close",
        "````\n```\n/close\n````\n",
        "```\n```\n/close\n```\n```\n",
        "~~~\n```\n~~~\n/close\n```\n",
        "<div>\n```\n</div>\n/close\n```\n",
        ">>>\n```\n>>>\n/close\n```\n",
        "    ```\n/close\n    ```\n",
        "```\n```  \n/close\n```\n```",
        "`\n```\n/close\n```\n",
        "a ` b\n```\n/close\n```",
        "```sh `x`\n/close\n```\n",
        "```a\n/close\n```x\n",
        "```\r/close\r```\r",
    ],
)
def test_a_quick_action_is_found_wherever_some_reader_might_obey_it(text: str) -> None:
    assert facts(text)["quick_actions"][0].lower() in {"/close", "/unheard_of"}


@pytest.mark.parametrize(
    "text",
    [
        "```\n/close\n```",
        "before\n```sh\n/close\n```\nafter `x` and `y`",
        "see /close",
        "/etc/passwd is a file",
        "/",
        "//close",
        "/1",
        "and/or",
    ],
)
def test_a_slash_that_nobody_obeys_is_no_quick_action(text: str) -> None:
    assert "quick_actions" not in facts(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Closes #1", ["Closes #1"]),
        ("close #1", ["close #1"]),
        ("CLOSED: #1", ["CLOSED: #1"]),
        ("closing issue #1", ["closing #1"]),
        ("Fix #1", ["Fix #1"]),
        ("fixes group/sub/project#12", ["fixes group/sub/project#12"]),
        ("Fixed #1, #2 and #3", ["Fixed #1", "Fixed #2", "Fixed #3"]),
        ("fixing issues #1 and issue #2", ["fixing #1", "fixing #2"]),
        ("Resolve https://gitlab.example/g/p/-/issues/5", ["Resolve https://gitlab.example/g/p/-/issues/5"]),
        ("resolves https://h/g/p/-/work_items/5", ["resolves https://h/g/p/-/work_items/5"]),
        ("Resolving SHOP-12", ["Resolving SHOP-12"]),
        ("implements #4", ["implements #4"]),
        ("Implementing: #4", ["Implementing: #4"]),
        ("implemented [issue:44]", ["implemented [issue:44]"]),
        ("(Fix #20, Fixes #21 and Closes g/p#22)", ["Closes g/p#22", "Fix #20", "Fixes #21"]),
        ("fixes\n#3", ["fixes #3"]),
    ],
)
def test_closing_words_are_found_with_all_they_close(text: str, expected: list[str]) -> None:
    assert facts(text)["closes"] == expected


@pytest.mark.parametrize(
    "text",
    ["Related to #1", "prefixes #1", "Fixes CVE-2019-11358", "fix utf-8", "closes the door", "fix: a bug"],
)
def test_what_closes_nothing_is_not_taken_for_it(text: str) -> None:
    assert "closes" not in facts(text)


def test_jira_keys_are_found_and_advisories_are_not() -> None:
    assert facts("SHOP-12 (AB_C-3), CVE-2019-1, GMS-2022-20, x-1, aSHOP-1")["issue_keys"] == [
        "AB_C-3",
        "SHOP-12",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SHOP-1 #close", ["#close"]),
        ("SHOP-1 some words #comment and more #time 2h", ["#comment", "#time"]),
        ("SHOP-1\n#done", ["#done"]),
        ("SHOP-1 SHOP-2 #in-progress", ["#in-progress"]),
        ("KEY-1 #anything_at_all", ["#anything_at_all"]),
        ("shop-1 #done", ["#done"]),
        ("SHOP-1#done", ["#done"]),
        ("SHOP-1 a#done /#time &#close", ["#close", "#done", "#time"]),
    ],
)
def test_every_word_behind_a_key_may_be_a_smart_commit(text: str, expected: list[str]) -> None:
    assert facts(text)["smart_commits"] == expected


@pytest.mark.parametrize("text", ["#close SHOP-1", "#close", "SHOP-1 &#47; &#x2F; # heading #1"])
def test_a_hash_before_any_key_is_no_smart_commit(text: str) -> None:
    assert "smart_commits" not in facts(text)


def test_mentions_are_found_and_addresses_are_not() -> None:
    found = facts("@maya, @shop/backend. a@b.example @all [~accountid:5b1] @Here")

    assert found["mentions"] == ["@Here", "@accountid:5b1", "@all", "@maya", "@shop/backend"]
    assert found["mass_mentions"] == ["@Here", "@all", "@shop/backend"]


@pytest.mark.parametrize(
    "text",
    [
        "[skip ci]",
        "x [CI Skip] y",
        "[ci-skip]",
        "[skip_ci]",
        "[no ci]",
        "git push -o ci.skip",
        "skip-checks: true",
        "ci.variable=A=1",
        "integrations.skip_ci",
    ],
)
def test_every_way_to_skip_the_pipeline_is_found(text: str) -> None:
    assert len(facts(text)["skip_ci"]) == 1


@pytest.mark.parametrize(
    "text",
    [
        "![a](https://x.example/p.png)",
        "![a][b]",
        "<img src=x>",
        "< image href=x>",
        "!https://x.example/p.png!",
        "<iframe src=x>",
    ],
)
def test_images_that_a_reader_would_fetch_are_found(text: str) -> None:
    assert len(facts(text)["images"]) == 1


def test_links_are_named_by_host() -> None:
    text = (
        "https://Evil.example:8443/x?y [a](//other.example/b) https://user:pw@third.example ftp://f.example"
    )

    assert facts(text)["links"] == ["evil.example", "f.example", "other.example", "third.example"]


def test_trailers_are_found_in_the_last_paragraph_and_well_known_ones_anywhere() -> None:
    text = "Title: no\n\nCo-authored-by: a <a@b.example>\nbody\n\nReviewed-by: b <b@b.example>\nX-Custom: 1"

    assert facts(text)["trailers"] == [
        "Co-authored-by: a <a@b.example>",
        "Reviewed-by: b <b@b.example>",
        "X-Custom: 1",
    ]
    assert "trailers" not in facts("Note: one paragraph")


def test_invisible_and_bidirectional_characters_are_named() -> None:
    assert facts("a\u202eb\u200bc\u2066\u00ad\u115f\tok\n")["bidi"] == [
        "U+00AD",
        "U+115F",
        "U+200B",
        "U+202E",
        "U+2066",
    ]


@pytest.mark.parametrize("character", list("`$;|&<>\\\n"))
def test_shell_characters_are_found_in_titles_only(character: str) -> None:
    assert facts(f"a {character} b", "title")["shell"] == [show(character, kept="")]
    assert "shell" not in facts(f"a {character} b", "description")


@pytest.mark.parametrize("sign", ["$(", "${", "<(", ">(", "&&"])
def test_what_a_shell_carries_out_is_one_hit(sign: str) -> None:
    assert facts(f"a {sign} b", "title")["shell"] == [sign]


def test_every_sign_of_a_title_is_a_fact() -> None:
    assert scan({"title": "a && b & c; $(d) > $e"}).shell == (
        "title: $",
        "title: $(",
        "title: &",
        "title: &&",
        "title: ;",
        "title: >",
    )


def test_a_field_is_known_as_a_title_by_the_last_part_of_its_name() -> None:
    assert scan({"merge_request/7/title": "a; b"}).shell == ("merge_request/7/title: ;",)
    assert scan({"title/7/body": "a; b"}).shell == ()


def test_secrets_in_the_text_and_secrets_cut_out_of_it_count() -> None:
    cut = Redaction(field="/params/title", detector="aws-key", line=1)

    assert scan({"body": "AKIA" + "A" * 16}, redactions=(cut,)).secrets == (
        "/params/title: aws-key",
        "body: aws-key",
    )


def test_a_plain_text_has_no_facts() -> None:
    assert (
        scan({"title": "Upgrade jquery to 3.4.0", "description": "A plain text, about 3 things."})
        == TextFacts()
    )


def test_the_total_counts_every_hit_of_every_kind() -> None:
    found = scan({"title": "a $ b", "body": "/close\nCloses #1 @all\n![x](http://h.example/x)"})

    assert found.total == sum(len(v) for k, v in found if k != "total")
    assert found.total == 7


def test_what_the_gateway_writes_does_not_act() -> None:
    assert harmless("/close\n text /x\n\u200b /merge\n```\n/kept\n```\n") == (
        "&#47;close\n text /x\n\u200b &#47;merge\n```\n/kept\n```\n"
    )


def test_markers_that_only_the_gateway_may_set_are_taken_out() -> None:
    marker = "lg-" + "0123456789abcdef" * 4

    assert (
        harmless(f"a <!-- {marker} --> b {marker} c lg-short")
        == "a [marker removed] b [marker removed] c lg-short"
    )
    assert marker not in harmless(f"lg-{marker}{marker}<!--lg-{marker}-->")


def test_people_see_what_is_invisible() -> None:
    assert show("a\u202eb\x1b[0m\n\tc\r") == "a⟨U+202E⟩b⟨U+001B⟩[0m\n\tc⟨U+000D⟩"
    assert is_unseen("\ud800")
    assert not is_unseen("a")


PIECES = st.sampled_from(
    [
        "/close",
        "/merge x",
        "```",
        "````",
        "~~~",
        "\n",
        "\r",
        "\u2028",
        " ",
        "\t",
        "`",
        "<a>",
        ">>>",
        "text",
        "\u200b",
        "/",
        "lg-0123456789abcdef",
        "<!-- lg-1 -->",
        "&#47;",
        "```sh",
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_no_quick_action_and_no_marker_survives_harmless(text: str) -> None:
    written = harmless(text)

    assert scan({"body": written}).quick_actions == ()
    assert "lg-0123456789abcdef" not in written
    assert harmless(written) == written


@given(st.text(max_size=300))
def test_scanning_never_fails_and_shows_nothing_invisible(text: str) -> None:
    found = scan({"title": text})

    assert not any(
        is_unseen(c) for hits in found.model_dump(exclude={"total"}).values() for h in hits for c in h
    )


@pytest.mark.parametrize(
    "piece",
    [
        "/",
        "![",
        "![](",
        "[~",
        "@",
        "fix ",
        "fix  ",
        "SHOP-1 ",
        "A_",
        "http://",
        "//",
        "```\n",
        "[skip ",
        "a: ",
        "<!-- lg-",
        "`a",
        "\n\n",
        "x" * 1000,
    ],
)
def test_a_long_text_of_near_misses_takes_no_noticeable_time(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    before = time.process_time()

    scan({"title": text})
    harmless(text)

    assert time.process_time() - before < 3
