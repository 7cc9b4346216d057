"""The Dockerfile's own steps, followed in an empty folder; then the gateway runs from a read-only tree as nobody."""

import asyncio
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import pytest

from tests.docker.dockerfile import Stage, Step, stages_of

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow
_PLACES = ("/opt/venv", "/opt/loopgate", "/opt/cache", "/var/lib/loopgate", "/policy")
_SECONDS = 600


class Image:
    """A folder that the steps fill as if it were the root of the image."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.work = root

    def at(self, text: str) -> str:
        """The same words with the image's places below this folder."""
        for place in _PLACES:
            text = re.sub(rf"(?<![\w/]){re.escape(place)}(?=[/:\s\"]|$)", f"{self.root}{place}", text)
        return text

    def follow(self, stage: Stage) -> None:
        for step in stage.steps:
            self._one(step)

    def _one(self, step: Step) -> None:
        if step.word == "WORKDIR":
            self.work = Path(self.at(step.given))
            self.work.mkdir(parents=True, exist_ok=True)
        if step.word == "COPY" and "from" not in step.flags:
            source, target = step.plain.split()
            self._copy(ROOT / source, self.work / target)
        if step.word == "RUN":
            self._run(step.given)

    def _copy(self, source: Path, target: Path) -> None:
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target if not target.is_dir() else target / source.name)

    def _run(self, given: str) -> None:
        """The commands one by one; what installs system packages or makes users is the machine's own affair."""
        for command in given.split(" && "):
            if re.match(r"apt-get|rm -rf /var|groupadd|useradd|install -d", command):
                continue
            # The image's python3 is the base image's; here it is the one that runs the tests.
            words = self.at(command).replace("python3 -m venv", f"{sys.executable} -m venv")
            subprocess.run(["/bin/sh", "-ec", words], cwd=self.work, check=True, timeout=_SECONDS)


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    # Not below pytest's own folder: that is closed to the user without rights, and closed again by every new session.
    with TemporaryDirectory(prefix="loopgate-image-") as folder:
        made = Image(Path(folder))
        made.follow(stages_of(ROOT / "docker" / "Dockerfile")[0])
        made.root.chmod(0o755)
        subprocess.run(["chmod", "-R", "a-w,a+rX", str(made.root / "opt")], check=True)
        yield made
        subprocess.run(["chmod", "-R", "u+w", str(made.root)], check=True)


@pytest.fixture
def home(image: Image) -> Iterator[Path]:
    """The volume: the only place that the process may write."""
    folder = image.root / "var" / "lib" / "loopgate"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    (image.root / "scratch").mkdir(exist_ok=True)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        os.chown(image.root / "scratch", nobody.pw_uid, nobody.pw_gid)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def command(image: Image, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """The image's entry point with its environment, as a user without rights."""
    run = stages_of(ROOT / "docker" / "Dockerfile")[-1]
    environment = {name: image.at(value) for name, value in run.environment().items()}
    environment |= {"LOOPGATE_SERVE__HOST": "127.0.0.1", "LOOPGATE_SERVE__PORT": "0"}
    environment |= {"LOOPGATE_SERVE__METRICS_PORT": "0", "TMPDIR": str(image.root / "scratch")}
    environment["PATH"] = ":".join(image.at(p) for p in environment["PATH"].split(":"))
    # The script of the image names the image's interpreter.
    python = str(image.root / "opt/venv/bin/python3")
    words = [python, "-m", "gateway.cli.main", *arguments]
    dropped = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--no-new-privs"]
    return (dropped if os.geteuid() == 0 else []) + words, environment


def test_nothing_below_the_image_can_be_written(image: Image) -> None:
    writable = [p for p in (image.root / "opt").rglob("*") if not p.is_symlink() and p.stat().st_mode & 0o222]

    assert writable == []
    assert (image.root / "opt/loopgate/bin/opa").exists()
    assert (image.root / "opt/loopgate/bin/loopgate").stat().st_mode & 0o111
    assert not (image.root / "opt/loopgate/tests").exists()


async def test_the_gateway_starts_from_the_image_answers_and_stops(image: Image, home: Path) -> None:
    words, environment = command(image, "init", "--operator", "Somebody", "--json")
    made = await asyncio.to_thread(
        lambda: subprocess.run(
            words, env=environment, cwd=home, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    )
    assert made.returncode == 0, made.stderr
    words, environment = command(image, "serve", "--json")
    serving = await asyncio.create_subprocess_exec(
        *words, env=environment, cwd=home, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert serving.stdout
    try:
        url = json.loads(await asyncio.wait_for(serving.stdout.readline(), 120))["url"]
        async with httpx2.AsyncClient(base_url=url) as http:
            alive, ready = await http.get("/healthz"), await http.get("/readyz")
    finally:
        serving.terminate()
        _, told = await serving.communicate()

    assert alive.json() == {"status": "alive"}
    checks = ready.json()["checks"]
    assert checks["policy"]["ok"]
    assert checks["log"]["ok"]
    assert serving.returncode == 0, told.decode()
    assert (home / "keys" / "event.pem").stat().st_mode & 0o077 == 0
    assert b"Traceback" not in told
