# METADATA
# title: "A limit compared without proof: null is less than any number"
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-023
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.limit_without_proof

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-023", "effect": "deny", "facts": {}} if {
	changes.written
	files := facts.at(["diff", "files_changed"])
	limit := facts.limit("DEMO-023", "files")
	not facts.within(files, limit)
}
