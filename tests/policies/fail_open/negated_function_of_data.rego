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

findings contains {"code": "DEMO-006", "effect": "deny", "facts": {}} if {
	changes.written
	not _ten(data.params["DEMO-006"].limit) # caught by check: can be undefined
}

_ten(limit) if limit == 10
