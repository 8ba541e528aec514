package option

import "testing"

func TestRetirement(t *testing.T) {
	for branch, want := range map[string]string{
		"Python 3.13 running on 64bit Amazon Linux 2023":                                                   "",
		"Python 3.11 running on 64bit Amazon Linux 2023":                                                   "",
		"Python 3.9 running on 64bit Amazon Linux 2023":                                                    "2026-07-31",
		"Python 3.8 running on 64bit Amazon Linux 2":                                                       "2025-04-08",
		"Python 3.6 running on 64bit Amazon Linux":                                                         "2022-07-18",
		"Docker running on 64bit Amazon Linux 2023":                                                        "",
		"Docker running on 64bit Amazon Linux 2":                                                           "2026-06-30",
		"PHP 8.1 running on 64bit Amazon Linux 2023":                                                       "2026-04-16",
		"IIS 10.0 running on 64bit Windows Server Core 2016":                                               "2026-09-30",
		"IIS 10.0 running on 64bit Windows Server 2022":                                                    "",
		"arn:aws:elasticbeanstalk:eu-west-1::platform/Node.js 20 running on 64bit Amazon Linux 2023/6.9.0": "2026-07-31",
		"arn:aws:elasticbeanstalk:eu-west-1::platform/Node.js 24 running on 64bit Amazon Linux 2023":       "",
		"arn:aws:elasticbeanstalk:eu-west-1:123456789012:platform/Mine/1.0.0":                              "",
		"${Token[Branch.1]}": "",
	} {
		if got := Retirement(branch); got != want {
			t.Errorf("%s retires %q, want %q", branch, got, want)
		}
	}
}
