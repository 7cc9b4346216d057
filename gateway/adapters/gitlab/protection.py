"""GitLab's patterns of protected branches and tags."""

import re


def is_protected(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether one of GitLab's patterns covers the name: `*` stands for any characters, `/` too."""
    return any(
        re.fullmatch(".*".join(re.escape(p) for p in pattern.split("*")), name) for pattern in patterns
    )
