# METADATA
# title: A comparison under not
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-003
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.negated_comparison

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-003", "effect": "deny", "facts": {}} if {
	changes.written
	files := facts.at(["diff", "files_changed"])
	not facts.within(files, 2)
}
