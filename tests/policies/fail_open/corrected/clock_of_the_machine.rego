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

import data.lib.facts

findings contains {"code": "DEMO-038", "effect": "deny", "facts": {}} if {
	not facts.within(facts.now_ms, 1800000000000)
}
