# METADATA
# title: A value that stands in for a missing fact
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-034
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.stand_in_for_a_fact

import data.lib.changes

findings contains {"code": "DEMO-034", "effect": "deny", "facts": {}} if {
	changes.written
	tier := object.get(input, ["agent", "tier"], "steward") # caught by check: stands in for a fact
	tier == "observer"
}
