"""Params as their models want them, with errors a caller can mend: a JSON pointer and a sentence, never the value."""

import base64
import binascii
from typing import Any

import orjson
from pydantic import ValidationError

from gateway.core.errors import MalformedError
from gateway.core.file_paths import check_path, check_together
from gateway.core.issue_params import (
    IssueAssign,
    IssueAttach,
    IssueUpdate,
    check_assignment,
    check_attachment,
    check_update,
)
from gateway.core.params import (
    BranchCreate,
    CommitCreate,
    FileChange,
    FileOp,
    MergeRequestOpen,
    Params,
    UntypedParams,
    params_model,
)
from gateway.core.refs import check_name, check_name_or_commit
from gateway.core.repository_params import check_repository_params
from gateway.core.vocabulary import ActionType

_LINE_ENDS = frozenset("\n\r\t")
_ONE_LINE = frozenset({"title", "link_title", "link"})
_CONTENTS = ("content", "content_base64")


def fill(action_type: ActionType, given: dict[str, Any]) -> Params:
    """The params of that type. Raises `MalformedError` for anything but the documented form.

    Nothing is coerced: `"yes"` is no boolean and `"7"` no number. Params of types that are not supported yet are kept
    as they came.
    """
    model = params_model(action_type)
    if model is UntypedParams:
        return UntypedParams(given=given)
    try:
        params = model.model_validate_json(orjson.dumps(given), strict=True)
    except ValidationError as error:
        raise _explained(error, action_type, model) from error
    _check_texts(params)
    _check_meaning(params)
    return params


def check_characters(text: str, field: str, *, one_line: bool = False) -> None:
    """Refuse control characters; line ends and tabs are welcome unless the text is one line."""
    welcome: frozenset[str] = frozenset() if one_line else _LINE_ENDS
    for character in text:
        if (character < " " or "\x7f" <= character <= "\x9f") and character not in welcome:
            what = "a line break or control character" if one_line else "a control character"
            raise MalformedError(f"{field} holds {what} (U+{ord(character):04X}).", field=field)


def _check_texts(params: Params) -> None:
    for name, text in params.texts().items():
        field = f"/params/{name}"
        check_characters(text, field, one_line=name in _ONE_LINE)
        if text and not text.strip():
            raise MalformedError(f"{field} holds nothing but blanks.", field=field)


def _check_meaning(params: Params) -> None:
    match params:
        case BranchCreate(from_=str(start)):
            check_name_or_commit(start, "/params/from")
        case MergeRequestOpen():
            _check_branches(params)
        case CommitCreate():
            _check_commit(params)
        case IssueUpdate():
            check_update(params)
        case IssueAssign():
            check_assignment(params)
        case IssueAttach():
            check_attachment(params)
            _check_base64(params.content_base64, "/params/content_base64")
        case _:
            check_repository_params(params)


def _check_branches(params: MergeRequestOpen) -> None:
    check_name(params.source, "/params/source")
    check_name(params.target, "/params/target")
    if params.source == params.target:
        raise MalformedError("/params/source and /params/target are the same branch.", field="/params/target")


def _check_commit(params: CommitCreate) -> None:
    if params.start_branch is not None:
        check_name(params.start_branch, "/params/start_branch")
    for number, change in enumerate(params.changes):
        _check_change(change, f"/params/changes/{number}")
    check_together(params.changes, "/params/changes")


def _check_change(change: FileChange, field: str) -> None:
    check_path(change.path, f"{field}/path")
    if change.previous_path is not None:
        check_path(change.previous_path, f"{field}/previous_path")
    if change.content_base64 is not None:
        _check_base64(change.content_base64, f"{field}/content_base64")
    needed, allowed = _FIELDS[change.op]
    given = {n for n in ("previous_path", *_CONTENTS, "executable") if getattr(change, n) is not None}
    _check_members(change.op, given, needed=needed, allowed=allowed, field=field)


def _check_members(
    op: FileOp, given: set[str], *, needed: frozenset[str], allowed: frozenset[str], field: str
) -> None:
    for name in sorted(given - allowed):
        raise MalformedError(f"{field}/{name} means nothing for {op.value}.", field=f"{field}/{name}")
    if len(given & set(_CONTENTS)) > 1:
        raise MalformedError(f"{field} has content and content_base64: give one of them.", field=field)
    if needed and not needed & given:
        raise MalformedError(f"{field} needs {' or '.join(sorted(needed))} for {op.value}.", field=field)


def _check_base64(text: str, field: str) -> None:
    """One spelling for one content, so that equal changes have equal digests."""
    try:
        canonical = base64.b64encode(base64.b64decode(text, validate=True)).decode()
    except (binascii.Error, ValueError) as error:
        raise MalformedError(f"{field} is not base64.", field=field) from error
    if canonical != text:
        raise MalformedError(
            f"{field} is not in base64's canonical form: encode the bytes again.", field=field
        )


# For each op: of which members one is needed, and which may be given.
_FIELDS: dict[FileOp, tuple[frozenset[str], frozenset[str]]] = {
    FileOp.CREATE: (frozenset(_CONTENTS), frozenset({*_CONTENTS, "executable"})),
    FileOp.UPDATE: (frozenset(_CONTENTS), frozenset({*_CONTENTS, "executable"})),
    FileOp.DELETE: (frozenset(), frozenset()),
    FileOp.MOVE: (frozenset({"previous_path"}), frozenset({*_CONTENTS, "previous_path", "executable"})),
    FileOp.CHMOD: (frozenset({"executable"}), frozenset({"executable"})),
}


def _explained(error: ValidationError, action_type: ActionType, model: type[Params]) -> MalformedError:
    """The first complaint as a sentence; values are never echoed, for they may be secrets."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = "/".join(("/params", *(str(part) for part in first["loc"])))
    if first["type"] == "missing":
        return MalformedError(f"{field} is missing.", field=field)
    if first["type"] == "extra_forbidden":
        known = ", ".join(f.alias or n for n, f in model.model_fields.items()) or "no params"
        return MalformedError(
            f"{field} is not a field of {action_type.value}, which takes {known}.", field=field
        )
    said = first["msg"][:1].lower() + first["msg"][1:]
    return MalformedError(f"{field} is wrong: {said}.", field=field)
