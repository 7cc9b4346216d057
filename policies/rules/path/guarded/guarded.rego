# METADATA
# title: Guarded file
# description: |
#   Files that other people's machines, builds or agents obey, and files that by their name hold credentials. How each kind
#   is handled is the policy's choice: `allowed`, `request_review`, which keeps the work and asks, or `blocked`. Refusing
#   wastes what the agent did; asking is the default.
# custom:
#   code: PATH-006
#   severity: high
#   remediation: Leave the guarded files out of the change, or ask the platform team or security to approve it.
#   retry: needs_approval
#   binding: state
#   bound_facts: [paths]
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [A.8.4, CM-5, LLM01]
#   owner: platform
package rules.path.guarded

import data.lib.changes
import data.lib.facts
import data.lib.names

findings contains {
	"code": "PATH-006",
	"effect": "require_approval",
	"facts": {"paths": paths},
	"clauses": [{"count": 1, "any_of_roles": ["platform", "security"], "assurance": "signed"}],
} if {
	changes.written
	_reviewed != set()
	paths := sort(_reviewed)
}

findings contains {
	"code": "PATH-006",
	"effect": "deny",
	"facts": {"blocked": paths},
	"retry": "fix_and_retry",
} if {
	changes.measured
	not _redeployed
	not _passable
	paths := sort(_blocked)
}

# A redeployment writes no file, whatever lies between the two releases.
_redeployed if {
	not changes.written
	changes.effective
}

_passable if {
	is_array(facts.at(["diff", "kinds"]))
	is_array(facts.param("PATH-006", "request_review"))
	is_array(facts.param("PATH-006", "blocked"))
	_blocked == set()
}

_handling := value if {
	value := facts.param("PATH-006", "handling")
	is_object(value)
} else := {}

_handled[word] contains path if {
	some entry in facts.listed(["diff", "kinds"])
	kind := object.get(entry, ["kind"], null)
	path := object.get(entry, ["path"], null)
	word := object.get(_handling, [kind], "blocked")
}

_reviewed contains path if some path in _handled.request_review

_reviewed contains path if some path in _matching("request_review")

_blocked contains path if {
	some word, paths in _handled
	not word in {"allowed", "request_review"}
	some path in paths
}

_blocked contains path if some path in _matching("blocked")

_matching(list) := {path |
	globs := facts.words("PATH-006", list)
	globs != []
	some path in facts.listed(["diff", "paths"])
	names.may_match(path, globs)
}
