# METADATA
# title: A rule that looks at some of the actions only
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-041
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.chance

import data.lib.changes

findings contains {"code": "DEMO-041", "effect": "deny", "facts": {}} if {
	changes.written
}
