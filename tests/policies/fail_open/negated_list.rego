# METADATA
# title: A list under not
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-013
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.negated_list

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-013", "effect": "deny", "facts": {}} if {
	changes.written
	not facts.listed(["approvals"]) # caught by check: never true
}
