# METADATA
# title: A size compared without proof that it is a number
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-022
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.size_without_proof

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-022", "effect": "deny", "facts": {}} if {
	changes.written
	files := facts.at(["diff", "files_changed"])
	not facts.within(files, 20)
}
