package rules.text.implied_test

import data.rules.text.implied

_text(closes, commands) := {"text": {"closes": closes, "smart_commits": commands}}

test_closing_keyword_denies if {
	implied.findings == {{
		"code": "TEXT-002",
		"effect": "deny",
		"facts": {"closes": ["description: #3"], "smart_commits": []},
	}} with input as _text(["description: #3"], [])
}

test_smart_commit_denies if {
	implied.findings == {{
		"code": "TEXT-002",
		"effect": "deny",
		"facts": {"closes": [], "smart_commits": ["message: SHOP-1 #done"]},
	}} with input as _text([], ["message: SHOP-1 #done"])
}

test_plain_text_is_silent if {
	implied.findings == set() with input as _text([], [])
}

test_unread_text_denies if {
	count(implied.findings) == 1 with input as _text([], null)
}
