# METADATA
# title: Break-glass in force
# description: |
#   Break-glass makes fewer people be asked, and nothing else; the gateway does that itself. This rule shows it in every
#   ruling it is in force for, and refuses one that is not whole: without a ticket, without a second person, for longer
#   than an hour, without a day for its review. Such a one cannot be opened; it can only have been written into the store.
# custom:
#   code: BREAK-001
#   severity: critical
#   remediation: Close this break-glass and open another, with a ticket, which a second person confirms.
#   retry: wait_until
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: false
#   controls: [AC-6(9), CC7.3]
#   owner: platform
package rules.break.glass

import data.lib.facts

findings contains {
	"code": "BREAK-001",
	"effect": "warn",
	"facts": {"break_glass": id, "ticket": ticket, "expires_ms": expires_ms},
} if {
	facts.present("break_glass")
	_whole
	id := facts.at(["break_glass", "id"])
	ticket := facts.at(["break_glass", "ticket"])
	expires_ms := facts.at(["break_glass", "expires_ms"])
}

findings contains {
	"code": "BREAK-001",
	"effect": "deny",
	"facts": {"break_glass": id, "ticket": ticket, "by": by, "second": second, "expires_ms": expires_ms},
} if {
	facts.present("break_glass")
	not _whole
	id := facts.at(["break_glass", "id"])
	ticket := facts.at(["break_glass", "ticket"])
	by := facts.at(["break_glass", "by"])
	second := facts.at(["break_glass", "second"])
	expires_ms := facts.at(["break_glass", "expires_ms"])
}

_whole if {
	_ticketed
	_confirmed
	_short
	_reviewed
}

_ticketed if {
	ticket := facts.at(["break_glass", "ticket"])
	is_string(ticket)
	regex.match(`\S`, ticket)
}

_confirmed if {
	by := facts.at(["break_glass", "by"])
	second := facts.at(["break_glass", "second"])
	is_string(by)
	is_string(second)
	by != ""
	second != ""
	by != second
}

_short if {
	from := facts.at(["break_glass", "confirmed_ms"])
	until := facts.at(["break_glass", "expires_ms"])
	longest := facts.param("BREAK-001", "ttl_ms")
	is_number(from)
	is_number(until)
	lasts := until - from
	facts.within(lasts, longest)
	facts.within(from, facts.now_ms)
	facts.within(facts.now_ms, until)
}

_reviewed if {
	from := facts.at(["break_glass", "confirmed_ms"])
	due := facts.at(["break_glass", "review_due_ms"])
	longest := facts.param("BREAK-001", "review_ms")
	is_number(from)
	is_number(due)
	waits := due - from
	facts.within(waits, longest)
}
