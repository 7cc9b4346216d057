# METADATA
# title: A type test under not
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-002
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.negated_kind

import data.lib.changes

findings contains {"code": "DEMO-002", "effect": "deny", "facts": {}} if {
	changes.written
	not is_number(input.diff.files_changed) # caught by check: can be undefined
}
