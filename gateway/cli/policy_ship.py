"""`loopgate policy key|upload|activate|rollback|list|rehearse` and `loopgate seal`: from a build to what is in force."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.session import AsJson, ConfigFolder, Signed, default_config, read_passphrase, run_as_person
from gateway.cli.terminal import Exit, console, plain, print_json, print_table
from gateway.core.errors import SettingsError

if TYPE_CHECKING:
    from audit.keys import Ed25519Signer

KEY_NAME = "policy.pem"
KeyFile = Annotated[
    Path | None,
    typer.Option("--key", help="The key that signs policies; policy.pem beside your vote key by default."),
]
Built = Annotated[Path, typer.Argument(help="The folder that `loopgate policy build --sign` wrote.")]
Reason = Annotated[str, typer.Option("--reason", prompt="Reason", help="Why; the approvers read it.")]


def key(
    key_file: KeyFile = None,
    locked: Annotated[bool, typer.Option("--passphrase", help="Encrypt it with a passphrase.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a key that signs policies, and print the public half for the gateway's settings."""
    from audit.keys import create_key, public_pem

    path = key_file or default_config() / KEY_NAME
    signer = create_key(path, _new_passphrase() if locked else None)
    public = path.with_suffix(".pub.pem")
    public.write_text(public_pem(signer.public), encoding="ascii")
    known = {"key": str(path), "public": base64.b64encode(signer.public).decode(), "key_id": signer.key_id}
    if as_json:
        print_json({**known, "opa": str(public)})
        return
    console.print(plain(f"Written: {path} (keep it), {public} (for OPA's --verification-key)."))
    console.print(
        plain("Put the public half into the gateway's loopgate.toml, under [policy], and start it again:")
    )
    console.print(plain(f'  keys = ["{known["public"]}"]'))


def signer_of(key_file: Path | None) -> "Ed25519Signer":
    """The key that signs policies; asks for its passphrase where it has one. Raises `SettingsError`."""
    from audit.errors import KeyFileError
    from audit.keys import load_key

    path = key_file or default_config() / KEY_NAME
    if not path.is_file():
        raise SettingsError(f"There is no key {path}; make one with `loopgate policy key`.")
    try:
        return load_key(path, _passphrase_of(path))
    except KeyFileError as error:
        raise SettingsError(f"{error}.") from error


def upload(
    built: Built = Path("build/policy"), config: ConfigFolder = default_config(), as_json: AsJson = False
) -> None:
    """Send a signed policy to the gateway, to be tried (`rehearse`) or activated; it decides nothing yet."""
    bundles = _bundles(built)
    kept = run_as_person(config, lambda signed: signed.client.upload_policy(*bundles))
    if as_json:
        print_json(kept)
        return
    console.print(plain(f"Kept: {kept['digest']}. Put it in force: `loopgate policy activate`."))


def activate(
    reason: Reason,
    built: Built = Path("build/policy"),
    digest: Annotated[str, typer.Option("--digest", help="A policy that is uploaded already.")] = "",
    config: ConfigFolder = default_config(),
    as_json: AsJson = False,
) -> int:
    """Upload a signed policy and put it in force; once the gateway is sealed, others are asked first."""
    bundles = None if digest else _bundles(built)

    async def ship(signed: Signed) -> dict[str, Any]:
        wanted = digest or str((await signed.client.upload_policy(*(bundles or ())))["digest"])
        return await signed.client.activate_policy(wanted, reason)

    return _told(run_as_person(config, ship), as_json=as_json)


def rollback(reason: Reason, config: ConfigFolder = default_config(), as_json: AsJson = False) -> int:
    """Go back to the policy that was in force before; once the gateway is sealed, others are asked first."""
    return _told(
        run_as_person(config, lambda signed: signed.client.roll_back_policy(reason)), as_json=as_json
    )


def kept(config: ConfigFolder = default_config(), as_json: AsJson = False) -> None:
    """The policies the gateway keeps, which one is in force, and whether changing it needs approval."""
    listed = run_as_person(config, lambda signed: signed.client.policies())
    if as_json:
        print_json(listed)
        return
    marks = {listed["previous"]: "the one of before", listed["in_force"]: "in force"}
    for one in listed["items"]:
        # A digest is as long as a terminal is wide for some: on a line of its own it can be copied.
        console.print(plain(one["digest"]))
        told = (marks.get(one["digest"]), one["revision"][:19], f"by {one['by']}", _when(one["kept_ms"]))
        console.print(plain("  " + ", ".join(word for word in told if word)))
    sealed = listed["sealed_ms"]
    console.print(
        plain(f"Sealed since {_when(sealed)}: it changes by approval only." if sealed else "Not sealed yet.")
    )


def rehearse(
    proposal: Annotated[Path, typer.Argument(help="A proposal, as for `loopgate act`, as JSON.")],
    agent: Annotated[str, typer.Option("--agent", help="The agent that would propose it.")],
    bundle: Annotated[
        str, typer.Option("--bundle", help="A digest; what you uploaded last by default.")
    ] = "draft",
    config: ConfigFolder = default_config(),
    as_json: AsJson = False,
) -> None:
    """How an uploaded policy would judge a proposal, with the real facts of now; nothing is done."""
    wanted = _proposal(proposal)
    ruling = run_as_person(
        config, lambda signed: signed.client.rehearse_draft(wanted, agent=agent, bundle=bundle)
    )
    if as_json:
        print_json(ruling)
        return
    console.print(plain(f"{ruling['effect']} under {ruling['policy_digest']}"))
    print_table(
        "Findings",
        ("code", "effect", "says"),
        ((f["code"], f["effect"], f["message"]) for f in ruling["findings"]),
    )


def seal(config: ConfigFolder = default_config(), as_json: AsJson = False) -> None:
    """From now on the policy changes only when another person approves; this cannot be undone."""
    listed = run_as_person(config, lambda signed: signed.client.seal_policies())
    if as_json:
        print_json(listed)
        return
    console.print(plain(f"Sealed. {listed['in_force']} is in force; it changes by approval only."))


def register(app: typer.Typer) -> None:
    """Add the commands to `loopgate policy`."""
    for name, command in (
        ("key", key),
        ("upload", upload),
        ("activate", activate),
        ("rollback", rollback),
        ("list", kept),
        ("rehearse", rehearse),
    ):
        app.command(name)(command)


def _told(answer: dict[str, Any], *, as_json: bool) -> int:
    """What came of a change: done before the seal, an action after it."""
    if as_json:
        print_json(answer)
    if "changed" in answer:
        said = f"In force: {answer['digest']}." if answer["changed"] else "This policy is in force already."
    elif answer["ticket"] and answer["status"] == "held":
        said = f"Others are asked; it changes when they approve: `loopgate tickets approve {answer['ticket']['id']}`."
    else:
        said = f"{answer['action_id']} is {answer['status']}."
    if not as_json:
        console.print(plain(said))
    return Exit.HELD if answer.get("status") in {"held", "waiting", "requested"} else Exit.DONE


def _bundles(built: Path) -> tuple[bytes, bytes]:
    try:
        return (built / "wasm.tar.gz").read_bytes(), (built / "rego.tar.gz").read_bytes()
    except FileNotFoundError as error:
        raise SettingsError(
            f"There is no {error.filename}; run `loopgate policy build --sign --out {built}` first."
        ) from error


def _proposal(path: Path) -> dict[str, Any]:
    try:
        wanted = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SettingsError(f"{path} is not JSON: {error}.") from error
    if not isinstance(wanted, dict):
        raise SettingsError(f"{path} must hold one JSON object: a proposal.")
    return wanted


def _new_passphrase() -> str:
    first = read_passphrase("New passphrase for the policy key: ")
    if not first or read_passphrase("The same passphrase again: ") != first:
        raise SettingsError("The two passphrases differ, or are empty; nothing was made.")
    return first


def _passphrase_of(path: Path) -> str | None:
    locked = b"BEGIN ENCRYPTED PRIVATE KEY" in path.read_bytes()
    return read_passphrase(f"Passphrase of {path}: ") if locked else None


def _when(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, tz=UTC).isoformat(timespec="seconds")
