# METADATA
# title: Exceptions
# description: |
#   data.exceptions lists what was excused, for whom, where and until when. An exception that has expired, has no end,
#   or names a code that may not be waived does nothing. What it excuses is shown as waived, never dropped.
package gate.exceptions

import data.gate.registry
import data.lib.facts

# METADATA
# description: |
#   The ids of the exceptions in force for a code. What is waivable is asked outside the comprehension: inside it,
#   OPA 1.22.2 answers from an index it made for another code, and WASM does not.
for_code(code) := ids if {
	registry.waivable(code)
	ids := _ids(code)
} else := set()

_ids(code) := {entry.id |
	some entry in data.exceptions
	entry.code == code
	_in_force(entry)
}

_in_force(entry) if {
	is_string(entry.id)
	is_number(entry.expires_ms)
	is_number(facts.now_ms)
	facts.now_ms < entry.expires_ms
	glob.match(entry.project, ["/"], facts.place)
	glob.match(entry.agent, [], facts.agent)
}
