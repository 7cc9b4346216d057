"""Text that acts, in disguise: whatever stands around a trap and however it is written, the fact is found.

Each disguise is one that GitLab or Jira reads through. The sandbox's own readers, written apart from these facts, are
the other witness: what they would carry out, the facts must have seen.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.facts import TextFacts
from gateway.core.fences import without_code
from gateway.core.text import harmless, scan
from gateway.sandbox.gitlab import closing
from gateway.sandbox.gitlab.quick_actions import NAMES, extract
from gateway.sandbox.jira.smart_commits import read_commands

KINDS = tuple(name for name in TextFacts.model_fields if name != "total")
BREAKS = ("\n", "\r\n", "\n\n", "\r\n\r\n", "\n \n")
# What may stand on lines before a trap without taking it out of the reader's sight.
BEFORE = (
    "", "Some words.", "- a list\n  - in a list", "> a quote\n> > in a quote", "<!-- a comment -->", "<b>bold</b>",
    "<details>\n<summary>x</summary>\n\n</details>", "1. one\n2. two", "| a | b |\n|---|---|\n| 1 | 2 |", "# Heading",
    "a `code` span", "```\nfenced\n```", "---\nfront: matter\n---", "\u200b", "\ufeff", "[a]: http://a.example",
    "---\n```\n---", "+++\n```\n+++", ";;;\n```\n;;;", "text with `one tick", "~~~\n```\n~~~", ">>>\n```\n>>>", "```",
)  # fmt: skip
AFTER = ("", "More words.", "```\nfenced\n```", "```", "`", "<!-- end -->", "---", "> quote")
breaks, before, after = st.sampled_from(BREAKS), st.sampled_from(BEFORE), st.sampled_from(AFTER)


@st.composite
def around(draw: st.DrawFn, trap: st.SearchStrategy[str], *, fences: bool = False) -> str:
    """A trap on a line of its own among other lines; without an open fence before it unless `fences`."""
    lead = draw(before if fences else before.filter(lambda text: "```" not in text))
    return draw(breaks).join([lead, draw(trap), draw(after)])


def hits(kind: str, text: str, field: str = "description") -> tuple[str, ...]:
    found: tuple[str, ...] = getattr(scan({field: text}), kind)
    return tuple(hit.removeprefix(f"{field}: ") for hit in found)


QUICK = st.sampled_from(
    ["/merge", "/close", "/CLOSE", "/label ~x", "/loc\u212a", "/\rclose", "/cl\rose", "\r/close", "/close\u00a0", "/close  ",
     "/title x", "/zoom http://x.example", "  /close", "\u200b/close", "/clo\u200bse", "/assign me @maya", "/close\x0b"]
)  # fmt: skip


@given(around(QUICK))
def test_a_quick_action_is_found_whatever_stands_around_it(text: str) -> None:
    assert hits("quick_actions", text)
    assert not hits("quick_actions", harmless(text))


def test_a_line_that_a_lone_carriage_return_ends_counts() -> None:
    assert hits("quick_actions", "words\r/close\rwords") == ("/close",)


NAME = st.sampled_from(NAMES)
PIECES = st.lists(
    st.one_of(st.sampled_from([*BEFORE, *AFTER, "`", "\\", "<div>", "</div>", ">>>", "\t", "    "]), NAME.map("/{}".format),
              NAME.map("/{} x".format), st.sampled_from(BREAKS)),
    max_size=12,
)  # fmt: skip


@given(PIECES, breaks)
def test_what_the_sandbox_would_execute_the_facts_saw(pieces: list[str], between: str) -> None:
    text = between.join(pieces)
    executed = {f"/{command.name}" for command in extract(text)[1]}
    seen = {hit.lower() for hit in hits("quick_actions", text)}

    assert executed <= seen
    assert extract(harmless(text))[1] == ()


WORDS = st.sampled_from(
    ["Closes", "close", "Closing:", "FIXES", "fixed:", "Resolves", "implements", "Finishes", "completes"]
)
SPACES = st.sampled_from([" ", "  ", " " * 40, "\u00a0", "\t", "\n"])
REFERENCES = st.sampled_from(
    ["#1", "issue #1", "issues" + " " * 30 + "#1", "g/p#1", "SHOP-1", "[issue:1]", "[work_item:g/p/1]", "GL-12",
     "https://gitlab.test/g/p/-/issues/5", "https://gitlab.test/g/p/-/issues/incident/5", "g/" * 200 + "p#1",
     "http://gitlab.test:8080/g/p/-/work_items/5?x=1#note_2", "https://gitlab.test/" + "g/" * 150 + "p/issues/5", "&7"]
)  # fmt: skip
QUOTES = st.sampled_from(
    ["{}", "> {}", "> > - {}", "- {}", "({})", "<!-- {} -->", "**x** {}", "é{}", "`{}`", "[{}](x)", "1. {}"]
)


@given(
    around(
        st.builds(lambda q, w, s, r: q.format(f"{w}{s}{r}"), QUOTES, WORDS, SPACES, REFERENCES), fences=True
    )
)
def test_a_closing_word_is_found_whatever_stands_around_it(text: str) -> None:
    assert hits("closes", text)
    assert hits("closes", text, "message")


SOUP = st.lists(
    st.one_of(WORDS, SPACES, REFERENCES, st.sampled_from([", ", " and ", "#2", "g/p#3", "SHOP-9"])),
    max_size=10,
)


@given(SOUP.map("".join))
def test_what_the_sandbox_would_close_the_facts_saw(text: str) -> None:
    closed = [*closing.issues_closed_by(text, "shop/checkout"), *closing.keys_closed_by(text)]

    assert not closed or hits("closes", text, "message")


KEYS = st.sampled_from(["SHOP-1", "shop-1", "Shop-12", "A_B-3", "see SHOP-1"])
COMMANDS = st.sampled_from(
    ["#done", "#comment x", "#time 2h", "#in-progress", "#CLOSE", " #resolve", " x#close", "/#done"]
)
WEDGES = st.sampled_from([" ", "", "\n", "\r\n", " words ", "\u00a0", "  SHOP-2 ", ": "])


@given(around(st.builds("{}{}{}".format, KEYS, WEDGES, COMMANDS), fences=True))
def test_a_smart_commit_is_found_whatever_stands_around_it(text: str) -> None:
    assert hits("smart_commits", text, "message")


@given(
    st.lists(
        st.one_of(KEYS, WEDGES, COMMANDS, st.sampled_from(["&", "#", "https://a.example/b#c "])), max_size=8
    ).map("".join)
)
def test_what_the_sandbox_would_do_for_a_commit_the_facts_saw(text: str) -> None:
    done = {f"#{command.name}" for command in read_commands(text)}

    assert done <= {hit.lower() for hit in hits("smart_commits", text, "message")}


MASS = st.sampled_from(
    [
        "@all",
        "@ALL",
        ".@all",
        "/@all",
        "@@all",
        "(@all)",
        "&#64;all",
        "&commat;all",
        "@shop/checkout",
        "é@all",
    ]
)


@given(
    around(st.builds(lambda q, m: q.format(m), QUOTES.filter(lambda q: "`" not in q), MASS)),
    st.sampled_from(["description", "title", "message"]),
)
def test_a_mass_mention_is_found_whatever_stands_around_it(text: str, field: str) -> None:
    assert hits("mass_mentions", text, field)


IMAGES = st.sampled_from(
    ["![a](http://x.example/p.png)", "![a\nb](http://x.example)", "![a [b] c](//x.example)", "![][ref]", "![ref]\n\n[ref]: http://x.example",
     "![a]\r\n\r\n[A]:\r\n  <http://x.example>", "<img src=//x.example>", "<IMG\nsrc='x'>", "< svg><use href=x>", "<td background = 'x'>",
     "<p style=\"x: url( 'https://x.example/p' )\">", "!https://x.example/p.png!", "![a](/uploads/../-/x)", "<video src=x>", "![\\]](x)"]
)  # fmt: skip


@given(around(st.builds(lambda q, i: q.format(i), QUOTES.filter(lambda q: "`" not in q), IMAGES)))
def test_a_remote_image_is_found_whatever_stands_around_it(text: str) -> None:
    assert hits("images", text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://good.example@evil.example/x", "evil.example"),
        ("https://good.example\\@evil.example/x", "good.example"),
        ("HTTPS://EVIL.example.:443/", "evil.example"),
        ("[a](https:\\\\evil.example)", "evil.example"),
        ("[a](/\\evil.example/x)", "evil.example"),
        ("<a href=//evil.example>", "evil.example"),
        ("https&#58;//evil.example", "evil.example"),
        ("https://\uff45vil.example/", "evil.example"),
        ("https://e\u00advil.example/", "evil.example"),
        ("http://[::1]:80/", "[::1]"),
        ("www.evil.example", "www.evil.example"),
        ("git+ssh://evil.example/x", "evil.example"),
        ("http://2130706433/", "2130706433"),
        ("[r]: https://evil.example/x 'title'", "evil.example"),
    ],
)
def test_a_link_is_named_by_the_host_a_browser_asks(text: str, host: str) -> None:
    assert host in hits("links", text)


@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("vec![1] then [a](b)", 0),
        ("![a] b\n\n(c)", 0),
        ("![a\n\nb](c)", 0),
        ("] ![a [b] c]\n(u)", 1),
        ("![a][b] and ![c][d]", 2),
        ("![a `]` b](u)", 1),
        ("\\![a](u) is a link", 0),
        ("![x\\](y)", 0),
        ("![x `](y)", 1),
        ("![a]\n\n[a]: http://x.example", 1),
        ("![a <b title=']'> c](u)", 1),
        ("`![a]`` <x>\n\n[a]: http://x.example", 1),
    ],
)
def test_an_image_is_told_from_its_look_alikes(text: str, images: int) -> None:
    assert len(hits("images", text)) == images


SKIPS = st.sampled_from(
    [
        "[skip ci]",
        "[ci skip]",
        "[SKIP-CI]",
        "[ci_skip]",
        "[ skip  ci ]",
        "[skip\u00a0ci]",
        "ci.skip",
        "ci.variable=A=b",
    ]
)


@given(around(st.builds(lambda q, s: q.format(s), QUOTES, SKIPS), fences=True))
def test_words_that_skip_the_pipeline_are_found_whatever_stands_around_them(text: str) -> None:
    assert hits("skip_ci", text)


@pytest.mark.parametrize(
    "text", ["Title\r\n\r\nX-Custom: 1", "Title\r\n \r\nCo-authored-by: a <a@b.example>"]
)
def test_trailers_are_found_behind_any_line_ending(text: str) -> None:
    assert hits("trailers", text, "message")


HARMLESS = (
    "Upgrade jquery to 3.4.0", "fix: a bug in the parser", "Fixes the build; see SHOP-12 for why.", "closes the file handle",
    "Add `@babel/core` and `@types/node`", "Use `![x](y)` for images", "The path /etc/hosts is read.", "a / b and/or c",
    "See https://docs.gitlab.com/ee/user/project/quick_actions.html#issues", "Ask @maya to look.", "utf-8 and sha-256 are used",
    "```\n/close\n```", "before\r\n```sh\r\n/usr/bin/env x\r\n```\r\nafter", "vec![1, 2] in Rust", "price: 10 %, 3 + 4 = 7",
    "Related to #12 and !34", "CVE-2019-11358 in jquery 3.3.1", "# Heading\n\n- one\n- two\n\n> quote", "1. First\n2. Second",
    "| a | b |\n|---|---|\n| 1 | 2 |", "**bold** and _italic_ and ~~gone~~", "mail maya@shop.example", "C:\\temp\\x is a path",
    "![shot](/uploads/0123456789abcdef0123456789abcdef/shot.png)", "skip the ci job when docs change", "resolved by upgrading",
    "Größe ändern", "日本語のテキスト", "emoji 🎉 done", '{"json": [1, 2]}', "ratio 3:4 at 10:30", "x <= y && z", "// a comment",
)  # fmt: skip
JUDGED = ("quick_actions", "closes", "smart_commits", "mass_mentions", "skip_ci", "images", "secrets")


def test_a_harmless_corpus_gives_almost_no_false_alarm() -> None:
    false = [(kind, text) for text in HARMLESS for kind in JUDGED if hits(kind, text)]

    assert len(false) <= 1, false


@given(st.lists(st.sampled_from(HARMLESS), min_size=1, max_size=6))
def test_harmless_texts_stay_harmless_together(texts: list[str]) -> None:
    whole = "\n\n".join(text for text in texts if "`" not in text and "https" not in text)
    found = scan({"description": whole})

    assert [kind for kind in JUDGED if kind != "smart_commits" and getattr(found, kind)] == []


@pytest.mark.parametrize(
    ("markdown", "left"),
    [
        ("a `@all` b", "a   b"),
        ("a ``@all`` b", "a ``@all`` b"),
        ("a \\`@all` b", "a \\`@all` b"),
        ("a <b title=`@all`>", "a <b title=`@all`>"),
        ("```\n@all\n```\nx", "```\n```\nx"),
        ("a ` b\n@all ` c", "a ` b\n@all ` c"),
        ("```\r\n@all\r\n```\r\n`x`", "```\r\n```\r\n "),
        ("```\n@all\r\n```\rx", "```\n@all\r\n```\rx"),
    ],
)
def test_only_unmistakable_code_is_taken_out(markdown: str, left: str) -> None:
    assert without_code(markdown) == left


def test_the_kinds_of_facts_are_those_of_the_model() -> None:
    assert set(JUDGED) < set(KINDS)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("trailers", "T\n\nX-Token: {}"),
        ("images", "![a](http://x.example/?t={})"),
        ("closes", "Closes https://g.example/{}/-/issues/5"),
    ],
)
def test_a_fact_names_no_secret_of_a_text_that_came_from_elsewhere(kind: str, text: str) -> None:
    secret = "glpat-" + "a" * 20
    found = scan({"merge_request/description": text.format(secret)})

    assert getattr(found, kind)
    assert secret not in found.model_dump_json()
    assert found.secrets == ("merge_request/description: gitlab-token",)
