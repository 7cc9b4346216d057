# METADATA
# title: CI configuration
# description: |
#   What a pipeline runs, it runs with the project's credentials. A change of the CI configuration, of a file it
#   includes, of a script it runs or of a submodule is approved by the platform team; so is any change in a project
#   whose pipeline includes files from elsewhere that the platform team does not answer for.
# custom:
#   code: PATH-002
#   severity: high
#   remediation: Leave the CI configuration out of the change, or ask the platform team to approve it.
#   retry: needs_approval
#   binding: state
#   bound_facts: [paths, gitlinks, includes]
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [CM-3]
#   owner: platform
package rules.path.ci

import data.lib.changes
import data.lib.facts
import data.lib.names

findings contains {
	"code": "PATH-002",
	"effect": "require_approval",
	"facts": {"paths": paths, "gitlinks": gitlinks, "includes": includes},
	"clauses": [{"count": 1, "any_of_roles": ["platform"], "assurance": "signed"}],
} if {
	changes.written
	not _untouched
	paths := sort(_touched)
	gitlinks := facts.listed(["diff", "gitlinks"])
	includes := sort(_strange)
}

_untouched if {
	_globs != []
	is_array(facts.at(["diff", "paths"]))
	is_array(facts.at(["ci", "remote_includes"]))
	facts.at(["diff", "gitlinks"]) == []
	_touched == set()
	_strange == set()
}

_globs := facts.words("PATH-002", "globs")

# What the pipelines of base and head read or run, by their own words; a local include may be a glob.
_reached := array.concat(
	[facts.at(["ci", "config_path"])],
	array.concat(facts.listed(["ci", "local_includes"]), facts.listed(["ci", "scripts"])),
)

_touched contains path if {
	some path in facts.listed(["diff", "paths"])
	names.may_match(_lowered(path), _globs)
}

_touched contains path if {
	some path in facts.listed(["diff", "paths"])
	path in _reached
}

_touched contains path if {
	some path in facts.listed(["diff", "paths"])
	facts.matches(path, _reached)
}

_strange contains include if {
	some include in facts.listed(["ci", "remote_includes"])
	trusted := facts.words("PATH-002", "trusted_includes")
	not names.surely_matches(include, trusted)
}

# What is no text has no lower case; it stays what it is and may be anything.
_lowered(path) := lower(path) if is_string(path)

_lowered(path) := path if not is_string(path)
