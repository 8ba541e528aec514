package templatediff

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestPolicies(t *testing.T) {
	role := func(statements string) string {
		return stack(fmt.Sprintf(`"R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}, "Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": [%s]}}]}}`, statements))
	}
	bucket := func(statements string) string {
		return stack(fmt.Sprintf(`"B": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": "b", "PolicyDocument": {"Statement": [%s]}}}`, statements))
	}
	allow := func(action, resource, more string) string {
		return fmt.Sprintf(`{"Effect": "Allow", "Action": %s, "Resource": %s%s}`, action, resource, more)
	}
	for name, tt := range map[string]struct {
		base, head string
		want       []string
	}{
		"an action more": {role(allow(`"s3:GetObject"`, `"b/*"`, "")), role(allow(`["s3:GetObject", "s3:PutObject"]`, `"b/*"`, "")),
			[]string{"broadens allows s3:PutObject on b/*"}},
		"what a wildcard had is no news": {role(allow(`"s3:*"`, `"*"`, "")), role(allow(`"s3:*"`, `"*"`, "") + "," + allow(`"s3:GetObject"`, `"b/*"`, "")), nil},
		"order and grouping":             {role(allow(`["s3:A", "s3:B"]`, `"b"`, "")), role(allow(`"s3:B"`, `["b"]`, "") + "," + allow(`"s3:A"`, `"b"`, "")), nil},
		"from a wildcard to an action":   {role(allow(`"s3:*"`, `"b"`, "")), role(allow(`"s3:GetObject"`, `"b"`, "")), []string{"narrows no longer allows s3:* on b"}},
		"a condition more":               {role(allow(`"s3:A"`, `"b"`, "")), role(allow(`"s3:A"`, `"b"`, `, "Condition": {"Bool": {"aws:SecureTransport": "true"}}`)), []string{"narrows no longer allows s3:A on b"}},
		"a denial goes": {role(`{"Effect": "Deny", "Action": "s3:A", "Resource": "b"}`), role(""),
			[]string{"broadens no longer denies s3:A on b"}},
		"a denial comes": {role(""), role(`{"Effect": "Deny", "Action": "s3:A", "Resource": "b"}`), []string{"narrows denies s3:A on b"}},
		"a bucket for everybody": {bucket(allow(`"s3:GetObject"`, `"b/*"`, `, "Principal": {"AWS": "arn:aws:iam::111122223333:root"}`)),
			bucket(allow(`"s3:GetObject"`, `"b/*"`, `, "Principal": "*"`)),
			[]string{"broadens public allows everybody to do s3:GetObject on b/*"}},
		"a new bucket policy": {stack(), bucket(allow(`"s3:GetObject"`, `"b/*"`, `, "Principal": {"Service": "logs.amazonaws.com"}`)),
			[]string{"broadens allows logs.amazonaws.com to do s3:GetObject on b/*"}},
		"all but":    {role(""), role(`{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}`), []string{"broadens allows all but iam:* on *"}},
		"everything": {role(""), role(allow(`"*"`, `"*"`, "")), []string{"broadens allows everything (*) on *"}},
		"a policy as text": {stack(`"P": {"Type": "AWS::Logs::ResourcePolicy", "Properties": {"PolicyName": "p", "PolicyDocument": "{\"Statement\": []}"}}`),
			stack(`"P": {"Type": "AWS::Logs::ResourcePolicy", "Properties": {"PolicyName": "p", "PolicyDocument": "{\"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"Service\": \"es.amazonaws.com\"}, \"Action\": \"logs:PutLogEvents\", \"Resource\": \"*\"}]}"}}`),
			[]string{"broadens allows es.amazonaws.com to do logs:PutLogEvents on *"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := diff(t, map[string]string{"s": tt.base}, map[string]string{"s": tt.head})
			checkAccess(t, r, tt.want)
		})
	}
}

func checkAccess(t *testing.T, r *Report, want []string) {
	t.Helper()
	var got []string
	for _, a := range r.Security {
		public := ""
		if a.Public {
			public = " public"
		}
		got = append(got, string(a.Direction)+public+" "+a.Text)
	}
	if !slices.Equal(got, want) {
		t.Errorf("access %q\nwant   %q", got, want)
	}
}

func TestExposure(t *testing.T) {
	group := func(rules string) string {
		return stack(fmt.Sprintf(`"G": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "g", "SecurityGroupIngress": [%s]}}`, rules))
	}
	one := func(typ, properties string) string {
		return stack(fmt.Sprintf(`"X": {"Type": %q, "Properties": {%s}}`, typ, properties))
	}
	rule := func(protocol string, port int, peer string) string {
		return fmt.Sprintf(`{"IpProtocol": %q, "FromPort": %d, "ToPort": %[2]d, %[3]s}`, protocol, port, peer)
	}
	both := func(rules, resource string) string {
		return stack(fmt.Sprintf(`"G": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "g", "SecurityGroupIngress": [%s]}}`, rules), resource)
	}
	const ownRule = `"R": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {"GroupId": {"Fn::GetAtt": ["G", "GroupId"]}, "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "SourceSecurityGroupId": "sg-2"}}`
	const always = `"R": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {"GroupId": {"Fn::GetAtt": ["G", "GroupId"]}, "IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}}`
	sometimes := strings.Replace(always, `"Properties"`, `"Condition": "C", "Properties"`, 1)
	const http = `{"IpProtocol": "tcp", "FromPort": %v, "ToPort": %v, "CidrIp": "10.0.0.0/8"}`
	for name, tt := range map[string]struct {
		base, head string
		want       []string
	}{
		"a number or a text": {group(fmt.Sprintf(http, 80, 80)), group(fmt.Sprintf(http, `"80"`, `"80"`)), nil},
		"another port":       {group(fmt.Sprintf(http, 80, 80)), group(fmt.Sprintf(http, 80, 90)), []string{"broadens lets in 80-90/tcp from 10.0.0.0/8"}},
		"from everywhere to the VPC, which only a deployment knows": {group(rule("tcp", 80, `"CidrIp": "0.0.0.0/0"`)), group(rule("tcp", 80, `"CidrIp": {"Fn::GetAtt": ["Vpc", "CidrBlock"]}`)),
			[]string{"narrows no longer lets in 80/tcp from everywhere (0.0.0.0/0), only 80/tcp from ${Vpc.CidrBlock}"}},
		"from the VPC to everywhere":                          {group(rule("tcp", 80, `"CidrIp": {"Fn::GetAtt": ["Vpc", "CidrBlock"]}`)), group(rule("tcp", 80, `"CidrIp": "0.0.0.0/0"`)), []string{"broadens public lets in 80/tcp from everywhere (0.0.0.0/0)"}},
		"a part of a range":                                   {group(rule("tcp", 80, `"CidrIp": "10.0.0.0/8"`)), group(rule("6", 80, `"CidrIp": "10.1.0.0/16"`)), []string{"narrows no longer lets in 80/tcp from 10.0.0.0/8, only 80/6 from 10.1.0.0/16"}},
		"a range beside it":                                   {group(rule("tcp", 80, `"CidrIp": "10.0.0.0/9"`)), group(rule("tcp", 80, `"CidrIp": "10.128.0.0/9"`)), []string{"broadens lets in 80/tcp from 10.128.0.0/9", "narrows no longer lets in 80/tcp from 10.0.0.0/9"}},
		"the same source, another port":                       {group(rule("tcp", 80, `"CidrIp": "0.0.0.0/0"`)), group(rule("tcp", 22, `"CidrIp": "10.0.0.0/8"`)), []string{"broadens lets in 22/tcp from 10.0.0.0/8", "narrows no longer lets in 80/tcp from everywhere (0.0.0.0/0)"}},
		"another protocol":                                    {group(rule("tcp", 53, `"CidrIp": "0.0.0.0/0"`)), group(rule("udp", 53, `"CidrIp": "10.0.0.0/8"`)), []string{"broadens lets in 53/udp from 10.0.0.0/8", "narrows no longer lets in 53/tcp from everywhere (0.0.0.0/0)"}},
		"IPv4 is not IPv6":                                    {group(rule("tcp", 80, `"CidrIp": "0.0.0.0/0"`)), group(rule("tcp", 80, `"CidrIpv6": "fd00::/8"`)), []string{"broadens lets in 80/tcp from fd00::/8", "narrows no longer lets in 80/tcp from everywhere (0.0.0.0/0)"}},
		"IPv6 from everywhere":                                {group(rule("tcp", 80, `"CidrIpv6": "::/0"`)), group(rule("tcp", 80, `"CidrIpv6": "fd00::/8"`)), []string{"narrows no longer lets in 80/tcp from everywhere (::/0), only 80/tcp from fd00::/8"}},
		"a prefix list may hold IPv6":                         {group(rule("tcp", 80, `"CidrIp": "0.0.0.0/0"`)), group(rule("tcp", 80, `"SourcePrefixListId": "pl-1"`)), []string{"broadens lets in 80/tcp from pl-1", "narrows no longer lets in 80/tcp from everywhere (0.0.0.0/0)"}},
		"what all traffic had is no news":                     {group(`{"IpProtocol": "-1", "CidrIp": "10.0.0.0/8"}`), group(`{"IpProtocol": "-1", "CidrIp": "10.0.0.0/8"},` + rule("tcp", 80, `"CidrIp": "10.1.0.0/16"`)), nil},
		"a port that only a deployment knows":                 {group(rule("tcp", 80, `"CidrIp": "0.0.0.0/0"`)), group(`{"IpProtocol": "tcp", "FromPort": {"Ref": "P"}, "ToPort": {"Ref": "P"}, "CidrIp": "10.0.0.0/8"}`), []string{"broadens lets in ${P}/tcp from 10.0.0.0/8", "narrows no longer lets in 80/tcp from everywhere (0.0.0.0/0)"}},
		"ICMP's type is no port":                              {group(`{"IpProtocol": "icmp", "FromPort": 0, "ToPort": 8, "CidrIp": "0.0.0.0/0"}`), group(`{"IpProtocol": "icmp", "FromPort": 5, "ToPort": 5, "CidrIp": "10.0.0.0/8"}`), []string{"broadens lets in 5/icmp from 10.0.0.0/8", "narrows no longer lets in 0-8/icmp from everywhere (0.0.0.0/0)"}},
		"a group instead, as its own resource":                {group(rule("tcp", 80, `"CidrIp": "0.0.0.0/0"`)), both("", ownRule), []string{"narrows no longer lets in 80/tcp from everywhere (0.0.0.0/0), only 80/tcp from sg-2"}},
		"what is there under a condition only covers nothing": {both("", sometimes), both(rule("tcp", 80, `"CidrIp": "10.0.0.0/8"`), sometimes), []string{"broadens lets in 80/tcp from 10.0.0.0/8"}},
		"what another resource has already":                   {both("", always), both(rule("tcp", 80, `"CidrIp": "10.0.0.0/8"`), always), nil},
		"its own resource becomes a part":                     {both("", ownRule), group(rule("tcp", 80, `"SourceSecurityGroupId": "sg-2"`)), nil},
		"SSH to fewer": {stack(fmt.Sprintf(environmentJSON, settingJSON("aws:autoscaling:launchconfiguration", "SSHSourceRestriction", "tcp, 22, 22, 0.0.0.0/0"))),
			stack(fmt.Sprintf(environmentJSON, settingJSON("aws:autoscaling:launchconfiguration", "SSHSourceRestriction", "tcp,22,22,10.0.0.0/8"))),
			[]string{"narrows SSH is open to tcp,22,22,10.0.0.0/8 instead of tcp, 22, 22, 0.0.0.0/0"}},
		"everything":          {group(""), group(`{"IpProtocol": "-1", "CidrIpv6": "::/0"}`), []string{"broadens public lets in all traffic from everywhere (::/0)"}},
		"a rule of its own":   {stack(), one("AWS::EC2::SecurityGroupIngress", `"GroupId": "sg-1", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "SourceSecurityGroupId": "sg-2"`), []string{"broadens lets in 22/tcp from sg-2"}},
		"a public database":   {one("AWS::RDS::DBInstance", `"PubliclyAccessible": false`), one("AWS::RDS::DBInstance", `"PubliclyAccessible": true`), []string{"broadens public is reached from the internet (PubliclyAccessible)"}},
		"a listener":          {one("AWS::ElasticLoadBalancingV2::Listener", `"LoadBalancerArn": "l", "Protocol": "HTTPS", "Port": 443, "DefaultActions": [{"Type": "authenticate-oidc"}, {"Type": "forward"}]`), one("AWS::ElasticLoadBalancingV2::Listener", `"LoadBalancerArn": "l", "Protocol": "HTTP", "Port": 80, "DefaultActions": [{"Type": "forward"}]`), []string{"broadens listens on HTTP 80 instead of HTTPS 443", "broadens no longer asks users to log in: forward instead of authenticate-oidc, forward"}},
		"a bucket opens":      {one("AWS::S3::Bucket", `"PublicAccessBlockConfiguration": {"BlockPublicPolicy": true}`), one("AWS::S3::Bucket", `"PublicAccessBlockConfiguration": {"BlockPublicPolicy": false}`), []string{"broadens public BlockPublicPolicy is switched off"}},
		"a function's caller": {stack(), one("AWS::Lambda::Permission", `"Action": "lambda:InvokeFunction", "FunctionName": "f", "Principal": "*"`), []string{"broadens public * may do lambda:InvokeFunction on f"}},
		"SSH to the instances": {stack(fmt.Sprintf(environmentJSON, settingJSON("aws:autoscaling:launchconfiguration", "SSHSourceRestriction", "tcp,22,22,10.0.0.0/8"))),
			stack(fmt.Sprintf(environmentJSON, settingJSON("aws:autoscaling:launchconfiguration", "SSHSourceRestriction", "tcp,22,22,0.0.0.0/0"))),
			[]string{"broadens public SSH is open to tcp,22,22,0.0.0.0/0 instead of tcp,22,22,10.0.0.0/8"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := diff(t, map[string]string{"s": tt.base}, map[string]string{"s": tt.head})
			checkAccess(t, r, tt.want)
		})
	}
}

func TestManyChangesOfAccessKeepTheirDirection(t *testing.T) {
	var rules []string
	for i := range 30 {
		cidr := "10.0.0.0/8"
		if i == 29 {
			cidr = "0.0.0.0/0"
		}
		rules = append(rules, fmt.Sprintf(`{"IpProtocol": "tcp", "FromPort": %d, "ToPort": %d, "CidrIp": %q}`, 9000+i, 9000+i, cidr))
	}
	group := `"G": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "g", "SecurityGroupIngress": [%s]}}`
	r, _ := diff(t, map[string]string{"s": stack(fmt.Sprintf(group, ""))}, map[string]string{"s": stack(fmt.Sprintf(group, strings.Join(rules, ",")))})
	last := r.Security[len(r.Security)-1]
	if len(r.Security) != maxAccess || last.Text != "and 23 more" || !last.Public || last.Direction != Broadens || !slices.Contains(r.Verdict.Flags, FlagPublicAccess) {
		t.Errorf("%d: %+v, flags %v", len(r.Security), last, r.Verdict.Flags)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	const secret = "hunter2-Xk9"
	for name, templates := range map[string][2]string{
		"an environment property":        {stack(fmt.Sprintf(environmentJSON, settingJSON("aws:elasticbeanstalk:application:environment", "PLAIN", secret))), stack(fmt.Sprintf(environmentJSON, settingJSON("aws:elasticbeanstalk:application:environment", "PLAIN", secret+"2")))},
		"a property that goes":           {stack(fmt.Sprintf(environmentJSON, settingJSON("aws:elasticbeanstalk:application:environment", "PLAIN", secret))), stack(fmt.Sprintf(environmentJSON, settingJSON("aws:autoscaling:asg", "MinSize", "1")))},
		"part of a text":                 {stack(fmt.Sprintf(environmentJSON, settingJSON("aws:elasticbeanstalk:application:environment", "URL", `{"Fn::Join": ["", ["postgres://u:`+secret+`@", {"Ref": "AWS::Region"}]]}`))), stack(fmt.Sprintf(environmentJSON, settingJSON("aws:elasticbeanstalk:application:environment", "URL", `{"Fn::Join": ["", ["postgres://u:`+secret+`3@", {"Ref": "AWS::Region"}]]}`)))},
		"under a condition":              {stack(fmt.Sprintf(environmentJSON, settingJSON("aws:elasticbeanstalk:application:environment", "X", `{"Fn::If": ["C", "`+secret+`", "b"]}`))), stack(fmt.Sprintf(environmentJSON, settingJSON("aws:elasticbeanstalk:application:environment", "X", `{"Fn::If": ["C", "`+secret+`4", "b"]}`)))},
		"the coupled database":           {stack(fmt.Sprintf(environmentJSON, settingJSON("aws:rds:dbinstance", "DBPassword", secret))), stack(fmt.Sprintf(environmentJSON, settingJSON("aws:rds:dbinstance", "DBPassword", secret+"5")))},
		"an allowed host with one":       {stack(fmt.Sprintf(environmentJSON, settingJSON("aws:elasticbeanstalk:application:environment", "ALLOWED_HOSTS", "a"))), stack(fmt.Sprintf(environmentJSON, settingJSON("aws:elasticbeanstalk:application:environment", "ALLOWED_HOSTS", "https://u:"+secret+"@h")))},
		"a refused environment secret":   {stack(fmt.Sprintf(environmentJSON, settingJSON("aws:elasticbeanstalk:application:environmentsecrets", "KEY", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:a"))), stack(fmt.Sprintf(environmentJSON, settingJSON("aws:elasticbeanstalk:application:environmentsecrets", "KEY", secret)))},
		"a database's password":          {stack(`"D": {"Type": "AWS::RDS::DBInstance", "Properties": {"MasterUserPassword": "` + secret + `"}}`), stack(`"D": {"Type": "AWS::RDS::DBInstance", "Properties": {"MasterUserPassword": "` + secret + `6"}}`)},
		"a function's variables":         {stack(`"F": {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": {"A": "` + secret + `"}}}}`), stack(`"F": {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": {"A": "` + secret + `7"}}}}`)},
		"user data":                      {stack(`"I": {"Type": "AWS::EC2::Instance", "Properties": {"UserData": "` + secret + `"}}`), stack(`"I": {"Type": "AWS::EC2::Instance", "Properties": {"UserData": "` + secret + `8"}}`)},
		"a custom resource":              {stack(`"C": {"Type": "Custom::X", "Properties": {"ServiceToken": "t", "Value": "` + secret + `"}}`), stack(`"C": {"Type": "Custom::X", "Properties": {"ServiceToken": "t", "Value": "` + secret + `9"}}`)},
		"a parameter of Systems Manager": {stack(`"P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "` + secret + `"}}`), stack(`"P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "` + secret + `0"}}`)},
		"a NoEcho parameter": {`{"Parameters": {"P": {"Type": "String", "NoEcho": true, "Default": "` + secret + `"}}, "Resources": {"D": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "P"}}}}}`,
			`{"Parameters": {"P": {"Type": "String", "NoEcho": true, "Default": "` + secret + `a"}}, "Resources": {"D": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "P"}}}}}`},
		"the client secret of a listener": {stack(`"L": {"Type": "AWS::ElasticLoadBalancingV2::Listener", "Properties": {"LoadBalancerArn": "l", "DefaultActions": [{"Type": "authenticate-oidc", "AuthenticateOidcConfig": {"ClientSecret": "` + secret + `"}}]}}`),
			stack(`"L": {"Type": "AWS::ElasticLoadBalancingV2::Listener", "Properties": {"LoadBalancerArn": "l", "DefaultActions": [{"Type": "authenticate-oidc", "AuthenticateOidcConfig": {"ClientSecret": "` + secret + `b"}}, {"Type": "forward"}]}}`)},
		"a saved configuration": {stack(`"C": {"Type": "AWS::ElasticBeanstalk::ConfigurationTemplate", "Properties": {"ApplicationName": "a", "OptionSettings": [` + settingJSON("aws:elasticbeanstalk:application:environment", "K", secret) + `]}}`),
			stack(`"C": {"Type": "AWS::ElasticBeanstalk::ConfigurationTemplate", "Properties": {"ApplicationName": "a", "OptionSettings": [` + settingJSON("aws:elasticbeanstalk:application:environment", "K", secret+"c") + `]}}`)},
	} {
		t.Run(name, func(t *testing.T) {
			r, changes := diff(t, map[string]string{"s": templates[0]}, map[string]string{"s": templates[1]})
			if len(changes) == 0 && len(r.Notes) == 0 {
				t.Error("no change is reported")
			}
			for form, text := range render(t, r) {
				if strings.Contains(text, secret) {
					t.Errorf("%s gives the secret away:\n%s", form, text)
				}
			}
		})
	}
}

func TestLooksSecret(t *testing.T) {
	for s, want := range map[string]bool{
		"AKIAIOSFODNN7EXAMPLE": true, "postgres://app:pw@db/app": true, "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY": true,
		"-----BEGIN PRIVATE KEY-----": true, "eyJhbGciOiJIUzI1NiJ9.e30.x": true,
		"subnet-0a1b2c3d4e5f60718,subnet-0a1b2c3d4e5f60719": false, "t3.small": false, "ELBSecurityPolicy-TLS13-1-2-2021-06": false,
		"arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012": false,
		"${LoadBalancerBE9EEC3AB633DFFF1234}":                                                 false, "https://www.example.com/": false, "": false,
	} {
		if looksSecret(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}
