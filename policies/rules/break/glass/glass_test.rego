package rules.break.glass_test

import data.rules.break.glass

_params := {"BREAK-001": {"ttl_ms": 100, "review_ms": 1000}}

_whole := {
	"id": "bgl_1",
	"ticket": "INC-7",
	"by": "prn_a",
	"second": "prn_b",
	"confirmed_ms": 1000,
	"expires_ms": 1100,
	"review_due_ms": 2000,
}

_under(break_glass) := {"context": {"now_ms": 1050}, "break_glass": [break_glass]}

_but(changed) := _under(object.union(_whole, changed))

test_a_whole_one_is_shown if {
	glass.findings == {{
		"code": "BREAK-001",
		"effect": "warn",
		"facts": {"break_glass": "bgl_1", "ticket": "INC-7", "expires_ms": 1100},
	}} with input as _under(_whole)
		with data.params as _params
}

_broken contains {"ticket": ""}

_broken contains {"ticket": " "}

_broken contains {"ticket": null}

_broken contains {"second": null}

_broken contains {"second": ""}

_broken contains {"second": "prn_a"}

_broken contains {"by": null}

_broken contains {"by": ""}

_broken contains {"confirmed_ms": null}

_broken contains {"confirmed_ms": 999}

_broken contains {"expires_ms": 1101}

_broken contains {"expires_ms": 1040}

_broken contains {"expires_ms": null}

_broken contains {"review_due_ms": null}

_broken contains {"review_due_ms": 2001}

_broken contains {"review_due_ms": 999}

test_a_broken_one_denies[changed] if {
	some changed in _broken
	glass.findings == {{
		"code": "BREAK-001",
		"effect": "deny",
		"facts": {
			"break_glass": "bgl_1",
			"ticket": object.get(changed, "ticket", "INC-7"),
			"by": object.get(changed, "by", "prn_a"),
			"second": object.get(changed, "second", "prn_b"),
			"expires_ms": object.get(changed, "expires_ms", 1100),
		},
	}} with input as _but(changed)
		with data.params as _params
}

test_without_limits_none_is_whole if {
	some finding in glass.findings with input as _under(_whole) with data.params as {}
	finding.effect == "deny"
}

test_none_is_silent if {
	glass.findings == set() with input as {"context": {"now_ms": 1050}, "break_glass": []} with data.params as _params
}
