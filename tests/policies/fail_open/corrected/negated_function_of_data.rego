# METADATA
# title: A function under not, asked about a parameter that may be missing
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-006
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.negated_function_of_data

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-006", "effect": "deny", "facts": {}} if {
	changes.written
	limit := facts.param("DEMO-006", "limit")
	not _ten(limit)
}

_ten(limit) if limit == 10
