"""Quick actions are taken from text exactly as GitLab's extractor takes them."""

import pytest

from gateway.sandbox.gitlab.quick_actions import Command, extract


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("/close", [("close", "")]),
        ("/CLOSE", [("close", "")]),
        ("Hello\n/label ~a ~b\nworld", [("label", "~a ~b")]),
        ("Hello\r\n/merge\r\nworld", [("merge", "")]),
        ("/title New title", [("title", "New title")]),
        ("/assign @maya\n/approve", [("assign", "@maya"), ("approve", "")]),
        ("~~~\n/close\n~~~", [("close", "")]),
        ("- item\n/close", [("close", "")]),
    ],
)
def test_a_command_at_the_start_of_a_line_is_taken(text: str, commands: list[tuple[str, str]]) -> None:
    kept, found = extract(text)

    assert found == tuple(Command(name, argument) for name, argument in commands)
    assert not any(
        line.lower().startswith(f"/{name}")
        for name, _ in commands
        for line in kept.splitlines()
        if "~~~" not in text
    )


@pytest.mark.parametrize(
    "text",
    [
        " /close",
        "Please /close this",
        "`/close`",
        "```\n/close\n```",
        "<details>\n/close\n</details>",
        ">>>\n/close\n>>>",
        "> /close",
        "/closed",
        "/unknown",
        "/cc @maya",
        "&#47;close",
        "\u200b/close",
        "",
    ],
)
def test_what_is_not_a_command_stays_as_it_is(text: str) -> None:
    assert extract(text) == (text, ())


def test_the_rest_of_the_text_is_kept() -> None:
    kept, _ = extract("One\n/close\nTwo\n\n/label ~x\nThree\n")

    assert kept == "One\nTwo\n\nThree"
