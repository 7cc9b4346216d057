package rules.text.mentions_test

import data.rules.text.mentions

_params := {"TEXT-003": {"people": 2}}

_text(mass, names) := {
	"action": {"system": "gitlab", "project": "shop/checkout"},
	"text": {"mass_mentions": mass, "mentions": names},
}

test_everybody_denies if {
	mentions.findings == {{
		"code": "TEXT-003",
		"effect": "deny",
		"facts": {"mass_mentions": ["body: @all"], "mentions": 1},
	}} with input as _text(["body: @all"], ["body: @all"]) with data.params as _params
}

test_the_projects_own_group_denies if {
	mentions.findings == {{
		"code": "TEXT-003",
		"effect": "deny",
		"facts": {"mass_mentions": ["body: @Shop"], "mentions": 1},
	}} with input as _text([], ["body: @Shop"]) with data.params as _params
}

test_too_many_people_deny if {
	count(mentions.findings) == 1 with input as _text([], ["body: @a", "body: @b", "body: @c"]) with data.params as _params
}

test_a_few_people_are_silent if {
	mentions.findings == set() with input as _text([], ["body: @a", "body: @shopper"]) with data.params as _params
}

test_jira_is_silent if {
	document := {"action": {"system": "jira", "project": "SHOP"}, "text": {"mass_mentions": ["title: @a/b"], "mentions": []}}
	mentions.findings == set() with input as document with data.params as _params
}

test_unread_text_denies if {
	count(mentions.findings) == 1 with input as {"action": {"system": "gitlab"}} with data.params as _params
}

test_text_of_no_project_is_read if {
	mentions.findings == set() with input as {"text": {"mass_mentions": [], "mentions": []}} with data.params as _params
}

test_a_limit_that_is_missing_denies if {
	count(mentions.findings) == 1 with input as _text([], []) with data.params as {}
}

test_mentions_that_are_no_list_deny if {
	count(mentions.findings) == 1 with input as _text([], null) with data.params as _params
}
