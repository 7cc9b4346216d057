package rules.flow.transitions_test

import data.rules.flow.transitions

_params := {"FLOW-004": {"maps": [
	{"projects": ["jira:SHOP"], "moves": {"to do": ["in progress"], "*": ["reopened"]}},
	{"projects": ["jira:*", "**"], "moves": {"opened": ["closed"]}},
]}}

_move(type, place, status, to) := {
	"action": {"type": type, "system": place.system, "project": place.project, "params": {"to": to}},
	"issue": {"status": status},
}

_shop := {"system": "jira", "project": "SHOP"}

_forge := {"system": "gitlab", "project": "shop/checkout"}

_denies(input_document, status, to) if {
	transitions.findings == {{
		"code": "FLOW-004",
		"effect": "deny",
		"facts": {"from": status, "to": to},
	}} with input as input_document
		with data.params as _params
}

_silent(input_document) if {
	transitions.findings == set() with input as input_document with data.params as _params
}

test_mapped_moves_are_silent if {
	_silent(_move("issue.transition", _shop, "To Do", "In Progress"))
	_silent(_move("issue.reopen", _shop, "Done", null))
	_silent(_move("issue.close", _forge, "opened", null))
}

test_other_moves_deny if {
	_denies(_move("issue.transition", _shop, "To Do", "Done"), "To Do", "Done")
	_denies(_move("issue.close", _shop, "To Do", null), "To Do", "closed")
	_denies(_move("issue.close", _forge, "closed", null), "closed", "closed")
	_denies(_move("issue.reopen", _forge, "closed", null), "closed", "reopened")
}

test_what_nobody_knows_denies if {
	_denies(_move("issue.transition", _shop, null, "In Progress"), null, "In Progress")
	_denies(_move("issue.reopen", _shop, "", null), "", "reopened")
	_denies(_move("issue.transition", _shop, "To Do", null), "To Do", null)
	_denies(_move("issue.transition", {"system": "jira", "project": null}, "To Do", "x"), "To Do", "x")
}

test_without_a_map_there_is_no_way if {
	count(transitions.findings) == 1 with input as _move("issue.transition", _shop, "To Do", "In Progress")
		with data.params as {}
	count(transitions.findings) == 1 with input as _move("issue.transition", _shop, "To Do", "In Progress")
		with data.params as {"FLOW-004": {"maps": [{"projects": ["jira:SHOP"], "moves": "all"}]}}
}

test_comments_are_silent if {
	_silent({"action": {"type": "issue.comment"}})
}
