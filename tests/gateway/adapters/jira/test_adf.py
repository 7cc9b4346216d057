"""Markdown becomes ADF of allowlisted nodes only, with every word kept."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.jira.adf import MARKS, NODES, Node, document

_INLINE = {"text", "hardBreak"}
# Which node may hold which, as ADF's own schema says.
_HOLDS = {
    "doc": NODES - {"doc", "listItem"} - _INLINE,
    "paragraph": _INLINE,
    "heading": _INLINE,
    "bulletList": {"listItem"},
    "orderedList": {"listItem"},
    "listItem": {"paragraph", "bulletList", "orderedList", "codeBlock"},
    "blockquote": {"paragraph", "bulletList", "orderedList", "codeBlock"},
    "codeBlock": {"text"},
}
_NEVER_EMPTY = {"doc", "bulletList", "orderedList", "listItem", "blockquote"}


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.get("content", []):
        yield from walk(child)


def words(node: Node) -> str:
    return "".join(n["text"] for n in walk(node) if n["type"] == "text")


def check(node: Node) -> None:
    """Fail unless Jira would take the document."""
    assert node["type"] in NODES
    children = node.get("content", [])
    assert {child["type"] for child in children} <= _HOLDS.get(node["type"], set())
    assert children or node["type"] not in _NEVER_EMPTY
    if node["type"] == "text":
        check_text(node)
    for child in children:
        check(child)


def check_text(node: Node) -> None:
    kinds = [mark["type"] for mark in node.get("marks", [])]
    assert node["text"]
    assert set(kinds) <= MARKS
    assert len(kinds) == len(set(kinds))
    assert "code" not in kinds or set(kinds) <= {"code", "link"}
    for mark in node.get("marks", []):
        assert mark["type"] != "link" or mark["attrs"]["href"].lower().startswith(("http://", "https://"))


def one(markdown: str) -> Node:
    """The only block of a document."""
    content: list[Node] = document(markdown)["content"]
    assert len(content) == 1
    return content[0]


def test_an_empty_text_is_a_document_all_the_same() -> None:
    assert document("") == {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": []}]}


def test_a_paragraph_keeps_its_marks() -> None:
    assert one("a **b** *c* `d` [e](https://f.test/g)")["content"] == [
        {"type": "text", "text": "a "},
        {"type": "text", "text": "b", "marks": [{"type": "strong"}]},
        {"type": "text", "text": " "},
        {"type": "text", "text": "c", "marks": [{"type": "em"}]},
        {"type": "text", "text": " "},
        {"type": "text", "text": "d", "marks": [{"type": "code"}]},
        {"type": "text", "text": " "},
        {"type": "text", "text": "e", "marks": [{"type": "link", "attrs": {"href": "https://f.test/g"}}]},
    ]


def test_marks_nest_once_and_code_keeps_only_the_link() -> None:
    nested = one("**a *b* **c**** [**`d`**](https://e.test)")
    kinds = [[m["type"] for m in n.get("marks", [])] for n in nested["content"]]

    assert ["strong", "em"] in kinds
    assert kinds[-1] == ["link", "code"]
    check(nested)


@pytest.mark.parametrize(
    ("markdown", "kind", "attrs"),
    [
        ("# a", "heading", {"level": 1}),
        ("###### a", "heading", {"level": 6}),
        ("- a\n- b", "bulletList", None),
        ("3. a\n4. b", "orderedList", {"order": 3}),
        ("> a", "blockquote", None),
        ("```python\na\n```", "codeBlock", {"language": "python"}),
        ("```c++ x\na\n```", "codeBlock", None),
        ("    a", "codeBlock", None),
        ("---", "rule", None),
    ],
)
def test_blocks_become_their_nodes(markdown: str, kind: str, attrs: dict[str, Any] | None) -> None:
    block = one(markdown)

    assert block["type"] == kind
    assert block.get("attrs") == attrs
    check(block)


def test_line_breaks_are_kept_where_they_were_meant() -> None:
    content = one("a  \nb\nc")["content"]

    assert [n.get("text", n["type"]) for n in content] == ["a", "hardBreak", "b c"]


@pytest.mark.parametrize(
    "markdown", ["- # a\n- > b\n- ---\n- ```\n  c\n  ```", "> # a\n>\n> > b\n>\n> ***\n>\n> - c", "-\n- a"]
)
def test_what_a_list_or_quote_cannot_hold_is_taken_apart(markdown: str) -> None:
    made = document(markdown)

    check(made)
    assert {"a", "b", "c"} & set(words(made)) == {"a", "b", "c"} & set(markdown)


@pytest.mark.parametrize(
    ("markdown", "kept"),
    [
        ("![logo](https://evil.test/x.png)", "![logo](https://evil.test/x.png)"),
        ("<img src=https://evil.test/x.png>", "<img src=https://evil.test/x.png>"),
        ("<script>x</script>", "<script>x</script>"),
        (
            "{code}x{code} [~accountid:1] [a|https://b.test]",
            "{code}x{code} [~accountid:1] [a|https://b.test]",
        ),
        ("@maya https://jira.test/browse/SHOP-1", "@maya https://jira.test/browse/SHOP-1"),
        ("[a](javascript:alert(1))", "[a](javascript:alert(1))"),
        ("[a](mailto:b@c.test)", "a (mailto:b@c.test)"),
    ],
)
def test_what_has_no_plain_node_stays_readable_text(markdown: str, kept: str) -> None:
    made = document(markdown)

    check(made)
    assert words(made) == kept
    assert all("marks" not in node for node in walk(made))


def test_a_quick_action_is_shown_as_it_was_written_and_a_mark_of_ours_is_not() -> None:
    assert words(document("/close")) == "/close"
    assert "lg-" not in words(document("<!-- lg-0000000000000000 -->"))


_PIECES = st.sampled_from(
    ["# ", "> ", "- ", "1. ", "    ", "```\n", "**", "*", "`", "[a](", "https://b.test", ")", "![", "\n", "\n\n", "  \n", "---\n", "<b>", "&amp;", "x", " "]
)  # fmt: skip


@given(st.lists(_PIECES | st.text(max_size=5), max_size=40).map("".join))
def test_every_text_becomes_a_document_that_jira_takes(markdown: str) -> None:
    check(document(markdown))
