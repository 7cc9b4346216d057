"""The files in docker/ hold to rules: nobody is root, nothing is writable, nothing is named that is not there."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest
from pydantic import BaseModel

from gateway.adapters.opa.binary import OPA_VERSION
from gateway.core.listings import Figures
from gateway.core.rulings import PolicyVersion
from gateway.doors.metrics import Meters, PolicyInfo, StoredFigures, WriterQueue, exported
from gateway.sandbox.seed import Tokens
from gateway.settings import Settings
from tests.docker.dockerfile import Stage, stages_of

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
OURS = ("policy", "opa", "gateway", "proxy", "sandbox")
VERSION = PolicyVersion(digest="d", revision="r", engine="e", engine_version="1")


@pytest.fixture(scope="module")
def stages() -> list[Stage]:
    return stages_of(DOCKER / "Dockerfile")


def read(name: str) -> Any:
    return yaml.safe_load((DOCKER / name).read_text())


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """Every service, the sandbox's file laid over the first as compose does."""
    merged: dict[str, Any] = {}
    for name in ("compose.yaml", "compose.sandbox.yaml"):
        for service, given in read(name)["services"].items():
            kept = merged.setdefault(service, {})
            for key, value in given.items():
                both = isinstance(value, dict) and isinstance(kept.get(key), dict)
                kept[key] = {**kept[key], **value} if both else value
    return merged


def test_the_image_is_made_in_two_stages_on_one_base_pinned_by_tag(stages: list[Stage]) -> None:
    assert [s.name for s in stages] == ["build", "run"]
    assert len({s.base for s in stages}) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", stages[0].base)


def test_the_image_runs_as_nobody_in_particular(stages: list[Stage]) -> None:
    (user,) = stages[-1].of("USER")
    after = stages[-1].steps[stages[-1].steps.index(user) :]

    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user.given)
    assert not [s for s in after if s.word in {"RUN", "COPY", "ADD"}]


def test_every_package_of_the_image_is_installed_by_its_hash(stages: list[Stage]) -> None:
    installs = [s.given for stage in stages for s in stage.of("RUN") if "pip install" in s.given]

    assert installs
    assert all("--require-hashes -r requirements.lock" in one for one in installs)


def test_nothing_is_added_from_the_network_or_by_wildcard(stages: list[Stage]) -> None:
    steps = [s for stage in stages for s in stage.steps]

    assert not [s for s in steps if s.word == "ADD"]
    assert not [s for s in steps if re.search(r"curl|wget|\bsudo\b|chmod 0?777", s.given)]
    assert not [s for s in steps if s.word == "COPY" and re.search(r"(^|\s)\.\s", s.plain)]


def test_what_is_copied_is_there_and_let_through_by_the_ignore_file(stages: list[Stage]) -> None:
    ignore = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    through = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    copied = {s.plain.split()[0] for s in stages[0].of("COPY")}

    assert all((ROOT / name).exists() for name in copied)
    assert copied == through
    assert "*" in ignore


def test_packages_of_the_system_leave_no_lists_behind(stages: list[Stage]) -> None:
    runs = [s.given for stage in stages for s in stage.of("RUN") if "apt-get install" in s.given]

    assert runs
    assert all("--no-install-recommends" in r and "rm -rf /var/lib/apt/lists/*" in r for r in runs)


def test_the_image_says_how_it_starts_stops_and_is_well(stages: list[Stage]) -> None:
    run = stages[-1]

    assert run.of("ENTRYPOINT")[0].words() == ["loopgate"]
    assert run.of("CMD")[0].words() == ["serve"]
    assert "/healthz" in " ".join(run.of("HEALTHCHECK")[0].words())
    assert run.of("STOPSIGNAL")[0].given == "SIGTERM"


def test_the_environment_of_the_image_names_settings_there_are(stages: list[Stage]) -> None:
    given = [name for name in stages[-1].environment() if name.startswith("LOOPGATE_")]

    assert given
    assert all(is_setting(name) for name in given)


def is_setting(name: str) -> bool:
    """Whether a variable is read by `Settings`: LOOPGATE_GITLAB__ROAD__ENVIRONMENT."""
    model: Any = Settings
    for part in name.removeprefix("LOOPGATE_").lower().split("__"):
        if not (isinstance(model, type) and issubclass(model, BaseModel) and part in model.model_fields):
            return False
        model = model.model_fields[part].annotation
    return True


def test_the_environment_of_every_service_names_settings_there_are(services: dict[str, Any]) -> None:
    given = [n for s in services.values() for n in s.get("environment", {}) if n.startswith("LOOPGATE_")]

    assert "LOOPGATE_DATABASE_URL" in given
    assert [name for name in given if not is_setting(name) and name != "LOOPGATE_SITE"] == []
    assert not is_setting("LOOPGATE_NO_SUCH")


@pytest.mark.parametrize("name", OURS)
def test_every_service_of_ours_is_read_only_without_rights(services: dict[str, Any], name: str) -> None:
    service = services[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


def test_images_are_pinned_by_tag_and_opa_is_the_version_that_builds(services: dict[str, Any]) -> None:
    tags = {name: s["image"].partition(":")[2] for name, s in services.items()}

    assert all(tag and tag != "latest" for tag in tags.values())
    assert tags["opa"] == f"{OPA_VERSION}-static"


def test_only_the_proxy_is_reached_from_outside(services: dict[str, Any]) -> None:
    assert [name for name, s in services.items() if "ports" in s] == ["proxy"]
    assert read("compose.yaml")["networks"]["inside"] == {"internal": True}
    assert [n for n in ("database", "opa", "policy") if services[n]["networks"] != ["inside"]] == []


def test_no_secret_stands_in_a_file_but_the_sandboxs_invented_ones() -> None:
    tokens = Tokens()
    sandbox = read("compose.sandbox.yaml")["services"]["gateway"]["environment"]
    assert sandbox["SANDBOX_ROAD_TOKEN"] == tokens.road
    assert sandbox["SANDBOX_MERGE_TOKEN"] == tokens.merge
    assert sandbox["SANDBOX_JIRA_TOKEN"] == tokens.jira

    environment = read("compose.yaml")["services"]
    named = [n for s in environment.values() for n in s.get("environment", {})]
    assert not [n for n in named if re.search(r"PASSWORD$|TOKEN$|SECRET$", n)]


def test_what_the_services_refer_to_is_declared_and_there(services: dict[str, Any]) -> None:
    compose = read("compose.yaml")
    for service in services.values():
        assert set(service.get("networks", [])) <= set(compose["networks"])
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        assert set(service.get("depends_on", {})) <= set(services)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (DOCKER / source).exists() if source.startswith(".") else source in compose["volumes"]


def test_opa_loads_the_bundle_that_policy_build_writes() -> None:
    resource = read("opa/config.yaml")["bundles"]["loopgate"]["resource"]
    out = read("compose.yaml")["services"]["policy"]["command"][-1]

    assert resource == f"file://{out}/rego.tar.gz"


def exported_names() -> set[str]:
    """Every name a scrape of a gateway has, with those that histograms and counters add."""
    meters = Meters()
    figures = Figures(
        actions=(("a", "b", 1),), tickets=(("a", 1),), events=1, budgets=(("a", 1),), checkpoint_ms=1
    )
    registry = exported(
        meters,
        StoredFigures(lambda: figures, lambda: 2),
        WriterQueue(lambda: 0),
        PolicyInfo(lambda: VERSION),
    )
    for metric in (meters.steps, meters.decisions, meters.findings, meters.outcomes, meters.target_errors):
        metric.labels(*("x" for _ in metric._labelnames))
    meters.requests.labels("GET", "/", "200")
    meters.ready.labels("log")
    text = generate_latest(registry).decode()
    names = set(re.findall(r"^(\w+)(?:\{| )", text, re.MULTILINE))
    return {name for name in names if not name.endswith("_created")}


def named_in(expression: str) -> set[str]:
    return set(re.findall(r"\b(loopgate_\w+)\b", expression))


def test_every_metric_of_the_alerts_is_exported() -> None:
    rules = [rule for group in read("prometheus/alerts.yml")["groups"] for rule in group["rules"]]
    named = {name for rule in rules for name in named_in(rule["expr"])}

    assert len({rule["alert"] for rule in rules}) == len(rules) > 8
    assert named
    assert named <= exported_names()
    assert all({"summary", "action"} == set(rule["annotations"]) for rule in rules)
    assert all(rule["expr"].count("(") == rule["expr"].count(")") for rule in rules)


def test_every_metric_of_the_dashboard_is_exported_and_every_one_of_ours_is_shown() -> None:
    dashboard = json.loads((DOCKER / "grafana" / "loopgate.json").read_text())
    expressions = [t["expr"] for panel in dashboard["panels"] for t in panel["targets"]]
    named = {name for expression in expressions for name in named_in(expression)}
    ours = {re.sub(r"_(bucket|count|sum)$", "", n) for n in exported_names() if n.startswith("loopgate_")}

    assert named <= exported_names()
    assert {re.sub(r"_bucket$", "", n) for n in named} == ours
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_every_metric_is_in_the_how_to() -> None:
    page = (ROOT / "docs/how-to/observe-it.md").read_text()
    ours = {re.sub(r"_(bucket|count|sum)$", "", n) for n in exported_names() if n.startswith("loopgate_")}

    assert [name for name in sorted(ours) if name not in page] == []


@pytest.mark.parametrize("name", ["caddy/Caddyfile", "nginx/loopgate.conf"])
def test_a_proxy_neither_buffers_nor_repeats_and_its_braces_close(name: str) -> None:
    text = (DOCKER / name).read_text()

    assert text.count("{") == text.count("}")
    assert re.search(r"proxy_buffering off;|flush_interval -1", text)
    assert re.search(r"proxy_next_upstream off;|lb_retries 0", text)
    assert "150s" in text
    shown = "\n".join((ROOT / "docs/how-to/put-a-proxy-in-front.md").read_text().splitlines())
    assert f"docker/{name}" in shown


def test_the_python_of_the_image_is_one_the_project_supports(stages: list[Stage]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    version = re.search(r"python:(\d+\.\d+)", stages[0].base)

    assert version
    assert project["requires-python"] == f">={version.group(1)}"
