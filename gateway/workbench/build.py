"""Both bundles of one policy tree: WASM for the engine in the process, Rego for an OPA server.

One tree, one digest: the same sources give the same bytes. The tree is staged in a scratch folder first, because
`opa build` bakes its path argument into the WASM, takes tests along, and loads only files named data.json.
"""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from audit.canonical import canonical_bytes
from audit.keys import Ed25519Signer
from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.built import ENTRYPOINT, BuiltPolicy
from gateway.adapters.opa.command import run_opa
from gateway.adapters.opa.releases import Card, described
from gateway.core.digests import digest_of
from gateway.core.errors import SettingsError
from gateway.workbench.annotations import annotated, cards_of, inspected, registry_of
from gateway.workbench.contract import typed_contract
from gateway.workbench.data_files import policy_data
from gateway.workbench.ownership import refuse_strangers

CAPABILITIES = "capabilities.json"
_SOURCES = ("gate", "lib", "rules")


def build(
    folder: Path, out: Path, signer: Ed25519Signer | None = None, *, packed: bool = True
) -> BuiltPolicy:
    """Compile `folder` (gate, lib, rules, data, capabilities.json) into `out`; with a signer, sign both bundles.

    Writes policy.wasm, wasm.tar.gz and rego.tar.gz; `packed` lays the chosen pack's limits over the data. Raises `SettingsError` with file, line and what to do.
    """
    opa = opa_binary()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="loopgate-policy-") as scratch:
        stage = Path(scratch)
        files = stage_rego(folder, stage)
        inspection = inspected(opa, stage)
        refuse_strangers(inspection)
        blocks = annotated(inspection)
        cards, data = cards_of(blocks), canonical_bytes(_data(folder, registry_of(blocks), packed=packed))
        (stage / "data.json").write_bytes(data)
        capabilities = (folder / CAPABILITIES).read_bytes()
        files |= {"data.json": _sha256(data), CAPABILITIES: _sha256(capabilities)}
        digest = digest_of({"files": dict(files), "entrypoint": ENTRYPOINT})
        for target in ("wasm", "rego"):
            _compile(
                opa,
                stage,
                (folder / CAPABILITIES).resolve(),
                target,
                digest,
                (out / f"{target}.tar.gz").resolve(),
            )
        # OPA writes some modules anew in its own hand; the digest is of what the authors wrote, and so is the bundle.
        sources = {name: (stage / name).read_bytes() for name in files if name.endswith(".rego")}
    wasm = _extract_wasm(out)
    card = Card(
        digest=digest,
        revision=_revision(folder),
        wasm_sha256=_sha256(wasm),
        files=dict(sorted(files.items())),
        cards=cards,
    )
    for target, written in (("wasm", {}), ("rego", sources)):
        bundle = out / f"{target}.tar.gz"
        bundle.write_bytes(described(bundle.read_bytes(), card, written, signer))
    return BuiltPolicy(
        wasm_bundle=out / "wasm.tar.gz",
        rego_bundle=out / "rego.tar.gz",
        wasm_path=out / "policy.wasm",
        data_json=data,
        **{name: getattr(card, name) for name in Card.model_fields},
    )


def stage_rego(folder: Path, stage: Path) -> dict[str, str]:
    """Copy the Rego of a policy folder, without its tests, into `stage`; the SHA-256 of each file by its path.

    Raises `SettingsError` for a folder that is not a policy.
    """
    if not (folder / CAPABILITIES).is_file():
        raise SettingsError(f"{folder} is not a policy folder: it has no {CAPABILITIES}")
    files: dict[str, str] = {}
    for part in _SOURCES:
        for source in sorted((folder / part).rglob("*.rego")):
            if source.name.endswith("_test.rego"):
                continue
            name = source.relative_to(folder)
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, stage / name)
            files[name.as_posix()] = _sha256(source.read_bytes())
    return files


def _data(folder: Path, registry: dict[str, Any], *, packed: bool) -> dict[str, Any]:
    document = policy_data(folder, packed=packed).model_dump(mode="json")
    document["contract"] |= typed_contract()
    document["registry"] = registry
    return document


def _compile(opa: Path, stage: Path, capabilities: Path, target: str, digest: str, out: Path) -> None:
    ran = run_opa(
        opa,
        [
            "build",
            "-b",
            ".",
            "-t",
            target,
            "-e",
            ENTRYPOINT,
            "-r",
            digest,
            "--capabilities",
            str(capabilities),
            "-o",
            str(out),
        ],
        cwd=stage,
    )
    if ran.status != 0:
        raise SettingsError(f"opa build -t {target}: {(ran.err or ran.out).strip()}")


def _extract_wasm(out: Path) -> bytes:
    with tarfile.open(out / "wasm.tar.gz") as bundle:
        member = bundle.extractfile("/policy.wasm")
        if member is None:
            raise SettingsError(f"{out / 'wasm.tar.gz'} holds no policy.wasm")
        wasm = member.read()
    (out / "policy.wasm").write_bytes(wasm)
    return wasm


def _revision(folder: Path) -> str:
    """The commit the folder is at, `-changed` when files differ from it; empty where git tracks nothing of the folder."""
    try:
        # A copy in an ignored folder of some other repository is not at that repository's commit.
        if not _git(folder, "ls-files", "--", "."):
            return ""
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--", ".")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{commit}-changed" if changed else commit


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=True, text=True)  # noqa: S603, S607
    return done.stdout.strip()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
