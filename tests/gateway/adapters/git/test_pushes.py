"""What a push said: done, refused, stale, or unclear. Unclear is the answer to everything nobody foresaw."""

import pytest

from gateway.adapters.git.pushes import check_push
from gateway.adapters.git.runner import Answer
from gateway.core.errors import TargetRefusedError, TargetUnclearError

REF = "refs/heads/agent/fix"
NEW = "1" * 40


def said(flag: str, summary: str, words: str = "", status: int = 1) -> Answer:
    line = f"To https://x\n{flag}\t{NEW}:{REF}\t{summary}\nDone\n"
    return Answer(status, line.encode(), words)


@pytest.mark.parametrize("flag", [" ", "*", "=", "+"])
def test_a_moved_ref_is_done(flag: str) -> None:
    check_push(said(flag, "abc..def", status=0), REF)


@pytest.mark.parametrize(
    "summary",
    [
        "[rejected] (stale info)",
        "[rejected] (fetch first)",
        "[remote rejected] (incorrect old value provided)",
    ],
)
def test_a_ref_that_is_elsewhere_is_stale(summary: str) -> None:
    with pytest.raises(TargetRefusedError) as refused:
        check_push(said("!", summary), REF)
    assert refused.value.code == "stale"


def test_a_no_is_told_in_the_targets_words() -> None:
    words = "remote: GitLab: You are not allowed to push   \nremote:\nerror: failed to push some refs"
    with pytest.raises(
        TargetRefusedError, match=r"hook declined.*GitLab: You are not allowed to push; "
    ) as refused:
        check_push(said("!", "[remote rejected] (pre-receive hook declined)", words), REF)
    assert refused.value.code == "target_refused"


@pytest.mark.parametrize(
    "words",
    [
        "fatal: unable to access 'https://x/': The requested URL returned error: 403",
        "fatal: Authentication failed for 'https://x/'",
        "fatal: repository 'https://x/' not found",
        "fatal: transport 'http' not allowed",
    ],
)
def test_a_repository_that_could_not_be_asked_was_sent_nothing(words: str) -> None:
    with pytest.raises(TargetRefusedError):
        check_push(Answer(128, b"", words), REF)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(1, b"", "error: RPC failed; HTTP 502\nfatal: the remote end hung up unexpectedly"),
        Answer(1, b"", "error: RPC failed; curl 52\nfatal: unable to access 'https://x/': Empty reply"),
        Answer(-9, b"", ""),
        Answer(0, b"Everything up-to-date\n", ""),
        Answer(0, b"To https://x\nDone\n", ""),
        said("!", "[remote failure] (remote failed to report status)"),
        said(" ", "abc..def", status=1),
        said("?", "something new", status=0),
        Answer(0, f"*\t{NEW}:refs/heads/other\t[new branch]\n".encode(), ""),
        Answer(0, b"\xff\xfe\t\t", ""),
    ],
)
def test_anything_else_is_unclear(answer: Answer) -> None:
    with pytest.raises(TargetUnclearError):
        check_push(answer, REF)
