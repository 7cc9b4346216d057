"""The five detectors: what they find, what they leave alone, and that they are quick about it."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import secret_detectors
from gateway.core.errors import TargetRefusedError
from gateway.core.secret_detectors import DETECTORS, Hit, find, redacted, without_secrets
from gateway.core.steps import Performance, Preparation

BODY = base64.b64encode(bytes(range(200))).decode()
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----"
SECRETS = {
    "gitlab-token": (
        "glpat-" + "aB3_" * 5,
        "glpat-" + "x" * 27 + ".01.0w1abcdef",
        "glpat-" + "x" * 40 + ".a1b2c3d4e",
        "acme-glpat-" + "y" * 20,
        "gldt-" + "z" * 20,
        "glrt-" + "z" * 20,
        "glrtr-" + "z" * 20,
        "glcbt-64_" + "z" * 20,
        "glptt-" + "0" * 40,
        "glft-" + "z" * 20,
        "glimt-" + "z" * 25,
        "glagent-" + "z" * 50,
        "glsoat-" + "z" * 20,
        "gloas-" + "0" * 64,
        "GR1348941" + "z" * 20,
    ),
    "atlassian-token": ("ATATT3" + "xFfGF0" * 20 + "=1A2B3C4D", "ATCTT3" + "x" * 40),
    "aws-key": (
        "AKIA" + "IOSFODNN7EXAMPLE",
        "ASIA" + "ABCDEFGHIJKLMNOP",
        "aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        'AWS_SECRET_ACCESS_KEY: "' + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" + '"',
        '"awsSecretKey":"' + "A" * 40,
    ),
    "private-key": (
        PEM,
        "-----BEGIN PRIVATE KEY-----\n" + BODY,
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nabc=\n-----END PGP PRIVATE KEY BLOCK-----",
    ),
    "loopgate-token": ("lg_" + "aB3_-" * 8 + "xyz",),
}
CASES = [(detector, secret) for detector, secrets in SECRETS.items() for secret in secrets]
INNOCENT = (
    "glpat-short",
    "see glpat- in the docs",
    "AKIA and ASIA are prefixes",
    "AKIAIOSFODNN7EXAMPL",
    "XAKIAIOSFODNN7EXAMPLEX",
    "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----",
    "lg_short",
    "flag" + "lg_" + "a" * 43,
    "ATATT3short",
    "aws_secret_access_key = ${SECRET}",
    "a" * 40,
)


@pytest.mark.parametrize(("detector", "secret"), CASES)
def test_each_kind_of_secret_is_found_wherever_it_stands(detector: str, secret: str) -> None:
    hits = find(f"before\n say {secret} and\nafter")

    assert [(h.detector, h.line) for h in hits] == [(detector, 2)]


@pytest.mark.parametrize(("detector", "secret"), CASES)
def test_no_part_of_a_secret_is_left_after_redaction(detector: str, secret: str) -> None:
    text = f"a\n{secret}\nz"

    clean = redacted(text, find(text))

    assert find(clean) == ()
    assert len(clean) <= len(text)
    assert f"{{redacted:{detector}}}" in clean
    assert clean.startswith("a\n")


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_looks_a_little_like_a_secret_is_left_alone(text: str) -> None:
    assert find(text) == ()


def test_a_key_is_redacted_to_its_end_and_not_beyond() -> None:
    text = f"x {PEM} y"

    assert redacted(text, find(text)) == "x {redacted:private-key} y"


def test_several_secrets_keep_their_order_and_their_lines() -> None:
    text = f"{SECRETS['aws-key'][0]}\n\n{SECRETS['loopgate-token'][0]} {SECRETS['gitlab-token'][0]}"

    assert [(h.detector, h.line) for h in find(text)] == [
        ("aws-key", 1),
        ("loopgate-token", 3),
        ("gitlab-token", 3),
    ]


def test_a_secret_inside_a_secret_is_one_hit() -> None:
    inner = "-----BEGIN PRIVATE KEY-----\n" + "AKIA" + "A" * 16 + "\n-----END PRIVATE KEY-----"

    assert [h.detector for h in find(inner)] == ["private-key"]


def test_two_keys_in_one_file_are_two_hits() -> None:
    assert [h.line for h in find(f"{PEM}\n{PEM}")] == [1, 4]


def test_every_detector_has_cases() -> None:
    assert set(DETECTORS) == SECRETS.keys()


def test_a_hit_says_where_and_not_what() -> None:
    assert find("AKIA" + "A" * 16) == (Hit(start=0, end=20, detector="aws-key", line=1),)


@pytest.mark.parametrize(
    "piece",
    [
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "glpat-",
        "lg_",
        "AKIA",
        "aws_secret_key",
        "A ",
        "aws_secret_key=",
    ],
)
def test_a_megabyte_of_near_misses_takes_no_noticeable_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    before = time.process_time()

    find(text)

    assert time.process_time() - before < 3


@given(st.lists(st.sampled_from([s for _, s in CASES] + list(INNOCENT)), max_size=6), st.text(max_size=20))
def test_redaction_is_complete_and_leaves_what_is_innocent(pieces: list[str], between: str) -> None:
    text = f" {between} ".join(pieces)

    assert find(redacted(text, find(text))) == ()


def test_a_value_of_others_loses_the_secrets_in_its_texts_and_names() -> None:
    secret = "glpat-" + "a" * 20

    assert without_secrets({secret: [f"x {secret}", 1, None], "b": ("c", {"d": True})}) == {
        "{redacted:gitlab-token}": ["x {redacted:gitlab-token}", 1, None],
        "b": ["c", {"d": True}],
    }


def test_the_words_of_an_error_lose_their_secrets_before_anybody_sees_them() -> None:
    error = TargetRefusedError("The remote said: token glpat-" + "a" * 20 + " is wrong.")

    assert str(error) == error.detail == "The remote said: token {redacted:gitlab-token} is wrong."


def test_what_a_target_answered_is_kept_without_secrets() -> None:
    secret = "glpat-" + "a" * 20

    assert Performance(result={"url": secret}).result == {"url": "{redacted:gitlab-token}"}
    assert Preparation(marker="m", before={"title": secret}).before == {"title": "{redacted:gitlab-token}"}


@given(data=st.data())
@pytest.mark.parametrize(
    "pattern", ["_GITLAB", "_ATLASSIAN", "_AWS_ID", "_AWS_SECRET", "_LOOPGATE", "_PEM_BEGIN"]
)
def test_no_detector_needs_a_part_that_is_not_looked_for_first(pattern: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(getattr(secret_detectors, pattern), alphabet=st.characters(codec="ascii")))
    assert secret_detectors._may_hold_one(text)
