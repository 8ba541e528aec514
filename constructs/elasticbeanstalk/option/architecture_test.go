package option

import "testing"

func TestArchitecture(t *testing.T) {
	for want, types := range map[string][]string{
		ARM64: {"a1.medium", "t4g.small", "m6g.large", "m7gd.xlarge", "c6gn.medium", "c7gn.large", "r8g.4xlarge", "x2gd.medium", "im4gn.large",
			"is4gen.medium", "i4g.large", "g5g.xlarge", "hpc7g.4xlarge", "m8g.metal-24xl", "p6e-gb200.36xlarge"},
		X8664: {"t1.micro", "t2.micro", "t3.small", "t3a.small", "m7i.large", "m7i-flex.large", "c5n.large", "m6idn.large", "g4dn.xlarge", "g5.xlarge",
			"g6e.xlarge", "gr6.4xlarge", "p4d.24xlarge", "p6-b200.48xlarge", "trn1.2xlarge", "inf2.xlarge", "u-6tb1.56xlarge", "u7i-12tb.224xlarge", "x2iedn.xlarge", "hpc6id.32xlarge", "vt1.3xlarge", "d3en.xlarge"},
		"": {"", "t3", "t3.", ".small", "T3.small", "${Token[Type.12]}"},
	} {
		for _, name := range types {
			if got := Architecture(name); got != want {
				t.Errorf("%q is %q, want %q", name, got, want)
			}
		}
	}
}
