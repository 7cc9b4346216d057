# METADATA
# title: "A print left over: the build takes it out, and the line with it"
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-042
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.debugging

import data.lib.changes

findings contains {"code": "DEMO-042", "effect": "deny", "facts": {}} if {
	changes.written
	print("here") # caught by check: print is for debugging
}
