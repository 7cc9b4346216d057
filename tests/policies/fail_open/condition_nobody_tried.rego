# METADATA
# title: A condition that makes no difference to any case
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-056
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.condition_nobody_tried

import data.lib.facts

findings contains {"code": "DEMO-056", "effect": "deny", "facts": {}} if {
	facts.action_type == "merge_request.close"
	not facts.agent == "agt_fixer" # caught by mutate: drop a condition
}
