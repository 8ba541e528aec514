package stacks

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// EnvironmentConfig is one deployment environment.
type EnvironmentConfig struct {
	// Account is where it is deployed, together with region. Default: where the credentials point.
	Account string `beanpole:"account"`
	// Region is where it is deployed, together with account. Default: where the credentials point.
	Region string `beanpole:"region"`
	// Network is the name of the network, which several environments may share; fixed once the environment exists. Default: one
	// of its own, named as the environment.
	Network string `beanpole:"network"`
	// Tier is "WebServer" or "Worker", which works on the messages of a queue; fixed once the environment exists: another one
	// replaces it. Default: "WebServer".
	Tier string `beanpole:"tier"`
	// EnvironmentType is "LoadBalanced" or "SingleInstance", one instance with an address of its own, by HTTP, and no load
	// balancer to pay, which cannot become load-balanced once it exists. Default: "LoadBalanced".
	EnvironmentType string `beanpole:"environmentType"`
	// Domains are the names of the site. Default: the load balancer's own DNS name; of a single instance, that of
	// cnamePrefix.
	Domains []string `beanpole:"domains"`
	// CertificateARN is the certificate of the domains, which makes the site HTTPS. Default: one is made and validated
	// where hostedZone is given, else the site is HTTP.
	CertificateARN string `beanpole:"certificateArn"`
	// HostedZone is the public Route 53 zone that gets the records of the domains, and proves that the certificate is
	// yours. Default: the records are yours to make.
	HostedZone *HostedZoneConfig `beanpole:"hostedZone"`
	// RulePriority begins the band of 100 listener rule priorities of the environment: 100, 200, … 9900. Environments of
	// one network need different ones. Default: 100.
	RulePriority int `beanpole:"rulePriority"`
	// EnvironmentName is a name of your own for the environment, 4 to 40 letters, digits and hyphens; fixed once the environment
	// exists: another one replaces it. With one, CloudFormation cannot replace the environment for other reasons. Default: CloudFormation generates one.
	EnvironmentName string `beanpole:"environmentName"`
	// CNAMEPrefix begins the name that Elastic Beanstalk gives it, as in PREFIX.eu-central-1.elasticbeanstalk.com, unique in
	// the region; fixed once the environment exists: another one replaces it, and what is said of environmentName holds for it
	// too. Default: Elastic Beanstalk makes one up.
	CNAMEPrefix string `beanpole:"cnamePrefix"`
	// Tags are put on all that is made for the environment, also by Elastic Beanstalk. Default: none but application.
	Tags map[string]string `beanpole:"tags"`

	Platform    PlatformConfig    `beanpole:"platform"`
	Capacity    CapacityConfig    `beanpole:"capacity"`
	Deployment  DeploymentConfig  `beanpole:"deployment"`
	HealthCheck HealthCheckConfig `beanpole:"healthCheck"`
	Health      HealthConfig      `beanpole:"health"`

	// Processes are further processes of an instance by name, each a target group, which the project's own Procfile and
	// proxy configuration have to serve; and under the name "default" what the first one has besides healthCheck. Default:
	// the first one alone.
	Processes map[string]ProcessConfig `beanpole:"processes"`

	// Workers are the names of the worker environments whose queues a web server may send to. It finds the URL of each queue in
	// a variable, of "tasks" in TASKS_QUEUE_URL. Default: none.
	Workers []string `beanpole:"workers"`

	Worker        WorkerConfig        `beanpole:"worker"`
	Logs          LogsConfig          `beanpole:"logs"`
	Notifications NotificationsConfig `beanpole:"notifications"`
	Roles         RolesConfig         `beanpole:"roles"`

	// XRayEnabled runs the daemon of AWS X-Ray on the instances. Default: false.
	XRayEnabled bool `beanpole:"xrayEnabled"`
	// NumProcesses is the number of gunicorn's processes. Default: 1.
	NumProcesses int `beanpole:"numProcesses"`
	// NumThreads is the number of threads of each of them. Default: 15.
	NumThreads int `beanpole:"numThreads"`
	// Variables are environment properties, which the app sees as variables. Default: none but the app's own.
	Variables map[string]string `beanpole:"variables"`
	// NotSecret are the names of variables that are no secrets in spite of their looks; others that look like one are
	// refused. Default: none.
	NotSecret []string `beanpole:"notSecret"`
	// Secrets are environment properties whose values the instances fetch when they boot: by the name of the property the
	// complete ARN of a secret in AWS Secrets Manager, with ":" and a key behind it if it is a JSON object, or that of a
	// parameter in Parameter Store. Default: none but Django's SECRET_KEY.
	Secrets map[string]string `beanpole:"secrets"`
	// SecretKeyARN is the complete ARN of a secret of your own for Django's SECRET_KEY, which environments share that trust
	// one another's signatures, such as a web server and its worker. Default: one is generated.
	SecretKeyARN string `beanpole:"secretKeyArn"`
	// SecretsKMSKeyARN is the customer managed key that secrets and the one of secretKeyArn are encrypted with; those that AWS
	// manages may be among them. Where they have several keys of yours, give one here, and let the instances decrypt with the
	// others by a policy in roles.instanceManagedPolicyArns. Default: the keys that AWS manages.
	SecretsKMSKeyARN string `beanpole:"secretsKmsKeyArn"`
	// OptionSettings are raw option settings by namespace and name, for what has no key. Default: none.
	OptionSettings map[string]map[string]string `beanpole:"optionSettings"`
}

// HostedZoneConfig is a public hosted zone of Route 53.
type HostedZoneConfig struct {
	// ID is that of the zone, such as "Z0123456789ABCDEFGHIJ". Required.
	ID string `beanpole:"id"`
	// Name is that of the zone, such as "example.com". Required.
	Name string `beanpole:"name"`
}

// PlatformConfig is the platform branch of Elastic Beanstalk.
type PlatformConfig struct {
	// Branch is the platform branch. Default: "Python 3.13 running on 64bit Amazon Linux 2023".
	Branch string `beanpole:"branch"`
	// Version pins the platform version, such as "4.13.7". Default: the newest one when the environment is made; managed
	// updates follow.
	Version string `beanpole:"version"`
	// DisableManagedUpdates leaves platform updates to you. Default: false.
	DisableManagedUpdates bool `beanpole:"disableManagedUpdates"`
	// PreferredStartTime is the weekly hour of managed updates, in UTC. Default: "Sun:03:00".
	PreferredStartTime string `beanpole:"preferredStartTime"`
	// UpdateLevel is how far managed updates go: "minor" or "patch". Default: "minor".
	UpdateLevel string `beanpole:"updateLevel"`
	// InstanceRefreshEnabled replaces all instances every week in that hour, also without an update. Default: false.
	InstanceRefreshEnabled bool `beanpole:"instanceRefreshEnabled"`
}

// CapacityConfig is the number and kind of instances.
type CapacityConfig struct {
	// MinSize is the least number of instances. Default: 2.
	MinSize *int `beanpole:"minSize"`
	// MaxSize is the largest number of instances. Default: 4.
	MaxSize *int `beanpole:"maxSize"`
	// InstanceTypes are the EC2 instance types, the preferred one first. Default: ["t3.small"].
	InstanceTypes []string `beanpole:"instanceTypes"`
	// Architecture is that of the instance types, "x86_64" or "arm64". Default: "x86_64", or what instanceTypes say.
	Architecture string `beanpole:"architecture"`
	// ImageID is a custom AMI, which nothing but you updates. Default: the platform's.
	ImageID string `beanpole:"imageId"`
	// Cooldown is how long the number of instances rests after a change, in seconds. Default: 360.
	Cooldown *int `beanpole:"cooldown"`

	Trigger TriggerConfig `beanpole:"trigger"`

	// ScheduledActions change the number of instances at given times, by name. One that is left out later stays: set its
	// suspend first. Default: none.
	ScheduledActions map[string]ScheduledActionConfig `beanpole:"scheduledActions"`

	Spot       SpotConfig       `beanpole:"spot"`
	RootVolume RootVolumeConfig `beanpole:"rootVolume"`
}

// TriggerConfig says when the number of instances changes.
type TriggerConfig struct {
	// MeasureName is the metric, such as CPUUtilization, NetworkOut, Latency or RequestCount. Default: "CPUUtilization".
	MeasureName string `beanpole:"measureName"`
	// Statistic is "Average", "Minimum", "Maximum" or "Sum". Default: "Average".
	Statistic string `beanpole:"statistic"`
	// Unit is the unit of the thresholds, as CloudWatch writes it. Default: that of the metric.
	Unit string `beanpole:"unit"`
	// UpperThreshold is above which value instances are added. Default: 70, of CPUUtilization.
	UpperThreshold *float64 `beanpole:"upperThreshold"`
	// LowerThreshold is below which value instances are removed. Default: 20, of CPUUtilization.
	LowerThreshold *float64 `beanpole:"lowerThreshold"`
	// UpperBreachScaleIncrement is how many are added. Default: 1.
	UpperBreachScaleIncrement int `beanpole:"upperBreachScaleIncrement"`
	// LowerBreachScaleIncrement is how many are removed, negative. Default: -1.
	LowerBreachScaleIncrement int `beanpole:"lowerBreachScaleIncrement"`
	// Period is the time that a value covers, in seconds, whole minutes. Default: 300.
	Period int `beanpole:"period"`
	// EvaluationPeriods is for how many periods in a row a threshold has to be passed. Default: 1.
	EvaluationPeriods int `beanpole:"evaluationPeriods"`
}

// ScheduledActionConfig changes the number of instances at a given time.
type ScheduledActionConfig struct {
	// Recurrence is when it runs, in UTC, as the five fields of cron: "30 6 * * 1-5". Default: once, at startTime.
	Recurrence string `beanpole:"recurrence"`
	// StartTime is when it runs, or from when on, as in "2027-01-31T08:00:00Z". Default: from now on; without recurrence it
	// is required.
	StartTime string `beanpole:"startTime"`
	// EndTime is when recurrence stops. Default: never.
	EndTime string `beanpole:"endTime"`
	// MinSize is the least number of instances from then on. Default: that of capacity.
	MinSize *int `beanpole:"minSize"`
	// MaxSize is the largest number of instances from then on. Default: that of capacity.
	MaxSize *int `beanpole:"maxSize"`
	// DesiredCapacity is the number to begin with. Default: what there is.
	DesiredCapacity *int `beanpole:"desiredCapacity"`
	// Suspend keeps it without running it. Default: false.
	Suspend bool `beanpole:"suspend"`
}

// SpotConfig has a part of the instances at the price of spare capacity.
type SpotConfig struct {
	// EnableSpot turns Spot Instances on, for which several instanceTypes are best. Default: false.
	EnableSpot bool `beanpole:"enableSpot"`
	// OnDemandBase is how many instances are On-Demand before any is Spot. Default: none.
	OnDemandBase int `beanpole:"onDemandBase"`
	// OnDemandAboveBasePercentage is the part of On-Demand above that, 0 to 100. Default: 70 percent, of a single instance 0.
	OnDemandAboveBasePercentage *int `beanpole:"onDemandAboveBasePercentage"`
	// MaxPrice is the most to pay for an instance and hour, in US dollars. Default: the On-Demand price.
	MaxPrice float64 `beanpole:"maxPrice"`
	// AllocationStrategy is "capacity-optimized", "price-capacity-optimized", "capacity-optimized-prioritized" or
	// "lowest-price". Default: capacity-optimized, with the fewest interruptions.
	AllocationStrategy string `beanpole:"allocationStrategy"`
	// EnableCapacityRebalancing replaces a Spot Instance before it is taken away. Default: false.
	EnableCapacityRebalancing bool `beanpole:"enableCapacityRebalancing"`
}

// RootVolumeConfig is the disk that instances boot from.
type RootVolumeConfig struct {
	// Type is "gp3", "gp2", "io1" or "standard". Default: "gp3".
	Type string `beanpole:"type"`
	// Size is in GiB. Default: that of the platform's image.
	Size int `beanpole:"size"`
	// IOPS are operations a second, of gp3 3000 to 16000. Default: the least of the type.
	IOPS int `beanpole:"iops"`
	// Throughput is in MiB a second, of gp3 alone, 125 to 1000. Default: the least.
	Throughput int `beanpole:"throughput"`
}

// DeploymentConfig is how versions and configuration reach the instances.
type DeploymentConfig struct {
	// Policy is AllAtOnce, Rolling, RollingWithAdditionalBatch or Immutable. Default: "RollingWithAdditionalBatch", of a
	// single instance AllAtOnce.
	Policy string `beanpole:"policy"`
	// BatchSize is the size of a batch of a rolling deployment. Default: 1.
	BatchSize int `beanpole:"batchSize"`
	// BatchSizeType is "Fixed", a number of instances, or "Percentage". Default: "Fixed".
	BatchSizeType string `beanpole:"batchSizeType"`
	// Timeout is how long an instance may take for a command, in seconds, up to 3600. Default: 600.
	Timeout int `beanpole:"timeout"`
	// IgnoreHealthCheck lets a deployment go on past unhealthy instances. Default: false.
	IgnoreHealthCheck bool `beanpole:"ignoreHealthCheck"`

	ConfigurationUpdates ConfigurationUpdatesConfig `beanpole:"configurationUpdates"`
}

// ConfigurationUpdatesConfig is how configuration that needs new instances reaches them.
type ConfigurationUpdatesConfig struct {
	// RollingUpdateType is Health, Time or Immutable. Default: "Health"; Immutable with that deployment policy.
	RollingUpdateType string `beanpole:"rollingUpdateType"`
	// DisableRollingUpdates replaces all instances at once, while nothing serves. Default: false.
	DisableRollingUpdates bool `beanpole:"disableRollingUpdates"`
	// MaxBatchSize is the number of instances in a batch. Default: 1.
	MaxBatchSize int `beanpole:"maxBatchSize"`
	// MinInstancesInService is how many stay in service. Default: all but one of capacity.minSize.
	MinInstancesInService *int `beanpole:"minInstancesInService"`
	// PauseTime is how long Time waits between batches, in seconds. Default: Elastic Beanstalk computes it.
	PauseTime int `beanpole:"pauseTime"`
	// Timeout is how long a batch may take to become healthy, in seconds, 300 to 3600. Default: 1800.
	Timeout int `beanpole:"timeout"`
}

// HealthCheckConfig is a health check.
type HealthCheckConfig struct {
	// Path is what is asked for. Default: "/healthz/".
	Path string `beanpole:"path"`
	// SuccessCodes are the status codes that count as healthy. Default: "200-301".
	SuccessCodes string `beanpole:"successCodes"`
	// Interval is the time between two checks, in seconds. Default: 15.
	Interval int `beanpole:"interval"`
	// Timeout is how long an answer may take, in seconds. Default: 5.
	Timeout int `beanpole:"timeout"`
	// HealthyThresholdCount is the number of good checks in a row that make a target healthy. Default: 3.
	HealthyThresholdCount int `beanpole:"healthyThresholdCount"`
	// UnhealthyThresholdCount is the number of bad checks in a row that make a target unhealthy. Default: 5.
	UnhealthyThresholdCount int `beanpole:"unhealthyThresholdCount"`
}

// HealthConfig is the environment's health, as Elastic Beanstalk reports it.
type HealthConfig struct {
	// HealthCheckSuccessThreshold is the worst status with which a deployment goes on: Ok, Warning, Degraded or Severe.
	// Default: "Ok".
	HealthCheckSuccessThreshold string `beanpole:"healthCheckSuccessThreshold"`
	// IgnoreApplicationRequests4xx leaves the app's answers of 4xx out of the environment's health. Default: false.
	IgnoreApplicationRequests4xx bool `beanpole:"ignoreApplicationRequests4xx"`
	// IgnoreELBRequests4xx leaves the load balancer's own answers of 4xx out of it, such as those of a web ACL. Default: false.
	IgnoreELBRequests4xx bool `beanpole:"ignoreElbRequests4xx"`
	// EnvironmentMetrics are published to CloudWatch for the environment, such as "ApplicationLatencyP95", and cost what custom
	// metrics cost. Default: none.
	EnvironmentMetrics []string `beanpole:"environmentMetrics"`
	// InstanceMetrics are published to CloudWatch for each instance, such as "LoadAverage1min". Default: none.
	InstanceMetrics []string `beanpole:"instanceMetrics"`
	// HealthStreamingEnabled writes every change of the environment's health, with its cause, to CloudWatch Logs. Default: false.
	HealthStreamingEnabled bool `beanpole:"healthStreamingEnabled"`
	// RetentionInDays is how long what is streamed of the health is kept. Default: 30 days.
	RetentionInDays int `beanpole:"retentionInDays"`
	// HealthCheckType is EC2 or ELB, with which an instance that the load balancer finds unhealthy is replaced. Default: EC2.
	HealthCheckType string `beanpole:"healthCheckType"`
	// HealthCheckGracePeriod is how long ELB spares a new instance, in seconds. Default: 5 minutes more than
	// deployment.timeout allows, 15 minutes.
	HealthCheckGracePeriod int `beanpole:"healthCheckGracePeriod"`
}

// ProcessConfig is a process of an instance, which is a target group.
type ProcessConfig struct {
	// Port is where the instance listens; fixed once the environment exists. Default: 80.
	Port int `beanpole:"port"`
	// Paths are the paths that its requests have, such as "/api/*", up to 4. Required, but of "default", which has the rest.
	Paths []string `beanpole:"paths"`
	// RulePriority is the place of its first rule in the environment's band, 1 to 49. More rules, which many domains or paths
	// take, are behind it, so leave room. Processes need different ones; the lower one is first where paths overlap. Default: 1.
	RulePriority int `beanpole:"rulePriority"`
	// DeregistrationDelay is how long an instance that leaves may finish its requests, in seconds. Default: 20.
	DeregistrationDelay *int `beanpole:"deregistrationDelay"`
	// StickinessDuration keeps a client on one instance for as long, in seconds. Default: no stickiness.
	StickinessDuration int `beanpole:"stickinessDuration"`

	HealthCheck HealthCheckConfig `beanpole:"healthCheck"`
}

// WorkerConfig is for the worker tier.
type WorkerConfig struct {
	// HTTPPath is the path that messages are posted to. Default: "/".
	HTTPPath string `beanpole:"httpPath"`
	// MimeType is the Content-Type of these posts. Default: "application/json".
	MimeType string `beanpole:"mimeType"`
	// HTTPConnections is how many messages an instance works on at once. Default: 50.
	HTTPConnections int `beanpole:"httpConnections"`
	// InactivityTimeout is how long an answer may take, in seconds. Default: 299.
	InactivityTimeout int `beanpole:"inactivityTimeout"`
	// VisibilityTimeout is how long a message that is worked on is hidden from other instances, in seconds. Default: 300.
	VisibilityTimeout int `beanpole:"visibilityTimeout"`
	// ErrorVisibilityTimeout is how long a message rests after an answer other than 200, in seconds. Default: 2.
	ErrorVisibilityTimeout *int `beanpole:"errorVisibilityTimeout"`
	// RetentionPeriod is how long a message may stay in the queue, in seconds. Default: 345600.
	RetentionPeriod int `beanpole:"retentionPeriod"`
	// MaxRetries is how often a message is tried before it goes to the dead-letter queue. Default: 10.
	MaxRetries int `beanpole:"maxRetries"`
}

// LogsConfig is what becomes of the logs.
type LogsConfig struct {
	// DisableStreaming keeps the logs on the instances, with which they end. Default: false.
	DisableStreaming bool `beanpole:"disableStreaming"`
	// RetentionInDays is how long CloudWatch keeps the logs of the instances. Default: 30.
	RetentionInDays int `beanpole:"retentionInDays"`
	// DeleteOnTerminate deletes the streamed logs with the environment. Default: false.
	DeleteOnTerminate bool `beanpole:"deleteOnTerminate"`
	// DisablePublication keeps rotated logs out of Elastic Beanstalk's bucket. Default: false.
	DisablePublication bool `beanpole:"disablePublication"`
}

// NotificationsConfig is who hears of it: of Elastic Beanstalk's events, and when the site has no healthy instance.
type NotificationsConfig struct {
	// Email is an address that hears of Elastic Beanstalk's events and of a site without a healthy instance, and has to confirm
	// it. Default: nobody.
	Email string `beanpole:"email"`
	// TopicARN is a topic of your own instead. Its policy has to let cloudwatch.amazonaws.com publish to it. Default: none.
	TopicARN string `beanpole:"topicArn"`
}

// RolesConfig is what the roles have besides what they need.
type RolesConfig struct {
	// PermissionsBoundaryARN is the managed policy that bounds the roles of instances and of Elastic Beanstalk. Default: none.
	PermissionsBoundaryARN string `beanpole:"permissionsBoundaryArn"`
	// InstanceManagedPolicyARNs are managed policies that the instances have besides. Default: none.
	InstanceManagedPolicyARNs []string `beanpole:"instanceManagedPolicyArns"`
	// SessionManager lets those with the right to it open a shell on an instance, by AWS Systems Manager. Default: false.
	SessionManager bool `beanpole:"sessionManager"`
}

var (
	accountID      = regexp.MustCompile(`^\d{12}$`)
	wholeSecretARN = regexp.MustCompile(`^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[^:]+-[A-Za-z0-9]{6}$`)
	acmARN         = regexp.MustCompile(`^arn:aws[a-z-]*:acm:([a-z0-9-]+):\d{12}:certificate/.+$`)
	iamARN         = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:server-certificate/.+$`)
	policyARN      = regexp.MustCompile(`^arn:aws[a-z-]*:iam::(\d{12}|aws):policy/.+$`)
	topicARN       = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+$`)
	keyARN         = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/.+$`)
	emailAddress   = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)
	regionName     = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
	domainName     = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$`)
)

func (e EnvironmentConfig) validate(problem reporter) {
	switch {
	case (e.Account == "") != (e.Region == ""):
		problem("account", "account and region go together; give both, or neither to deploy where the credentials point")
	case e.Account != "":
		if !accountID.MatchString(e.Account) {
			problem("account", "%q is not an account id; it has 12 digits", e.Account)
		}
		if !regionName.MatchString(e.Region) {
			problem("region", "%q is not a region; write it as in \"eu-central-1\"", e.Region)
		}
	}
	e.validateKind(problem)
	for i, domain := range e.Domains {
		if !domainName.MatchString(domain) {
			problem(fmt.Sprintf("domains[%d]", i), "%q is not a domain name; write it in lower case as in \"www.example.com\", without scheme, port or path", domain)
		}
		if slices.Contains(e.Domains[:i], domain) {
			problem(fmt.Sprintf("domains[%d]", i), "%q is there twice: remove one", domain)
		}
	}
	if n := len(e.Domains); n > mostDomains {
		problem("domains", "%d are too many: the band of an environment's rule priorities has room for %d", n, mostDomains)
	}
	e.validateProcesses(problem)
	if e.CertificateARN != "" {
		if len(e.Domains) == 0 {
			problem("certificateArn", "a certificate is for a domain; name the domains that it is for in domains, or remove it")
		}
		acm := acmARN.FindStringSubmatch(e.CertificateARN)
		switch {
		case acm == nil && !iamARN.MatchString(e.CertificateARN):
			problem("certificateArn", "%q is not the ARN of a certificate; give that of one in AWS Certificate Manager, as in %q, or in IAM",
				e.CertificateARN, "arn:aws:acm:eu-central-1:123456789012:certificate/…")
		case acm != nil && e.Region != "" && acm[1] != e.Region:
			problem("certificateArn", "the certificate is in %s, but the load balancer in %s; a load balancer takes certificates of its own region", acm[1], e.Region)
		}
	}
	if zone := e.HostedZone; zone != nil {
		if zone.ID == "" || zone.Name == "" {
			problem("hostedZone", `both id and name are needed, as in {"id": "Z0123456789ABCDEFGHIJ", "name": "example.com"}`)
		}
		if zone.ID != "" && !zoneID.MatchString(zone.ID) {
			problem("hostedZone.id", "%q is not the id of a hosted zone, which is Z and capital letters and digits, as in \"Z0123456789ABCDEFGHIJ\"", zone.ID)
		}
		if len(e.Domains) == 0 {
			problem("hostedZone", "a hosted zone is for the records of domains; name them in domains, or remove it")
		}
		for _, domain := range e.Domains {
			if zone.Name != "" && domain != zone.Name && !strings.HasSuffix(domain, "."+zone.Name) {
				problem("hostedZone", "the domain %q is not in the zone %q", domain, zone.Name)
			}
		}
	}
	if p := e.RulePriority; p != 0 && (p < 100 || p > 9900 || p%100 != 0) {
		problem("rulePriority", "%d does not begin a band; give 100, 200, … 9900", p)
	}
	for _, seconds := range []struct {
		key   string
		value int
	}{{"healthCheck.interval", e.HealthCheck.Interval}, {"healthCheck.timeout", e.HealthCheck.Timeout}} {
		if seconds.value < 0 {
			problem(seconds.key, "%d is not a number of seconds", seconds.value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Capacity.ScheduledActions)) {
		action := e.Capacity.ScheduledActions[name]
		for _, at := range []struct{ key, value string }{{"startTime", action.StartTime}, {"endTime", action.EndTime}} {
			if _, err := time.Parse(time.RFC3339, at.value); at.value != "" && err != nil {
				problem("capacity.scheduledActions."+name+"."+at.key, "%q is not a time; write it as in \"2027-01-31T08:00:00Z\"", at.value)
			}
		}
	}
	e.validateARNs(problem)
}

// validateKind refuses what needs a load balancer where there is none.
func (e EnvironmentConfig) validateKind(problem reporter) {
	if e.balanced() {
		return
	}
	kind := "a worker"
	if !e.worker() {
		kind = "a single instance"
		if len(e.Domains) == 0 && e.CNAMEPrefix == "" {
			problem("cnamePrefix", "is missing, and so are domains; a single instance is reached by the one or the other, which Django has to know")
		}
	}
	for _, set := range []struct {
		key string
		is  bool
	}{
		{"domains", e.worker() && len(e.Domains) > 0},
		{"hostedZone", e.worker() && e.HostedZone != nil},
		{"certificateArn", e.CertificateARN != ""},
		{"rulePriority", e.RulePriority != 0},
		{"healthCheck", e.HealthCheck != HealthCheckConfig{}},
		{"processes", len(e.Processes) > 0},
	} {
		if set.is {
			problem(set.key, "is for a load balancer, and %s has none; remove it", kind)
		}
	}
}

// validateWorkers checks that what an environment sends to are workers that it can.
func (c Config) validateWorkers(id string, problem reporter) {
	e := c.Environments[id]
	if e.worker() && len(e.Workers) > 0 {
		problem("workers", "is for a web server; remove it")
	}
	for i, name := range e.Workers {
		at := fmt.Sprintf("workers[%d]", i)
		worker, there := c.Environments[name]
		switch {
		case !there || !worker.worker():
			problem(at, "there is no worker environment %q; give the name of one that has the tier \"Worker\"", name)
		case worker.Account != e.Account || worker.Region != e.Region:
			problem(at, "%s is in another account or region; a web server sends to the queues of its own", name)
		case slices.Contains(e.Workers[:i], name):
			problem(at, "%q is there twice: remove one", name)
		}
		if _, twice := e.Variables[queueVariable(name)]; twice {
			problem("variables."+queueVariable(name), "is the queue of %s; remove it, or use another name", name)
		}
	}
}

// queueVariable is the variable that holds the URL of a worker's queue.
func queueVariable(worker string) string {
	return strings.ToUpper(strings.ReplaceAll(worker, "-", "_")) + "_QUEUE_URL"
}

func (e EnvironmentConfig) validateARNs(problem reporter) {
	for _, arn := range []struct {
		key, value, what, example string
		pattern                   *regexp.Regexp
	}{
		{"roles.permissionsBoundaryArn", e.Roles.PermissionsBoundaryARN, "a managed policy", "arn:aws:iam::123456789012:policy/boundary", policyARN},
		{"notifications.topicArn", e.Notifications.TopicARN, "a standard SNS topic", "arn:aws:sns:eu-central-1:123456789012:alarms", topicARN},
		{"secretKeyArn", e.SecretKeyARN, "a secret", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:django-AbCdEf", wholeSecretARN},
		{"secretsKmsKeyArn", e.SecretsKMSKeyARN, "a KMS key", "arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef", keyARN},
	} {
		if arn.value != "" && !arn.pattern.MatchString(arn.value) {
			problem(arn.key, "%q is not the ARN of %s; write it as in %q", arn.value, arn.what, arn.example)
		}
	}
	for i, arn := range e.Roles.InstanceManagedPolicyARNs {
		if !policyARN.MatchString(arn) {
			problem(fmt.Sprintf("roles.instanceManagedPolicyArns[%d]", i), "%q is not the ARN of a managed policy; write it as in \"arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy\"", arn)
		}
	}
	if n := e.Notifications; n.Email != "" {
		if !emailAddress.MatchString(n.Email) {
			problem("notifications.email", "%q is not an e-mail address", n.Email)
		}
		if n.TopicARN != "" {
			problem("notifications.email", "topicArn is given too; subscribe the address to that topic, or give one of the two")
		}
	}
	if e.SecretsKMSKeyARN != "" && len(e.Secrets) == 0 && e.SecretKeyARN == "" {
		problem("secretsKmsKeyArn", "has no effect without secrets or secretKeyArn; remove it")
	}
}

const (
	defaultProcess = "default"
	defaultPort    = 80
	// valuesInRule is how many hosts and paths one listener rule may name.
	//
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
	valuesInRule = 5
	// priorityBand is how many rule priorities an environment has. The rules of further processes are in the first half; those
	// of the default process are in the second half, because they take all paths, and priorityStep apart, so that a rule of
	// somebody's own can come before.
	priorityBand = 100
	defaultRules = priorityBand / 2
	priorityStep = 5
	mostDomains  = (priorityBand - defaultRules) / priorityStep * valuesInRule
)

// furtherProcesses are the names of the processes besides the default one.
func (e EnvironmentConfig) furtherProcesses() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(e.Processes)), func(name string) bool { return name == defaultProcess })
}

func (e EnvironmentConfig) validateProcesses(problem reporter) {
	known, taken := map[string]string{}, map[int]string{}
	for _, name := range append([]string{defaultProcess}, e.furtherProcesses()...) {
		process := e.Processes[name]
		key := "processes." + name
		path := cmp.Or(process.HealthCheck.Path, health.DefaultPath)
		if name == defaultProcess {
			path = cmp.Or(e.HealthCheck.Path, health.DefaultPath)
			if len(process.Paths) > 0 {
				problem(key+".paths", "the default process has every path that no other has; remove it")
			}
			if process.HealthCheck != (HealthCheckConfig{}) {
				problem(key+".healthCheck", "is the healthCheck beside processes; move it there")
			}
			if process.RulePriority != 0 {
				problem(key+".rulePriority", "is for further processes, whose rules come before those of the default one; remove it")
			}
		} else {
			switch n := len(process.Paths); {
			case n == 0:
				problem(key+".paths", "is missing; give the paths that are for it, as in \"/api/*\"")
			case n >= valuesInRule:
				problem(key+".paths", "%d are too many; a rule has room for %d beside a host", n, valuesInRule-1)
			default:
				rules := (max(len(e.Domains), 1) + valuesInRule - n - 1) / (valuesInRule - n)
				e.validatePriority(name, rules, taken, problem)
			}
			for i, p := range process.Paths {
				if !pathPattern.MatchString(p) {
					problem(fmt.Sprintf("%s.paths[%d]", key, i), "%q is not a path; write it as in \"/api/*\", up to 128 characters", p)
				}
			}
		}
		mark := fmt.Sprintf("port %d and health check %s", cmp.Or(process.Port, defaultPort), path)
		if other, twice := known[mark]; twice {
			problem(key, "has the %s of %s, and Elastic Beanstalk's target groups are told apart by them; give it another port or healthCheck.path", mark, other)
		}
		known[mark] = name
	}
}

// validatePriority checks that the rules of a process are in the first half of the band, and each in a place of its own.
func (e EnvironmentConfig) validatePriority(name string, rules int, taken map[int]string, problem reporter) {
	first := e.Processes[name].rulePriority()
	last := first + rules - 1
	key := "processes." + name + ".rulePriority"
	if first < 1 || last >= defaultRules {
		problem(key, "%d is not allowed, with %d rules for its paths and the domains; they have room from 1 to %d", first, rules, defaultRules-1)
		return
	}
	for place := first; place <= last; place++ {
		if other, is := taken[place]; is {
			problem(key, "the rules of %s are at %d to %d of the environment's band, and one of %s is at %d too; give one of the two another rulePriority, "+
				"with room for its rules up to %d", name, first, last, other, place, defaultRules-1)
			return
		}
	}
	for place := first; place <= last; place++ {
		taken[place] = name
	}
}

var pathPattern = regexp.MustCompile(`^[/*][A-Za-z0-9_.$/~"'@:+*?&-]{0,127}$`)

func (e EnvironmentConfig) network(id string) string { return cmp.Or(e.Network, id) }

func (e EnvironmentConfig) rulePriority() int { return cmp.Or(e.RulePriority, 100) }

func (p ProcessConfig) rulePriority() int { return cmp.Or(p.RulePriority, 1) }

func (e EnvironmentConfig) worker() bool { return e.Tier == string(option.Worker) }

func (e EnvironmentConfig) single() bool {
	return e.EnvironmentType == string(elasticbeanstalk.SingleInstance)
}

// balanced says whether the environment has a load balancer.
func (e EnvironmentConfig) balanced() bool { return !e.worker() && !e.single() }

// certified says whether the environment brings a certificate.
func (e EnvironmentConfig) certified() bool {
	return e.balanced() && (e.CertificateARN != "" || e.HostedZone != nil)
}

// ports are those of its processes.
func (e EnvironmentConfig) ports() []int {
	ports := []int{cmp.Or(e.Processes[defaultProcess].Port, defaultPort)}
	for name, process := range e.Processes {
		if name != defaultProcess {
			ports = append(ports, cmp.Or(process.Port, defaultPort))
		}
	}
	return ports
}

// https says whether clients reach an environment by HTTPS.
func (c Config) https(id string) bool {
	e := c.Environments[id]
	if existing := c.Networks[e.network(id)].LoadBalancer.Existing; existing != nil {
		return e.balanced() && existing.HTTPSListenerARN != "" && len(e.Domains) > 0
	}
	return e.certified()
}

// seconds is a number of seconds as a time.
func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

func secondsOrNil(n *int) *time.Duration {
	if n == nil {
		return nil
	}
	d := seconds(*n)
	return &d
}

// moment is a time of the configuration, which Validate has looked at.
func moment(text string) time.Time {
	t, _ := time.Parse(time.RFC3339, text)
	return t
}
