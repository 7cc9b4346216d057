# METADATA
# title: A word in a list that no case says
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-055
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.word_nobody_tried

import data.lib.facts

findings contains {"code": "DEMO-055", "effect": "deny", "facts": {}} if {
	facts.action_type in {"commit.comment", "issue.assign"}
}
