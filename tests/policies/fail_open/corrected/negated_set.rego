# METADATA
# title: "A set under not: an empty one is there too"
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-011
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.negated_set

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-011", "effect": "deny", "facts": {}} if {
	changes.written
	_own_paths == set()
}

_own_paths contains path if {
	some path in facts.listed(["diff", "paths"])
	startswith(path, "src/")
}
