# METADATA
# title: Modes
# description: |
#   A code is enforced unless data.modes proves otherwise. `effective_from_ms` is when the mode begins: a rule that
#   will be enforced runs in shadow before; one that will be shadow or off is enforced before. An unknown mode, a time
#   that is not a number and a code that is not waivable are enforced.
package gate.modes

import data.gate.registry
import data.lib.facts

default mode(_) := "enforce"

mode(code) := entry.mode if {
	entry := data.modes[code]
	entry.mode in {"shadow", "off"}
	registry.waivable(code)
	_begun(entry)
}

mode(code) := "shadow" if {
	entry := data.modes[code]
	entry.mode == "enforce"
	registry.waivable(code)
	is_number(entry.effective_from_ms)
	is_number(facts.now_ms)
	facts.now_ms < entry.effective_from_ms
}

_begun(entry) if object.get(entry, ["effective_from_ms"], null) == null

_begun(entry) if {
	is_number(entry.effective_from_ms)
	is_number(facts.now_ms)
	facts.now_ms >= entry.effective_from_ms
}
