package jobs_test

import "syndicate/internal/jobs"

var sendNoWait = jobs.SendOptions{Newsletter: "weekly", NoRefresh: true, NoWait: true}
