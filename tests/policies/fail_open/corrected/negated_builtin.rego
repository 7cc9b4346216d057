# METADATA
# title: A builtin under not, asked about a fact that may be missing
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-001
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.negated_builtin

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-001", "effect": "deny", "facts": {}} if {
	changes.written
	not _own
}

_own if {
	name := facts.at(["branch", "name"])
	is_string(name)
	startswith(name, "agent/")
}
