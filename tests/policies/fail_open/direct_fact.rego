# METADATA
# title: A fact read directly
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-029
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.direct_fact

findings contains {"code": "DEMO-029", "effect": "deny", "facts": {}} if {
	input.branch.protected == true # caught by check: is read directly
}
