# METADATA
# title: An order that nobody tried where it matters
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-054
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.order_the_wrong_way

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-054", "effect": "deny", "facts": {}} if {
	changes.written
	files := facts.at(["diff", "files_changed"])
	not _few(files)
}

_few(n) if {
	is_number(n)
	n < 15
}
