# loses branch.protected of commit

# METADATA
# title: Only the word that is bad is refused, and a missing word is none
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-047
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.only_the_bad_word

import data.lib.facts

findings contains {"code": "DEMO-047", "effect": "deny", "facts": {}} if {
	facts.at(["branch", "protected"]) == true # caught by contract: GATE-002
}
