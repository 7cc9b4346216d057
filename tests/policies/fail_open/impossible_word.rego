# METADATA
# title: A word that a fact never is
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-036
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.impossible_word

import data.lib.facts

findings contains {"code": "DEMO-036", "effect": "deny", "facts": {}} if {
	facts.at(["agent", "status"]) == "disabled" # caught by check: is never
}
