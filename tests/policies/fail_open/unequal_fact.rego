# METADATA
# title: Unequal to a fact that may be missing
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-014
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.unequal_fact

findings contains {"code": "DEMO-014", "effect": "deny", "facts": {}} if {
	input.pipeline.status != "success" # caught by check: says nothing when
}
