# METADATA
# title: The machine's clock, which is not recorded and cannot be judged again
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-038
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.clock_of_the_machine

findings contains {"code": "DEMO-038", "effect": "deny", "facts": {}} if {
	time.now_ns() > 1800000000000000000 # caught by check: time.now_ns is not among the builtins
}
