package lib.costs_test

import data.lib.costs

_priced(pipelines, jobs, seconds) := {"costs": {
	"pipelines": pipelines,
	"ci_jobs": jobs,
	"job_seconds": seconds,
	"bytes": 7,
}}

_params := {"RATE-004": {"jobs": 10, "job_seconds": 300}}

test_minutes_are_jobs_times_their_usual_time_rounded_up if {
	costs.amount("ci_minutes") == 4 with input as _priced(1, 2, 91)
	costs.amount("ci_minutes") == 3 with input as _priced(1, 2, 90)
	costs.amount("ci_minutes") == 0 with input as _priced(1, 0, 90)
}

test_parameters_stand_in_for_what_was_not_counted if {
	costs.amount("ci_minutes") == 10 with input as _priced(1, 2, null) with data.params as _params
	costs.amount("ci_minutes") == 15 with input as _priced(1, null, 90) with data.params as _params
	costs.amount("ci_minutes") == null with input as _priced(1, null, 90) with data.params as {}
	costs.amount("ci_minutes") == null with input as _priced(1, 2, null) with data.params as {}
}

test_what_starts_no_pipeline_takes_no_minutes if {
	costs.amount("ci_minutes") == 0 with input as _priced(0, null, null)
	costs.amount("ci_minutes") == 0 with input as {"costs": null}
}

test_pipelines_and_bytes_are_as_counted if {
	costs.amount("pipelines") == 1 with input as _priced(1, 2, 90)
	costs.amount("bytes") == 7 with input as _priced(1, 2, 90)
	costs.amount("bytes") == 0 with input as {"costs": null}
	costs.amount("bytes") == null with input as {"costs": {"bytes": "7"}}
	costs.amount("unheard") == null with input as _priced(1, 2, 90)
}
