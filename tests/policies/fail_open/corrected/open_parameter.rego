# METADATA
# title: A parameter of the action, which no contract knows, taken for harmless when it is missing
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-057
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.open_parameter

import data.lib.facts

findings contains {"code": "DEMO-057", "effect": "deny", "facts": {}} if {
	facts.action_type == "merge_request.comment"
	not facts.at(["action", "params", "ref"]) == "side"
}
