# METADATA
# title: A size compared in a function that anything can be given to
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-024
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.size_in_a_function

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-024", "effect": "deny", "facts": {}} if {
	changes.written
	files := facts.at(["diff", "files_changed"])
	not _few(files)
}

_few(n) if n <= 20 # caught by check: without proof
