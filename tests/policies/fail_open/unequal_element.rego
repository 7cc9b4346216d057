# METADATA
# title: Unequal to a part of an element
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-016
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.unequal_element

import data.lib.facts

findings contains {"code": "DEMO-016", "effect": "deny", "facts": {}} if {
	some commit in facts.listed(["commits"])
	commit.foreign != false # caught by check: says nothing when
}
