package rules.secret.detected_test

import data.rules.secret.detected

_hit := {"detector": "gitlab-token", "path": "src/config.js", "line": 3}

test_secret_in_a_file_denies if {
	detected.findings == {{
		"code": "SECRET-001",
		"effect": "deny",
		"facts": {"secrets": [_hit], "texts": []},
	}} with input as {"diff": {"secrets": [_hit]}, "text": {"secrets": []}}
}

test_secret_in_a_text_denies if {
	detected.findings == {{
		"code": "SECRET-001",
		"effect": "deny",
		"facts": {"secrets": [], "texts": ["body: aws-key"]},
	}} with input as {"diff": null, "text": {"secrets": ["body: aws-key"]}}
}

test_clean_change_is_silent if {
	detected.findings == set() with input as {"diff": {"secrets": []}, "text": {"secrets": []}}
}

test_clean_text_is_silent if {
	detected.findings == set() with input as {"diff": null, "text": {"secrets": []}}
}

test_unsearched_files_deny if {
	count(detected.findings) == 1 with input as {"diff": {}, "text": {"secrets": []}}
}

test_unsearched_texts_deny if {
	count(detected.findings) == 1 with input as {"diff": null, "text": {}}
}
