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
import data.lib.facts

findings contains {"code": "DEMO-002", "effect": "deny", "facts": {}} if {
	changes.written
	files := facts.at(["diff", "files_changed"])
	not is_number(files)
}
