# METADATA
# title: An object with a fact that may be missing
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-020
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.literal_object

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-020", "effect": "deny", "facts": {}} if {
	changes.written
	asked := {"type": facts.action_type}
	asked.type == "commit.create"
}
