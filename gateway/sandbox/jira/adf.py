"""The Atlassian Document Format, as strictly as version 3 of Jira's API takes it."""

from typing import Any

from gateway.sandbox.wire import Document

_NODES = frozenset(
    [
        "blockquote",
        "bulletList",
        "codeBlock",
        "date",
        "decisionItem",
        "decisionList",
        "emoji",
        "expand",
        "hardBreak",
        "heading",
        "inlineCard",
        "blockCard",
        "embedCard",
        "listItem",
        "media",
        "mediaGroup",
        "mediaSingle",
        "mention",
        "nestedExpand",
        "orderedList",
        "panel",
        "paragraph",
        "rule",
        "status",
        "table",
        "tableCell",
        "tableHeader",
        "tableRow",
        "taskItem",
        "taskList",
        "text",
    ]
)
_MARKS = frozenset(
    [
        "annotation",
        "alignment",
        "backgroundColor",
        "border",
        "breakout",
        "code",
        "em",
        "fragment",
        "indentation",
        "link",
        "strike",
        "strong",
        "subsup",
        "textColor",
        "underline",
    ]
)


def is_document(value: Any) -> bool:
    """Whether this is a document Jira would keep."""
    if not isinstance(value, dict) or value.get("type") != "doc" or value.get("version") != 1:
        return False
    content = value.get("content")
    return isinstance(content, list) and all(_is_node(node) for node in content)


def _is_node(node: Any) -> bool:
    if not isinstance(node, dict) or node.get("type") not in _NODES:
        return False
    if node["type"] == "text":
        return isinstance(node.get("text"), str) and node["text"] != "" and _marks_are_known(node)
    children = node.get("content", [])
    return isinstance(children, list) and all(_is_node(child) for child in children)


def _marks_are_known(node: Document) -> bool:
    marks = node.get("marks", [])
    return isinstance(marks, list) and all(
        isinstance(mark, dict) and mark.get("type") in _MARKS for mark in marks
    )


def plain(value: Any) -> str:
    """The text of a document, for searching."""
    if not isinstance(value, dict):
        return ""
    if value.get("type") == "text":
        return str(value.get("text", ""))
    parts = [plain(child) for child in value.get("content", [])]
    between = "" if value.get("type") in ("paragraph", "heading") else "\n"
    return between.join(parts)


def paragraph(text: str) -> Document:
    """A document of one paragraph."""
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}],
    }
