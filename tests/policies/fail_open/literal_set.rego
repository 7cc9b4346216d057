# METADATA
# title: A set with a fact that may be missing
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-021
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.literal_set

import data.lib.changes

findings contains {"code": "DEMO-021", "effect": "deny", "facts": {}} if {
	changes.written
	seen := {input.branch.name} # caught by check: a literal holds
	"main" in seen
}
