# METADATA
# title: Protected path
# description: |
#   Policies, code owners, secrets and the files that tell agents what to do are changed by people, outside the road.
#   Names are compared in lower case; both names of a renamed file count.
# custom:
#   code: PATH-001
#   severity: critical
#   remediation: Leave the protected paths out of the change; a person can change them through their own review.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [A.8.4, CM-5, LLM01]
#   owner: platform
package rules.path.protected

import data.lib.changes
import data.lib.facts
import data.lib.names

findings contains {
	"code": "PATH-001",
	"effect": "deny",
	"facts": {"paths": paths},
} if {
	changes.measured
	not _redeployed
	not _clear
	paths := sort(_touched)
}

# A redeployment writes no file, whatever lies between the two releases.
_redeployed if {
	not changes.written
	changes.effective
}

_clear if {
	_globs != []
	paths := facts.at(["diff", "paths"])
	is_array(paths)
	_touched == set()
}

_globs := facts.words("PATH-001", "globs")

_touched contains path if {
	some path in facts.listed(["diff", "paths"])
	names.may_match(_lowered(path), _globs)
}

# What is no text has no lower case; it stays what it is and may be anything.
_lowered(path) := lower(path) if is_string(path)

_lowered(path) := path if not is_string(path)
