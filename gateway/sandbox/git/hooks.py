"""The two hooks of every repository: the forge's own answer to a push, and its report of what moved."""

from dataclasses import dataclass
from pathlib import Path

# The bridge hands in, one glob per line: which refs this token may not write, and which it may not rewrite.
PRE_RECEIVE = r"""#!/bin/sh
refuse() { echo "GitLab: $1" >&2; exit 1; }
zero=0000000000000000000000000000000000000000
while read -r old new ref; do
  case "$ref" in
    refs/heads/*|refs/tags/*) ;;
    *) refuse "You are not allowed to update $ref." ;;
  esac
  while read -r pattern; do
    [ -n "$pattern" ] || continue
    case "$ref" in $pattern)
      [ "$new" != "$zero" ] || refuse "You are not allowed to delete protected branches from this project."
      refuse "You are not allowed to push code to protected branches on this project." ;;
    esac
  done <<END
$SANDBOX_NO_PUSH
END
  while read -r pattern; do
    [ -n "$pattern" ] || continue
    case "$ref" in $pattern)
      [ "$new" != "$zero" ] || refuse "You can only delete protected branches using the web interface."
      [ "$old" = "$zero" ] || git merge-base --is-ancestor "$old" "$new" ||
        refuse "You are not allowed to force push code to a protected branch on this project." ;;
    esac
  done <<END
$SANDBOX_NO_FORCE
END
done
"""
POST_RECEIVE = """#!/bin/sh
cat > "$SANDBOX_REPORT"
"""


@dataclass(frozen=True)
class RefChange:
    """One ref that moved; an absent side is forty zeros."""

    ref: str
    old: str
    new: str


def install(repository: Path) -> None:
    """Write both hooks into a bare repository."""
    folder = repository / "hooks"
    folder.mkdir(exist_ok=True)
    for name, text in (("pre-receive", PRE_RECEIVE), ("post-receive", POST_RECEIVE)):
        file = folder / name
        file.write_text(text)
        file.chmod(0o755)


def read_report(report: Path) -> tuple[RefChange, ...]:
    """What post-receive wrote down; nothing when the push was refused."""
    if not report.exists():
        return ()
    rows = (line.split(" ", 2) for line in report.read_text().splitlines())
    return tuple(RefChange(ref=ref, old=old, new=new) for old, new, ref in rows)
