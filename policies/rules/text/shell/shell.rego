# METADATA
# title: Shell characters in a title or ref
# description: |
#   Pipelines get titles and the names of refs as variables, and scripts put them into commands. A title such as
#   `$(curl …)` then runs with the rights of the pipeline. Titles and refs are plain words.
# custom:
#   code: TEXT-005
#   severity: medium
#   remediation: Write the title or the ref without any of the characters that are named; a description may hold them.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [LLM05, SI-10]
#   owner: security
package rules.text.shell

import data.lib.facts

findings contains {
	"code": "TEXT-005",
	"effect": "deny",
	"facts": {"shell": characters},
} if {
	not _stood_before
	not _none
	characters := sort(facts.listed(["text", "shell"]))
}

# The title of a merge request reached its pipelines when it was opened, not when it is merged.
_stood_before if facts.action_type == "merge_request.merge"

_none if facts.at(["text", "shell"]) == []
