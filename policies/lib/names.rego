# METADATA
# title: Names
# description: |
#   Matching names against globs when the answer must be safe. The engines disagree about control characters (`**`
#   matches a line break in OPA, not in WASM), so a name that holds one is never surely what it seems.
package lib.names

import data.lib.facts

# METADATA
# description: Whether a name may be one that the globs protect. A name that cannot be read safely may be anything.
default may_match(_, _) := false

may_match(name, globs) if facts.matches(name, globs)

may_match(name, _) if not _plain(name)

# METADATA
# description: Whether a name is surely one that the globs let off.
default surely_matches(_, _) := false

surely_matches(name, globs) if {
	_plain(name)
	facts.matches(name, globs)
}

_plain(name) if {
	is_string(name)
	not regex.match(`[\x00-\x1f\x7f-\x{9f}\x{2028}\x{2029}]`, name)
}
