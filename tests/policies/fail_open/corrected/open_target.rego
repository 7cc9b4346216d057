# METADATA
# title: A part of the target, which no contract knows
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-058
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.open_target

import data.lib.facts

findings contains {"code": "DEMO-058", "effect": "deny", "facts": {}} if {
	facts.action_type == "merge_request.reopen"
	not facts.at(["action", "target", "note"]) == "good"
}
