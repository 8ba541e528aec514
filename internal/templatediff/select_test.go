package templatediff

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestOnly(t *testing.T) {
	synthesised := func(t *testing.T) *Assembly {
		t.Helper()
		dir := t.TempDir()
		write := func(name, text string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var artifacts []string
		for _, s := range []struct{ id, needs, template string }{
			{"shop-network", ``, stack(`"Vpc": {"Type": "AWS::EC2::VPC"}`)},
			{"shop-staging-data", `"shop-network"`, stack(`"Bucket": {"Type": "AWS::S3::Bucket"}`)},
			{"shop-staging-web", `"shop-staging-web.assets", "shop-staging-data"`, stack(fmt.Sprintf(environmentJSON, ""),
				`"Child": {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": "child.json"}}`)},
			{"shop-production-web", `"shop-network"`, stack(strings.Replace(fmt.Sprintf(environmentJSON, ""), `"ApplicationName"`, `"EnvironmentName": "live", "ApplicationName"`, 1))},
			{"shop-production-web-alarms", `"shop-production-web"`, stack(`"Topic": {"Type": "AWS::SNS::Topic"}`)},
		} {
			write(s.id+".json", s.template)
			artifacts = append(artifacts, fmt.Sprintf(`%q: {"type": "aws:cloudformation:stack", "properties": {"templateFile": "%[1]s.json"}, "dependencies": [%s]}`, s.id, s.needs))
		}
		write("child.json", stack(`"Topic": {"Type": "AWS::SNS::Topic"}`))
		write("manifest.json", `{"artifacts": {`+strings.Join(artifacts, ",")+`}}`)
		a, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	names := func(a *Assembly) (out []string) {
		for _, s := range a.Stacks {
			out = append(out, s.ID)
		}
		return out
	}
	for word, want := range map[string][]string{
		"staging":             {"shop-network", "shop-staging-data", "shop-staging-web", "shop-staging-web/Child"},
		"SHOP-PRODUCTION-WEB": {"shop-network", "shop-production-web"},
		"live":                {"shop-network", "shop-production-web"},
	} {
		t.Run(word, func(t *testing.T) {
			base, head := synthesised(t), synthesised(t)
			// What runs was asked for by the head's stacks: its dependencies are not known.
			for _, s := range base.Stacks {
				s.needs = nil
			}
			if err := Only(word, base, head); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(names(base), want) || !slices.Equal(names(head), want) {
				t.Errorf("base %q\nhead %q\nwant %q", names(base), names(head), want)
			}
		})
	}
	for word, want := range map[string]string{
		"web":     `"web" means environments of 2 stacks; say more of the name: shop-production-web, shop-staging-web`,
		"nothing": `there is no environment "nothing"; stacks with one: shop-production-web, shop-staging-web`,
	} {
		if err := Only(word, synthesised(t)); err == nil || err.Error() != want {
			t.Errorf("%q: %v", word, err)
		}
	}
}
