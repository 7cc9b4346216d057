# METADATA
# title: Another input in place of the one that is judged
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-037
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.other_input

import data.lib.changes

findings contains {"code": "DEMO-037", "effect": "deny", "facts": {}} if {
	changes.written with input as {} # caught by check: `with` outside a test
}
