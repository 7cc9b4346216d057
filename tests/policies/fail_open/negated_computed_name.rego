# METADATA
# title: A name computed inside not
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-010
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.negated_computed_name

import data.lib.facts

findings contains {"code": "DEMO-010", "effect": "deny", "facts": {}} if {
	not data.params[lower(facts.tier)] # caught by check: computed from
}
