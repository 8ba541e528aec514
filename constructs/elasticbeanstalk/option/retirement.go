package option

import (
	"regexp"
	"strings"
)

// retirements are the days on which AWS retires platform branches, or has, by its schedule of May 2026, targets among them.
// The branches on Amazon Linux 2 go with it at the latest.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-schedule.html
var retirements = []struct{ branch, day string }{
	{`^\.NET 6 running on 64bit Amazon Linux 2023`, "2025-04-08"},
	{`^\.NET [89] running on 64bit Amazon Linux 2023`, "2027-03-31"},
	{`^Node\.js 18 running on 64bit Amazon Linux 2`, "2025-08-11"},
	{`^Node\.js 20 running on 64bit Amazon Linux 2023`, "2026-07-31"},
	{`^PHP 8\.1 running on 64bit Amazon Linux 2`, "2026-04-16"},
	{`^PHP 8\.2 running on 64bit Amazon Linux 2023`, "2027-03-31"},
	{`^Python 3\.9 running on 64bit Amazon Linux 2023`, "2026-07-31"},
	{`^Ruby 3\.2 running on 64bit Amazon Linux 2023`, "2026-07-31"},
	{`^Python 3\.7 running on 64bit Amazon Linux 2\b`, "2024-10-10"},
	{`^Python 3\.8 running on 64bit Amazon Linux 2\b`, "2025-04-08"},
	{`running on 64bit Windows Server (Core )?2012`, "2023-12-04"},
	{`running on 64bit Windows Server (Core )?2016`, "2026-09-30"},
	{`running on (32|64)bit Amazon Linux$`, "2022-07-18"},
	{`running on 64bit Amazon Linux 2$`, "2026-06-30"},
}

// Retirement is the day on which AWS retires a platform branch, as year-month-day, "" if none is known. From then on there
// are no new versions of it and, but for 90 days in accounts that use it already, no new environments on it. The branch is
// given by its name, with or without the rest of its ARN.
func Retirement(branch string) string {
	if _, rest, ok := strings.Cut(branch, ":platform/"); ok {
		branch = rest
	}
	branch, _, _ = strings.Cut(branch, "/")
	for _, r := range retirements {
		if regexp.MustCompile(r.branch).MatchString(branch) {
			return r.day
		}
	}
	return ""
}
