"""Markdown to the Atlassian Document Format, with allowlisted nodes only.

What ADF has no plain node for stays readable text: images, HTML, Jira's own macros, mentions and smart links are
never made, so nothing in an agent's text loads, notifies or acts. Source: Atlassian's page "Atlassian document
format", and its JSON schema for which node may hold which.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from gateway.core.text import harmless

Node = dict[str, Any]
NODES: Final = frozenset(
    {
        "doc",
        "paragraph",
        "heading",
        "bulletList",
        "orderedList",
        "listItem",
        "blockquote",
        "codeBlock",
        "rule",
        "text",
        "hardBreak",
    }
)
MARKS: Final = frozenset({"strong", "em", "code", "link"})
_MARK_OF: Final = {"strong": "strong", "em": "em"}
_LINKED: Final = ("http://", "https://")
# What a list item or a quote may hold; anything else is taken apart.
_INNER: Final = frozenset({"paragraph", "bulletList", "orderedList", "codeBlock"})
_HOLDS_TEXT: Final = frozenset({"paragraph", "heading", "codeBlock"})
_PARSER: Final = MarkdownIt("commonmark", {"html": False})


def document(markdown: str) -> Node:
    """The ADF document of a Markdown text, made harmless first."""
    tree = SyntaxTreeNode(_PARSER.parse(harmless(markdown)))
    content = list(_blocks(tree.children))
    return {"type": "doc", "version": 1, "content": content or [_paragraph([])]}


def plain(node: Node) -> str:
    """The text of a document that anybody may have written, for people to read; what is no text is named."""
    kind, content = node.get("type"), node.get("content")
    if kind == "text":
        return str(node.get("text", ""))
    if kind == "hardBreak":
        return "\n"
    if not isinstance(content, list):
        return "" if kind in NODES else f"[{kind}]"
    inner = [plain(child) for child in content if isinstance(child, dict)]
    return ("" if kind in _HOLDS_TEXT else "\n").join(inner)


def _blocks(nodes: Iterable[SyntaxTreeNode]) -> Iterator[Node]:
    for node in nodes:
        match node.type:
            case "paragraph":
                yield _paragraph(_inline(node))
            case "heading":
                yield {"type": "heading", "attrs": {"level": int(node.tag[1:])}, "content": _inline(node)}
            case "bullet_list" | "ordered_list":
                yield _list(node)
            case "blockquote":
                yield {"type": "blockquote", "content": _inner(node.children)}
            case "fence" | "code_block":
                yield _code(node)
            case "hr":
                yield {"type": "rule"}
            case _:
                yield _paragraph([_text(node.content)] if node.content else [])


def _list(node: SyntaxTreeNode) -> Node:
    items = [{"type": "listItem", "content": _inner(item.children)} for item in node.children]
    if node.type == "bullet_list":
        return {"type": "bulletList", "content": items}
    start = node.attrs.get("start", 1)
    return {"type": "orderedList", "attrs": {"order": int(start)}, "content": items}


def _inner(nodes: Iterable[SyntaxTreeNode]) -> list[Node]:
    """Blocks inside a list item or a quote, which may hold only some kinds and never nothing."""
    return [part for block in _blocks(nodes) for part in _fitted(block)] or [_paragraph([])]


def _fitted(block: Node) -> list[Node]:
    if block["type"] in _INNER:
        return [block]
    if block["type"] == "heading":
        return [_paragraph(block["content"])]
    return [_paragraph([_text("———")])] if block["type"] == "rule" else list(block["content"])


def _code(node: SyntaxTreeNode) -> Node:
    code: Node = {
        "type": "codeBlock",
        "content": [_text(text)] if (text := node.content.rstrip("\n")) else [],
    }
    language = node.info.split()[0] if node.info.split() else ""
    if language.isascii() and language.isalnum():
        code["attrs"] = {"language": language}
    return code


def _inline(node: SyntaxTreeNode) -> list[Node]:
    return _joined(part for child in node.children for part in _spans(child.children, ()))


def _spans(nodes: Iterable[SyntaxTreeNode], marks: tuple[Node, ...]) -> Iterator[Node]:
    for node in nodes:
        match node.type:
            case "strong" | "em":
                yield from _spans(node.children, _with(marks, {"type": _MARK_OF[node.type]}))
            case "link":
                yield from _link(node, marks)
            case "code_inline":
                yield _text(node.content, (*(m for m in marks if m["type"] == "link"), {"type": "code"}))
            case "hardbreak":
                yield {"type": "hardBreak"}
            case "softbreak":
                yield _text(" ", marks)
            case "image":
                yield _text(f"![{node.content}]({node.attrs.get('src', '')})", marks)
            case _:
                yield _text(node.content, marks)


def _link(node: SyntaxTreeNode, marks: tuple[Node, ...]) -> Iterator[Node]:
    """A link to a web page; any other kind of address is left as text behind its label."""
    href = str(node.attrs.get("href", ""))
    if href.lower().startswith(_LINKED):
        yield from _spans(node.children, _with(marks, {"type": "link", "attrs": {"href": href}}))
        return
    yield from _spans(node.children, marks)
    yield _text(f" ({href})", marks)


def _with(marks: tuple[Node, ...], mark: Node) -> tuple[Node, ...]:
    return marks if any(m["type"] == mark["type"] for m in marks) else (*marks, mark)


def _joined(spans: Iterable[Node]) -> list[Node]:
    """Neighbouring texts of the same marks as one; ADF knows no empty text."""
    joined: list[Node] = []
    for span in spans:
        if span["type"] == "text" and not span["text"]:
            continue
        last = joined[-1] if joined else {}
        if span["type"] == last.get("type") == "text" and span.get("marks") == last.get("marks"):
            joined[-1] = {**last, "text": last["text"] + span["text"]}
        else:
            joined.append(span)
    return joined


def _paragraph(content: list[Node]) -> Node:
    return {"type": "paragraph", "content": content}


def _text(text: str, marks: tuple[Node, ...] = ()) -> Node:
    return {"type": "text", "text": text, **({"marks": list(marks)} if marks else {})}
