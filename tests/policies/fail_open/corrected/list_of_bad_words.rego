# loses pipeline.status of merge

# METADATA
# title: "A list of bad words: what is missing is not on it"
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-048
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.list_of_bad_words

import data.lib.facts

findings contains {"code": "DEMO-048", "effect": "deny", "facts": {}} if {
	facts.action_type == "merge_request.merge"
	not _green
}

_green if facts.at(["pipeline", "status"]) == "success"
