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
	some glass in facts.listed(["break_glass"])
	_whole(glass)
	id := object.get(glass, ["id"], null)
	ticket := object.get(glass, ["ticket"], null)
	expires_ms := object.get(glass, ["expires_ms"], null)
}

findings contains {
	"code": "BREAK-001",
	"effect": "deny",
	"facts": {"break_glass": id, "ticket": ticket, "by": by, "second": second, "expires_ms": expires_ms},
} if {
	some glass in facts.listed(["break_glass"])
	not _whole(glass)
	id := object.get(glass, ["id"], null)
	ticket := object.get(glass, ["ticket"], null)
	by := object.get(glass, ["by"], null)
	second := object.get(glass, ["second"], null)
	expires_ms := object.get(glass, ["expires_ms"], null)
}

_whole(glass) if {
	_ticketed(glass)
	_confirmed(glass)
	_short(glass)
	_reviewed(glass)
}

_ticketed(glass) if {
	ticket := object.get(glass, ["ticket"], null)
	is_string(ticket)
	regex.match(`\S`, ticket)
}

_confirmed(glass) if {
	by := object.get(glass, ["by"], null)
	second := object.get(glass, ["second"], null)
	is_string(by)
	is_string(second)
	by != ""
	second != ""
	by != second
}

_short(glass) if {
	from := object.get(glass, ["confirmed_ms"], null)
	until := object.get(glass, ["expires_ms"], null)
	longest := facts.param("BREAK-001", "ttl_ms")
	is_number(from)
	is_number(until)
	lasts := until - from
	facts.within(lasts, longest)
	facts.within(from, facts.now_ms)
	facts.within(facts.now_ms, until)
}

_reviewed(glass) if {
	from := object.get(glass, ["confirmed_ms"], null)
	due := object.get(glass, ["review_due_ms"], null)
	longest := facts.param("BREAK-001", "review_ms")
	is_number(from)
	is_number(due)
	waits := due - from
	facts.within(waits, longest)
}
