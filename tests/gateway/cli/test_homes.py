"""`init`, `serve` and `doctor` over home folders and settings, good and broken: a sentence each time."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.app.sources import new_secret
from tests.gateway.cli.shell import Said, loopgate
from tests.town import ROOT

pytestmark = pytest.mark.slow
Breaking = Callable[[Path], Any]


def flat(said: Said) -> str:
    return " ".join(said.err.split())


@pytest.fixture
def home(home_template: Path, tmp_path: Path) -> Path:
    """A copy of a home folder that nothing is connected to."""
    return Path(shutil.copytree(home_template, tmp_path / "home"))


@contextmanager
def serving(home: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A gateway process on a free port, and its address."""
    command = [sys.executable, "-m", "gateway.cli.main", "serve", "--home", str(home), "--json"]
    environment = {**os.environ, "LOOPGATE_SERVE__PORT": "0"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()
            process.communicate(timeout=60)


def test_init_makes_a_private_home_and_says_the_code_once(tmp_path: Path) -> None:
    home = tmp_path / "home"

    made = loopgate("init", "--operator", "Ms [bold]Operator[/bold]", "--home", str(home), "--json")
    again = loopgate("init", "--operator", "Another", "--home", str(home))

    assert made.code == 0
    assert set(made.document) == {"home", "code", "person", "vkey", "advice"}
    assert (home / "log.vkey").read_text().strip() == made.document["vkey"]
    assert home.stat().st_mode & 0o777 == 0o700
    assert again.code == 1
    assert "not empty" in flat(again)


def test_a_code_can_always_stand_on_a_command_line() -> None:
    assert not [code for code in (new_secret() for _ in range(2000)) if code.startswith("-")]


def test_init_with_no_policy_leaves_nothing_behind(tmp_path: Path) -> None:
    home = tmp_path / "home"

    said = loopgate("init", "--operator", "Me", "--home", str(home), "--policies", str(tmp_path / "none"))

    assert said.code == 1
    assert "no policy folder" in flat(said) or "not a policy folder" in flat(said)
    assert list(home.iterdir()) == []


def test_init_with_a_roster_without_an_operator_says_what_to_add(tmp_path: Path) -> None:
    policies = Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))
    people = policies / "data" / "people.yaml"
    people.write_text(people.read_text().replace("roles: [operator]", "roles: [auditor]"))

    said = loopgate("init", "--operator", "Me", "--home", str(tmp_path / "home"), "--policies", str(policies))

    assert said.code == 1
    assert "operator" in flat(said)


@pytest.mark.parametrize("origin", ["https://a.example", "", "a b"])
def test_init_with_a_name_no_log_can_have_is_refused(tmp_path: Path, origin: str) -> None:
    said = loopgate("init", "--operator", "Me", "--home", str(tmp_path / "home"), "--origin", origin)

    assert said.code == 1
    assert said.err.startswith("error: ")


def test_init_in_a_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    (tmp_path / "file").touch()

    loose = loopgate("init", "--operator", "Me", "--home", str(tmp_path / "home"))
    file = loopgate("init", "--operator", "Me", "--home", str(tmp_path / "file"))

    assert (loose.code, file.code) == (1, 1)
    assert "chmod 700" in flat(loose)


def _settings(text: str) -> Breaking:
    return lambda home: (home / "loopgate.toml").write_text(text)


def _more(text: str) -> Breaking:
    def add(home: Path) -> None:
        with (home / "loopgate.toml").open("a") as file:
            file.write(text)

    return add


BROKEN: dict[str, tuple[Breaking, str]] = {
    "missing": (shutil.rmtree, "loopgate init"),
    "loose keys": (lambda home: (home / "keys").chmod(0o755), "chmod 700"),
    "loose key": (lambda home: (home / "keys" / "event.pem").chmod(0o644), "chmod 600"),
    "damaged key": (lambda home: (home / "keys" / "event.pem").write_text("x"), "damaged"),
    "damaged marker key": (lambda home: (home / "keys" / "marker.key").write_text("zz"), "marker.key"),
    "no marker key": (lambda home: (home / "keys" / "marker.key").unlink(), "marker.key"),
    "no checkpoint key": (lambda home: (home / "keys" / "checkpoint.pem").unlink(), "no key file"),
    "broken toml": (_settings("origin = "), "loopgate.toml"),
    "not text": (lambda home: (home / "loopgate.toml").write_bytes(b"\xff"), "loopgate.toml"),
    "unknown setting": (_more("\n[gitlap]\nurl = 'x'\n"), "gitlap"),
    "bad setting": (_more("\n[serve]\nport = 'many'\n"), "serve.port"),
    "bad database": (_settings('database_url = "nonsense"\n'), "database"),
    "unreachable listener": (_more("\n[serve]\nhost = '203.0.113.1'\n"), "203.0.113.1"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_home_is_refused_in_a_sentence(home: Path, name: str) -> None:
    breaks, hint = BROKEN[name]
    breaks(home)

    said = loopgate("serve", "--home", str(home))

    assert said.code == 1
    assert flat(said).startswith("error: ")
    assert hint in flat(said)


def test_a_broken_policy_begins_no_home_and_is_named_where_one_goes_on(home: Path, tmp_path: Path) -> None:
    policies = Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))
    next(policies.glob("gate/*.rego")).write_text("package gate\n\nallow {\n")
    (home / "loopgate.toml").write_text(f'[policy]\nfolder = "{policies}"\n')

    begun = loopgate("init", "--operator", "Me", "--home", str(tmp_path / "new"), "--policies", str(policies))
    looked = loopgate("doctor", "--home", str(home), "--json")

    (policy,) = (check for check in json.loads(looked.out) if check["name"] == "policy")
    assert begun.code == 1
    assert ".rego:" in flat(begun).replace(" ", "")
    assert "the policy of before goes on" in policy["detail"]
    assert ".rego:" in policy["detail"]


def test_a_port_in_use_is_said_so(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = loopgate("serve", "--home", str(home), LOOPGATE_SERVE__PORT=port)

    assert said.code == 1
    assert port in flat(said)
    assert "serve.port" in flat(said)


def test_serve_says_where_it_is_and_ends_quietly(home: Path) -> None:
    with serving(home) as (process, url):
        beside = loopgate("serve", "--home", str(home), LOOPGATE_SERVE__PORT="0")
        looked = loopgate("doctor", "--home", str(home), "--json")
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=60)

    assert url.startswith("http://127.0.0.1:")
    assert process.returncode == 0
    assert "Traceback" not in complaints
    assert beside.code == 1
    assert "Another process" in flat(beside)
    assert {c["name"] for c in looked.document} >= {"policy", "log", "people"}
    assert [c["ok"] for c in looked.document if "A gateway serves on this home" in c["detail"]] == [True]


def test_doctor_says_what_is_missing(home: Path) -> None:
    said = loopgate("doctor", "--home", str(home), "--json")
    words = loopgate("doctor", "--home", str(home))

    assert (said.code, words.code) == (1, 1)
    missing = {c["name"] for c in said.document if not c["ok"]}
    assert missing == {"gitlab", "jira"}
    assert "missing" in words.out
    everywhere = {"policy", "log", "gitlab", "jira", "clock", "people", "disk", "reviews", "notices"}
    assert {c["name"] for c in said.document} == everywhere


def everything(home: Path) -> dict[str, Any]:
    """All rows of the database, and all other files of a home folder."""
    with closing(sqlite3.connect(home / "loopgate.db")) as database:
        rows = list(database.iterdump())
    files = [p for p in home.rglob("*") if p.is_file() and not p.name.startswith("loopgate.db")]
    return {"rows": rows} | {str(p.relative_to(home)): p.read_bytes() for p in files}


def test_doctor_changes_nothing_even_when_the_policy_has_changed(home: Path, tmp_path: Path) -> None:
    policies = Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))
    grants = policies / "data" / "grants.yaml"
    grants.write_text(grants.read_text().replace("low: 30", "low: 29"))
    settings = home / "loopgate.toml"
    settings.write_text(re.sub("folder = .*", f'folder = "{policies}"', settings.read_text()))
    before = everything(home)

    said = loopgate("doctor", "--home", str(home), "--json")

    assert {c["name"] for c in said.document if c["ok"]} >= {"policy", "log", "people"}
    assert everything(home) == before
    with serving(home):
        pass
    assert everything(home)["rows"] != before["rows"]
