"""The model checker, run: spin makes C, the compiler a program, and that program looks at every state."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

MODEL = Path(__file__).parents[2] / "docs" / "explanation" / "model" / "road.pml"
_MEMORY_MB = 3000
_DEPTH = 2_000_000


@dataclass(frozen=True)
class Answer:
    """What the checker printed: how many errors and states, and the whole text."""

    errors: int
    states: int
    text: str


def is_installed() -> bool:
    """Whether spin and a C compiler are on this machine."""
    return all(shutil.which(tool) for tool in ("spin", "gcc"))


def properties() -> list[str]:
    """The names of the model's temporal properties, as they stand in it."""
    return re.findall(r"^ltl (\w+)", MODEL.read_text(), re.MULTILINE)


def guards() -> list[str]:
    """The guards that can be taken out of the model, as they stand in it."""
    return sorted(set(re.findall(r"#ifn?def WITHOUT_(\w+)", MODEL.read_text())))


def check(claim: str, folder: Path, *, without: str | None = None) -> Answer:
    """Check one property, and every assertion on the way; `without` takes one guard out."""
    (folder / MODEL.name).write_bytes(MODEL.read_bytes())
    spin = ["spin", "-a", *([f"-DWITHOUT_{without}"] if without else []), MODEL.name]
    subprocess.run(spin, cwd=folder, check=True, capture_output=True)
    options = ["-O2", "-DCOLLAPSE", "-DNFAIR=3", f"-DMEMLIM={_MEMORY_MB}"]
    subprocess.run(["gcc", *options, "-o", "pan", "pan.c"], cwd=folder, check=True, capture_output=True)
    run = ["./pan", "-a", "-f", f"-m{_DEPTH}", "-N", claim]
    printed = subprocess.run(run, cwd=folder, check=True, capture_output=True, text=True).stdout
    return _read(printed)


def _read(printed: str) -> Answer:
    errors, states = (re.search(p, printed) for p in (r"errors: (\d+)", r"(\d+) states, stored"))
    if errors is None or states is None or "out of memory" in printed or "max search depth" in printed:
        raise AssertionError(f"the checker did not look at every state:\n{printed}")
    return Answer(int(errors[1]), int(states[1]), printed)
