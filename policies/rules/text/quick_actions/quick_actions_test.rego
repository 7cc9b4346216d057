package rules.text.quick_actions_test

import data.rules.text.quick_actions

test_order_denies if {
	quick_actions.findings == {{
		"code": "TEXT-001",
		"effect": "deny",
		"facts": {"quick_actions": ["body: /merge"]},
	}} with input as {"text": {"quick_actions": ["body: /merge"]}}
}

test_plain_text_is_silent if {
	quick_actions.findings == set() with input as {"text": {"quick_actions": []}}
}

test_unread_text_denies if {
	count(quick_actions.findings) == 1 with input as {}
}
