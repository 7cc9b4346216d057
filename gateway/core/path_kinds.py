"""What kind of file a path is, by its name alone: manifests, lock files, CI, infrastructure, and the like.

Which kinds matter, and how, is the policy's business. Names are compared in lower case, because some file systems do.
Sources: the file names the tools themselves document; GitLab's "Prevent pushing secret files"; GitHub's gh-aw
"Protected files".
"""

import re
from functools import lru_cache
from typing import Literal, get_args

PathKind = Literal["ci", "credentials", "infrastructure", "instructions", "lockfile", "manifest", "tooling"]
KINDS: tuple[PathKind, ...] = get_args(PathKind)

_NAMES: dict[PathKind, str] = {
    "ci": """.gitlab-ci.yml .gitlab-ci.yaml .travis.yml .drone.yml .appveyor.yml appveyor.yml jenkinsfile
        azure-pipelines.yml azure-pipelines.yaml bitbucket-pipelines.yml cloudbuild.yaml buildspec.yml""",
    "credentials": """.netrc .pgpass .htpasswd .git-credentials .pypirc .dockercfg .env .envrc .bash_history
        .zsh_history .s3cfg id_rsa id_dsa id_ecdsa id_ed25519 master.key secrets.yml""",
    "infrastructure": """chart.yaml kustomization.yaml kustomization.yml helmfile.yaml helmfile.yml terragrunt.hcl
        serverless.yml serverless.yaml pulumi.yaml cdk.json skaffold.yaml""",
    "instructions": """agents.md agents.override.md claude.md claude.local.md gemini.md copilot-instructions.md
        .cursorrules .windsurfrules .clinerules .mcp.json .aider.conf.yml""",
    "lockfile": """package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb poetry.lock
        uv.lock pdm.lock pipfile.lock go.sum cargo.lock gemfile.lock composer.lock gradle.lockfile packages.lock.json
        mix.lock pubspec.lock deno.lock package.resolved""",
    "manifest": """package.json pyproject.toml requirements.txt setup.py setup.cfg pipfile go.mod pom.xml build.gradle
        build.gradle.kts cargo.toml gemfile composer.json mix.exs pubspec.yaml package.swift deno.json deno.jsonc
        directory.packages.props packages.config""",
    "tooling": """.npmrc .yarnrc .yarnrc.yml .pnpmfile.cjs pip.conf nuget.config .pre-commit-config.yaml
        .gitattributes .gitmodules .bazelrc .mvn/extensions.xml mvnw mvnw.cmd gradlew gradlew.bat
        gradle-wrapper.jar gradle-wrapper.properties renovate.json dependabot.yml""",
}
_FOLDERS: dict[PathKind, str] = {
    "ci": ".circleci .buildkite .github/workflows .github/actions .gitlab/ci",
    "credentials": ".aws .ssh .gnupg",
    "infrastructure": "terraform helm k8s kubernetes charts ansible kustomize argocd",
    "instructions": ".claude .cursor .windsurf .clinerules .gitlab/duo .github/instructions .github/prompts",
    "tooling": ".devcontainer .vscode .idea .husky .githooks .mvn .cargo .yarn/plugins .yarn/releases",
}
_ENDINGS: dict[PathKind, str] = {
    "credentials": r"\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk|ovpn|keychain|tfstate)",
    "infrastructure": r"\.(?:tf|tfvars|tf\.json|bicep|nomad)",
    "manifest": r"(?:^|/)requirements(?:[-_.][^/]*|/[^/]*)?\.(?:txt|in)|\.(?:csproj|fsproj|vbproj|gemspec)",
}


def _expression(kind: PathKind) -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in _NAMES[kind].split())
    folders = "|".join(re.escape(folder) for folder in _FOLDERS.get(kind, "").split())
    parts = [f"(?:^|/)(?:{names})$"]
    parts += [f"(?:^|/)(?:{folders})(?:/|$)"] if folders else []
    parts += [f"(?:{_ENDINGS[kind]})$"] if kind in _ENDINGS else []
    return re.compile("|".join(parts), re.DOTALL)


_EXPRESSIONS = {kind: _expression(kind) for kind in KINDS}


@lru_cache(maxsize=8192)
def kinds_of(path: str) -> tuple[PathKind, ...]:
    """Every kind the path is of, sorted; most paths are of none."""
    plain = path.lower()
    return tuple(kind for kind, expression in _EXPRESSIONS.items() if expression.search(plain))


def extension_of(path: str) -> str:
    """What stands behind the last dot of the file's name, in lower case; empty when there is nothing.

    A name that only begins with a dot (`.env`) has no extension.
    """
    stem, dot, extension = path.rpartition("/")[2].rpartition(".")
    return extension.lower() if dot and stem else ""
