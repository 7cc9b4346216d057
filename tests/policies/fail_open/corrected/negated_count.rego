# METADATA
# title: "A number under not: nought is a value"
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-012
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.negated_count

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-012", "effect": "deny", "facts": {}} if {
	changes.written
	count(facts.listed(["approvals"])) < 1
}
