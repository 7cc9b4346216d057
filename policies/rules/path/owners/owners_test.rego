package rules.path.owners_test

import data.rules.path.owners

_params := {"PATH-004": {"stand_in": ["service-owner"]}}

_merge(required, people, unread) := {
	"action": {"type": "merge_request.merge"},
	"agent": {"owner": "prn_developer"},
	"authors": ["agt_fixer", "prn_author"],
	"code_owners": {"required": required, "owners": people, "unread": unread},
}

_part(number, approvals) := {"part": number, "section": "codeowners", "approvals": approvals}

_owner(number, person) := {"part": number, "person": person}

_asks(input_document, clauses) if {
	some finding in owners.findings with input as input_document with data.params as _params
	finding.code == "PATH-004"
	finding.clauses == clauses
}

_clause(wanted, roles) := {"count": wanted, "any_of_roles": roles, "assurance": "signed"}

test_owners_are_asked_by_name if {
	owners.findings == {{
		"code": "PATH-004",
		"effect": "require_approval",
		"facts": {"sections": ["codeowners"], "unread": 0},
		"clauses": [_clause(1, ["prn_maya", "prn_omar"])],
	}} with input as _merge([_part(0, 1)], [_owner(0, "prn_omar"), _owner(0, "prn_maya"), _owner(1, "prn_sre")], 0)
		with data.params as _params
}

test_involved_owners_do_not_count if {
	people := [_owner(0, "prn_author"), _owner(0, "prn_developer"), _owner(0, "prn_maya")]
	_asks(_merge([_part(0, 1)], people, 0), [_clause(1, ["prn_maya"])])
}

test_others_stand_in_for_too_few_owners if {
	_asks(_merge([_part(0, 2)], [_owner(0, "prn_maya")], 0), [_clause(2, ["prn_maya", "service-owner"])])
	_asks(_merge([_part(0, 1)], [], 0), [_clause(1, ["service-owner"])])
}

test_file_not_read_whole_asks_the_others_too if {
	_asks(
		_merge([_part(0, 1)], [_owner(0, "prn_maya")], 1),
		[_clause(1, ["prn_maya"]), _clause(1, ["service-owner"])],
	)
}

test_unread_owners_ask_the_others if {
	_asks({"action": {"type": "merge_request.merge"}}, [_clause(1, ["service-owner"])])
}

test_part_of_unknown_size_asks_the_others if {
	_asks(_merge([{"part": 0}], [_owner(0, "prn_maya")], 0), [_clause(null, ["prn_maya", "service-owner"])])
}

test_unowned_change_is_silent if {
	owners.findings == set() with input as _merge([], [], 0) with data.params as _params
}

test_opened_request_is_silent if {
	opened := object.union(_merge([_part(0, 1)], [], 0), {"action": {"type": "merge_request.open"}})
	owners.findings == set() with input as opened with data.params as _params
}
