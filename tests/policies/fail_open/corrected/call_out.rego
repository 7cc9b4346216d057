# METADATA
# title: A question to a server that may not answer
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-039
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.call_out

import data.lib.facts

findings contains {"code": "DEMO-039", "effect": "deny", "facts": {}} if {
	not facts.at(["context", "clock_ok"]) == true
}
