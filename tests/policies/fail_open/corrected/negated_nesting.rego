# METADATA
# title: A call inside a call under not
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-008
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.negated_nesting

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-008", "effect": "deny", "facts": {}} if {
	changes.written
	not facts.action_type == "commit.create"
}
