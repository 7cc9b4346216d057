# METADATA
# title: Membership under not
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-004
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.negated_membership

findings contains {"code": "DEMO-004", "effect": "deny", "facts": {}} if {
	not input.action.type in {"issue.create", "issue.comment"} # caught by check: can be undefined
}
