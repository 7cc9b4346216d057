# METADATA
# title: Unequal to a parameter that may be missing
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-015
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.unequal_parameter

import data.lib.facts

findings contains {"code": "DEMO-015", "effect": "deny", "facts": {}} if {
	facts.action_type != data.params["DEMO-015"].type # caught by check: says nothing when
}
