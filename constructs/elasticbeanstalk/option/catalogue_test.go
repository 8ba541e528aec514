package option

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestCatalogueIsWhole(t *testing.T) {
	namespaces := map[string]int{}
	options := map[string]bool{}
	for _, o := range Catalogue() {
		namespaces[o.Namespace]++
		options[o.Namespace+" "+o.Name] = true
	}
	// 255 published rows in 51 namespaces, one row for any template parameter, and the 96 rows in 12 namespaces of
	// Beanstalk Cluster environments.
	if got := len(Catalogue()); got != 352 {
		t.Errorf("%d rows, want 352", got)
	}
	if got := len(namespaces); got != 63 {
		t.Errorf("%d namespaces, want 63", got)
	}
	for namespace, want := range map[string]int{
		"aws:autoscaling:asg": 6, "aws:autoscaling:launchconfiguration": 15, "aws:autoscaling:scheduledaction": 7,
		"aws:autoscaling:trigger": 10, "aws:autoscaling:updatepolicy:rollingupdate": 6, "aws:ec2:instances": 7, "aws:ec2:vpc": 6,
		"aws:elasticbeanstalk:command": 5, "aws:elasticbeanstalk:environment:process:default": 12,
		"aws:elasticbeanstalk:environment:process:<process_name>": 12, "aws:elbv2:listener:default": 6, "aws:elbv2:loadbalancer": 8,
		"aws:elasticbeanstalk:sqsd": 10, "aws:rds:dbinstance": 10,
	} {
		if got := namespaces[namespace]; got != want {
			t.Errorf("%s has %d options, want %d", namespace, got, want)
		}
	}
	if len(options) < 340 {
		t.Errorf("%d different options", len(options))
	}
}

func TestCatalogueRowsAreSound(t *testing.T) {
	types := []Type{Integer, Number, Boolean, Choice, Text, List, JSON, Duration, ARN, ID, SuccessCodes}
	rows := map[string]bool{}
	for _, o := range Catalogue() {
		id := o.Namespace + " " + o.Name + " " + strings.Join(o.Platforms, ",")
		if rows[id] {
			t.Errorf("%s is there twice", id)
		}
		rows[id] = true
		switch {
		case !slices.Contains(types, o.Type):
			t.Errorf("%s: type %q", id, o.Type)
		case o.Source == "", !strings.HasPrefix(o.URL, documentation):
			t.Errorf("%s: source %q, URL %q", id, o.Source, o.URL)
		case o.Type == Choice && len(o.Choices) < 1, o.Type == ARN && len(o.Services) == 0, o.Type == ID && o.Prefix == "":
			t.Errorf("%s: a %s without what it allows", id, o.Type)
		case o.Min != nil && o.Max != nil && *o.Min > *o.Max:
			t.Errorf("%s: min %v, max %v", id, *o.Min, *o.Max)
		case o.FreeName != strings.HasPrefix(o.Name, "<"):
			t.Errorf("%s: freeName %v", id, o.FreeName)
		case o.CreationOnly && o.Effect != Rejected:
			t.Errorf("%s: can be chosen at creation only, and a change %s", id, o.Effect)
		case o.Needs != nil:
			needs := strings.Replace(o.Needs.Namespace, "<process_name>", "web", 1)
			if _, ok := Lookup(needs, o.Needs.Name); !ok {
				t.Errorf("%s needs %s %s, which is not in the catalogue", id, needs, o.Needs.Name)
			}
		}
		if _, err := regexp.Compile(o.Pattern); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// A default is what Beanstalk itself takes, so nothing may be wrong with it.
func TestDefaultsPass(t *testing.T) {
	for _, o := range Catalogue() {
		if o.Default == "" || o.FreeName {
			continue
		}
		s := Setting{Namespace: strings.NewReplacer("<process_name>", "web", "<listener_port>", "8080", "<rule_name>", "r", "<policy_name>", "p").
			Replace(o.Namespace), OptionName: o.Name, Value: o.Default, ResourceName: "Action"}
		for _, f := range Check([]Setting{s}, Context{Partial: true}) {
			if f.Rule != "amazon-linux-ami-only" {
				t.Errorf("%s = %s: %s", s.Name(), s.Value, f.Message)
			}
		}
	}
}

func TestLookup(t *testing.T) {
	for _, tt := range []struct {
		namespace, name string
		found           bool
		effect          Effect
	}{
		{"aws:autoscaling:asg", "MinSize", true, NoInterruption},
		{"aws:autoscaling:launchconfiguration", "IamInstanceProfile", true, ReplacesInstances},
		{"aws:elasticbeanstalk:application:environment", "ANYTHING", true, RestartsApplication},
		{"aws:elasticbeanstalk:application:environmentsecrets", "SECRET_KEY", true, RestartsApplication},
		// AWS's own data says NoInterruption; the developer guide says that it cannot be changed (environments-cfg-alb).
		{"aws:elasticbeanstalk:environment", "LoadBalancerType", true, Rejected},
		{"aws:elasticbeanstalk:environment", "LoadBalancerIsShared", true, Rejected},
		{"aws:elbv2:loadbalancer", "SharedLoadBalancer", true, Rejected},
		// "You cannot migrate an environment to a VPC": hsingh/ansible-elastic-beanstalk#17.
		{"aws:ec2:vpc", "VPCId", true, Rejected},
		{"aws:elasticbeanstalk:environment", "EnvironmentType", true, ReplacesInstances},
		{"aws:elasticbeanstalk:environment:process:api", "HealthCheckPath", true, NoInterruption},
		{"aws:elbv2:listener:8443", "Protocol", true, NoInterruption},
		{"aws:elbv2:listenerrule:admin", "PathPatterns", true, NoInterruption},
		{"aws:elb:policies:mine", "CookieName", true, NoInterruption},
		{"aws:elasticbeanstalk:environment:process:<process_name>", "Port", true, Unknown},
		{"aws:elasticbeanstalk:environment:process:", "Port", false, Unknown},
		{"aws:elasticbeanstalk:environment:process", "Port", false, Unknown},
		{"aws:elasticbeanstalk:environment:process:a:b", "Port", false, Unknown},
		{"aws:autoscaling:asg", "minsize", false, Unknown},
		{"aws:nothing", "MinSize", false, Unknown},
		{"", "", false, Unknown},
	} {
		o, ok := Lookup(tt.namespace, tt.name)
		if ok != tt.found || o.Effect != tt.effect {
			t.Errorf("Lookup(%q, %q) = %v %v, want %v %v", tt.namespace, tt.name, o.Effect, ok, tt.effect, tt.found)
		}
		if ok && (o.Namespace != tt.namespace || o.Name != tt.name) {
			t.Errorf("Lookup(%q, %q) calls it %q %q", tt.namespace, tt.name, o.Namespace, o.Name)
		}
	}
	// One option that is published once for each platform: every platform's value is allowed.
	o, _ := Lookup("aws:elasticbeanstalk:environment:proxy", "ProxyServer")
	if want := []string{"nginx", "none", "apache", "apache/2.2"}; !slices.Equal(o.Choices, want) || len(o.Platforms) != 6 {
		t.Errorf("ProxyServer = %v for %v", o.Choices, o.Platforms)
	}
}

func TestEffectIn(t *testing.T) {
	shared := true
	rules, _ := Lookup("aws:elbv2:listener:443", "Rules")
	path, _ := Lookup("aws:elasticbeanstalk:environment:process:default", "HealthCheckPath")
	for _, tt := range []struct {
		o    Option
		in   Context
		want Effect
	}{
		{rules, Context{}, NoInterruption},
		{rules, Context{LoadBalancerIsShared: &shared}, Rejected},
		{path, Context{LoadBalancerIsShared: &shared}, NoInterruption},
	} {
		if got := tt.o.EffectIn(tt.in); got != tt.want {
			t.Errorf("%s %s in %+v: %s, want %s", tt.o.Namespace, tt.o.Name, tt.in, got, tt.want)
		}
	}
}

func TestEffectAndLevelRender(t *testing.T) {
	for e := Unknown; e <= Rejected; e++ {
		if e.String() == "" || e != Unknown && e.String() == "unknown" {
			t.Errorf("effect %d renders as %q", e, e.String())
		}
	}
	data, err := json.Marshal([]any{Rejected, Error, Warning})
	if err != nil || string(data) != `["refused after creation","error","warning"]` {
		t.Errorf("%s, %v", data, err)
	}
}

func TestCompare(t *testing.T) {
	answer, err := os.ReadFile("testdata/describe-configuration-options.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Compare(answer)
	if err != nil {
		t.Fatal(err)
	}
	const asg, health = "aws:autoscaling:asg", "aws:elasticbeanstalk:healthreporting:system"
	want := []Difference{
		{asg, "Availability Zones", "option", "exists", ""},
		{asg, "Cooldown", "max", "10000", "20000"},
		{asg, "Custom Availability Zones", "option", "exists", ""},
		{asg, "EnableCapacityRebalancing", "option", "exists", ""},
		{asg, "MaxSize", "default", "4", "6"},
		{asg, "WarmPoolSize", "option", "", "exists"},
		{health, "ConfigDocument", "maxLength", "32000", "64000"},
		{health, "EnhancedHealthAuthEnabled", "option", "exists", ""},
		{health, "HealthCheckSuccessThreshold", "option", "exists", ""},
		{health, "SystemType", "changeSeverity", "RestartEnvironment", "NoInterruption"},
		{health, "SystemType", "choices", "basic, enhanced", "enhanced, basic, extended"},
	}
	slices.SortFunc(got, func(a, b Difference) int {
		return strings.Compare(a.Namespace+a.Name+a.What, b.Namespace+b.Name+b.What)
	})
	if !slices.Equal(got, want) {
		t.Errorf("Compare =\n%+v\nwant\n%+v", got, want)
	}
	for _, bad := range []string{"", "[]", `{"Settings": []}`} {
		if _, err := Compare([]byte(bad)); err == nil {
			t.Errorf("Compare(%q) took it", bad)
		}
	}
}
