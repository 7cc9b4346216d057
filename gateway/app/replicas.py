"""What a process checks before it works on a database, which other processes may work on too."""

import hashlib
from pathlib import Path

from audit.keys import KeyFact, KeyRole, load_key
from gateway.adapters.opa.active import ActivePolicy
from gateway.adapters.store.database import Database
from gateway.adapters.store.migrate import check_form, form_of
from gateway.adapters.store.sharing import agrees_on_marker, differences
from gateway.adapters.store.store import Store
from gateway.app.choosing import Choice
from gateway.app.library import kept_from
from gateway.core.digests import digest_of
from gateway.core.errors import SettingsError
from gateway.settings import Settings

_WHAT = {
    "origin": "the setting `origin`",
    KeyRole.EVENT: "keys/event.pem",
    KeyRole.CHECKPOINT: "keys/checkpoint.pem",
}
_SAME = "Every gateway on one database needs the same one: copy it from the home that `init` made."


def check_database(settings: Settings) -> None:
    """Refuse a database in another form, or of another gateway; raises `SettingsError`.

    A SQLite file that cannot be read just now is left to readiness, which recovers. A server must be there at the
    start: who starts the process starts it again.
    """
    database = Database(settings.database)
    if not database.has_one_process:
        _check(settings)
    elif Path(database.url.database or "").exists():
        _check_file(settings)


def _check_file(settings: Settings) -> None:
    try:
        form = form_of(settings.database)
    except SettingsError:
        return
    check_form(form)


def _check(settings: Settings) -> None:
    check_form(form_of(settings.database))
    keys = settings.home / "keys"
    own = {
        role: KeyFact.of(load_key(keys / f"{role.value}.pem").public, role).key_id
        for role in (KeyRole.EVENT, KeyRole.CHECKPOINT)
    }
    found = differences(settings.database, settings.origin, own)
    if found:
        raise SettingsError(f"{_WHAT[found[0]]} is not what this database was made with. {_SAME}")


async def join(
    settings: Settings, store: Store, policy: ActivePolicy, choice: Choice, *, activate: bool
) -> None:
    """Take part in the work on a database that is ready: agree on the marker key and on the policy in force.

    Where other processes may work too, a policy that is not in force is put in force only when that was asked for
    (`activate`): it would take the ground from under the others. Raises `SettingsError`.
    """
    digest = _marker_digest(settings.home / "keys" / "marker.key")
    if digest and not await agrees_on_marker(store.writer, digest):
        raise SettingsError(f"keys/marker.key is not what this database was made with. {_SAME}")
    if not choice.of_folder:
        return
    version = policy.in_force.version
    if not (activate or Database(settings.database).has_one_process):
        _refuse_another_policy(version.digest, await store.policies.active())
    roster = digest_of(policy.in_force.roster)
    await store.policies.keep(*kept_from(choice.built, by="serve"))
    await store.policies.activate(version, by="serve", roster_digest=roster)


def _refuse_another_policy(own: str, active: str | None) -> None:
    if active in {None, own}:
        return
    raise SettingsError(
        f"This home's policy is {own[:12]}…, and {str(active)[:12]}… is in force on this database. Give this home the "
        "same policy; or, to put this one in force for every gateway, start it with `loopgate serve "
        "--activate-policy` and then the others with the same policy."
    )


def _marker_digest(path: Path) -> str:
    """A digest of the marker key, or nothing while it cannot be read: the targets say so then."""
    try:
        return hashlib.sha256(b"loopgate marker\n" + path.read_bytes().strip()).hexdigest()
    except OSError:
        return ""
