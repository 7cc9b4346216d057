# METADATA
# title: Shell characters in a title or ref
# description: |
#   Pipelines get titles and the names of refs as variables, and scripts put them into commands. A title such as
#   `$(curl …)` then runs with the rights of the pipeline. A title is refused for what starts or joins commands: `$(`,
#   `${`, `<(`, `>(`, a backtick, `;`, `|`, `&&`, a line break. A lone `&`, `<`, `>`, `$` or backslash stands in ordinary
#   titles ("Fix A & B", "Use <T>") and is recorded as a fact only: such a title must still be quoted where a script uses
#   it. The name of a ref is refused for any of them.
# custom:
#   code: TEXT-005
#   severity: medium
#   remediation: Write the title or the ref without what is named; a description may hold it.
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
	"facts": {"shell": signs},
} if {
	not _stood_before
	not _harmless
	signs := sort(_acting)
}

# The title of a merge request reached its pipelines when it was opened, not when it is merged.
_stood_before if facts.action_type == "merge_request.merge"

_harmless if {
	is_array(facts.at(["text", "shell"]))
	_acting == []
}

_acting := [hit | some hit in facts.listed(["text", "shell"]); not _ordinary(hit)]

# A shell fact is the field and the sign; a field's name holds no colon.
_ordinary(hit) if {
	is_string(hit)
	at := indexof(hit, ": ")
	regex.match(`(^|/)(link_)?title$`, substring(hit, 0, at))
	substring(hit, at + 2, -1) in {"$", "&", "<", ">", "\\"}
}
