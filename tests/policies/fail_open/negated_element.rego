# METADATA
# title: A part of a list's element under not
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-007
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.negated_element

import data.lib.facts

findings contains {"code": "DEMO-007", "effect": "deny", "facts": {}} if {
	some commit in facts.listed(["commits"])
	not commit.author in {"prn_developer"} # caught by check: can be undefined
}
