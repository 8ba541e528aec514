package option

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"example.com/beanpole-cdk/internal/suggest"
)

// rules checks what options say together. Each rule names the setting that must change.
func (c *checker) rules() {
	c.sizes()
	c.scheduledActions()
	c.triggers()
	c.updates()
	c.deployments()
	c.spot()
	c.architectures()
	c.rootVolume()
	c.network()
	c.properties()
	c.processes()
	c.sharedLoadBalancer()
	c.listeners()
	c.listenerRules()
	c.classic()
	c.health()
	c.managedUpdates()
	c.activeDirectory()
}

func (c *checker) sizes() {
	least, ok := c.number(asg, "MinSize", 1)
	most, known := c.number(asg, "MaxSize", 4)
	if !ok || !known || least <= most {
		return
	}
	if i := c.index(asg, "MinSize", "MaxSize"); i >= 0 {
		c.report(i, Error, "min-above-max", "", "MinSize %d is greater than MaxSize %d%s", least, most, c.byDefault(asg, "MinSize", "MaxSize"))
	}
}

// byDefault says which of several values in a message is Beanstalk's default.
func (c *checker) byDefault(namespace string, names ...string) string {
	for _, name := range names {
		if c.index(namespace, name) < 0 {
			return fmt.Sprintf(" (%s is not set, so Beanstalk's default counts)", name)
		}
	}
	return ""
}

func (c *checker) scheduledActions() {
	var actions []string
	for i := range c.settings {
		s := &c.settings[i]
		if s.Namespace != ScheduledAction {
			continue
		}
		if strings.TrimSpace(s.ResourceName) == "" {
			if !slices.Contains(actions, "") {
				actions = append(actions, "")
				c.report(i, Error, "scheduled-action", "", "a scheduled action needs a name, which is the ResourceName of all its options")
			}
			continue
		}
		if !slices.Contains(actions, s.ResourceName) {
			actions = append(actions, s.ResourceName)
			c.scheduledAction(i)
		}
	}
}

func (c *checker) scheduledAction(first int) {
	action := c.settings[first].ResourceName
	value := func(name string) (string, state, int) {
		id := key{ScheduledAction, action, name}
		i, ok := c.at[id]
		switch {
		case ok:
			v, s := c.valueAt(i)
			return v, s, i
		case c.meant[id]:
			return "", unresolved, -1
		}
		return "", absent, -1
	}
	if !c.in.Partial {
		for _, name := range []string{"MinSize", "MaxSize"} {
			if _, s, _ := value(name); s == absent {
				c.report(first, Error, "scheduled-action", "", "a scheduled action needs %s", name)
			}
		}
		_, start, _ := value("StartTime")
		_, recurrence, _ := value("Recurrence")
		if start == absent && recurrence == absent {
			c.report(first, Error, "scheduled-action", "", "a scheduled action needs StartTime or Recurrence")
		}
	}
	size := func(name string) (n, i int, ok bool) {
		v, s, i := value(name)
		n, err := strconv.Atoi(v)
		return n, i, s == given && err == nil
	}
	least, i, ok := size("MinSize")
	most, _, known := size("MaxSize")
	if ok && known && least > most {
		c.report(i, Error, "min-above-max", "", "MinSize %d is greater than MaxSize %d", least, most)
	}
	desired, i, set := size("DesiredCapacity")
	if set && (ok && desired < least || known && desired > most) {
		c.report(i, Error, "min-above-max", "", "DesiredCapacity %d is not between MinSize and MaxSize", desired)
	}
}

func (c *checker) triggers() {
	i := c.index(trigger, "EvaluationPeriods", "Period")
	periods, ok := c.number(trigger, "EvaluationPeriods", 1)
	period, known := c.number(trigger, "Period", 5)
	// A product of one option's range alone is reported by that range.
	if i >= 0 && ok && known && periods >= 1 && period >= 1 && period <= 600 && periods <= 600 && periods*period > 600 {
		c.report(i, Error, "trigger-duration", "", "EvaluationPeriods %d × Period %d is %d minutes, and the greatest BreachDuration is 600%s",
			periods, period, periods*period, c.byDefault(trigger, "EvaluationPeriods", "Period"))
	}
	low, lowOK := c.number(trigger, "LowerThreshold", 2000000)
	high, highOK := c.number(trigger, "UpperThreshold", 6000000)
	if i := c.index(trigger, "UpperThreshold", "LowerThreshold"); i >= 0 && lowOK && highOK && high < low {
		c.report(i, Warning, "trigger-thresholds", "", "UpperThreshold %d is below LowerThreshold %d%s: the group would grow and shrink at once",
			high, low, c.byDefault(trigger, "UpperThreshold", "LowerThreshold"))
	}
	if measure, s := c.value(trigger, "MeasureName"); s == given && c.balancer.shared {
		for _, metric := range []string{"HealthyHostCount", "UnhealthyHostCount", "TargetResponseTime"} {
			if strings.EqualFold(measure, metric) {
				c.report(c.index(trigger, "MeasureName"), Warning, "shared-load-balancer", "", "%s is not measured for a shared load balancer", metric)
			}
		}
	}
}

func (c *checker) updates() {
	rolling := c.is(rollingUpdate, "RollingUpdateEnabled", "true")
	most, known := c.number(asg, "MaxSize", 4)
	kept, ok := 0, false
	if i := c.index(rollingUpdate, "MinInstancesInService"); i >= 0 {
		kept, ok = c.number(rollingUpdate, "MinInstancesInService", 0)
		if ok && known && rolling && kept >= most {
			c.report(i, Error, "rolling-update", "", "MinInstancesInService %d must be less than MaxSize %d%s", kept, most, c.byDefault(asg, "MaxSize"))
		}
	}
	if i := c.index(rollingUpdate, "MaxBatchSize"); i >= 0 {
		if batch, ok := c.number(rollingUpdate, "MaxBatchSize", 1); ok && known && batch > most {
			c.report(i, Warning, "rolling-update", "", "MaxBatchSize %d is greater than MaxSize %d%s", batch, most, c.byDefault(asg, "MaxSize"))
		}
	}
	if c.single && rolling {
		if kind, s := c.value(rollingUpdate, "RollingUpdateType"); s == absent && !c.in.Partial || s == given && !strings.EqualFold(kind, "Immutable") {
			c.report(c.index(rollingUpdate, "RollingUpdateEnabled"), Warning, "single-instance", "", "a single instance is not updated in batches; only RollingUpdateType Immutable applies")
		}
	}
	if kind, s := c.value(rollingUpdate, "RollingUpdateType"); s == given && !rolling && !strings.EqualFold(kind, "Time") && c.index(rollingUpdate, "RollingUpdateEnabled") >= 0 &&
		c.is(rollingUpdate, "RollingUpdateEnabled", "false") {
		c.report(c.index(rollingUpdate, "RollingUpdateType"), Warning, "no-effect", "", "the option has no effect while RollingUpdateEnabled is false")
	}
}

func (c *checker) deployments() {
	policy, s := c.value(command, "DeploymentPolicy")
	i := c.index(command, "DeploymentPolicy")
	if s == given {
		immutable := strings.EqualFold(policy, "Immutable")
		splitting := strings.EqualFold(policy, "TrafficSplitting")
		switch {
		case splitting && c.single:
			c.report(i, Error, "traffic-splitting", "", "TrafficSplitting needs an application load balancer, and a single instance has none")
		case splitting && c.in.Tier == Worker:
			c.report(i, Error, "traffic-splitting", "", "TrafficSplitting needs an application load balancer, and the worker tier has none")
		case splitting && c.balancer.kind != "" && c.balancer.kind != Application:
			c.report(i, Error, "traffic-splitting", "", "TrafficSplitting needs LoadBalancerType application, and it is %s%s", c.balancer.kind, c.assumed())
		case splitting && c.is(healthReporting, "SystemType", "basic"):
			c.report(i, Error, "traffic-splitting", "", "TrafficSplitting needs %s SystemType enhanced", healthReporting)
		case c.single && (strings.EqualFold(policy, "Rolling") || strings.EqualFold(policy, "RollingWithAdditionalBatch")):
			c.report(i, Warning, "single-instance", "", "a single instance has no batches for %s", policy)
		}
		if update, s := c.value(rollingUpdate, "RollingUpdateType"); (immutable || splitting) && s == given && !strings.EqualFold(update, "Immutable") &&
			c.is(rollingUpdate, "RollingUpdateEnabled", "true") {
			c.report(c.index(rollingUpdate, "RollingUpdateType"), Warning, "immutable-updates", "Immutable",
				"DeploymentPolicy is %s, but configuration updates are by %s: one deployment that changes the version and what needs new instances fails; "+
					"AWS advises immutable for both", policy, update)
		} else if strings.HasPrefix(strings.ToLower(policy), "rolling") && s == given && strings.EqualFold(update, "Immutable") &&
			!c.is(rollingUpdate, "RollingUpdateEnabled", "false") {
			c.report(i, Warning, "immutable-updates", "Immutable",
				"configuration updates are immutable, but DeploymentPolicy is %s: one deployment that changes the version and what needs new instances fails; "+
					"Beanstalk then asks for Immutable for both", policy)
		}
	}
	size, ok := c.number(command, "BatchSize", 100)
	if i := c.index(command, "BatchSize"); i >= 0 && ok && size > 100 && size <= 10000 {
		kind, s := c.value(command, "BatchSizeType")
		switch {
		case s == given && strings.EqualFold(kind, "Percentage"):
			c.report(i, Error, "batch-size", "", "BatchSize %d is more than 100 percent", size)
		case s == absent && !c.in.Partial:
			c.report(i, Warning, "batch-size", "", "BatchSize %d is more than 100, and BatchSizeType, which is not set, is Percentage by default", size)
		}
	}
	if i := c.index(command, "BatchSize"); i >= 0 && ok && c.is(command, "BatchSizeType", "Fixed") {
		if most, known := c.number(asg, "MaxSize", 4); known && size > most && size <= 10000 {
			c.report(i, Warning, "batch-size", "", "BatchSize %d is greater than MaxSize %d%s", size, most, c.byDefault(asg, "MaxSize"))
		}
	}
}

func (c *checker) assumed() string {
	if c.balancer.assumed {
		return " by default"
	}
	return ""
}

func (c *checker) spot() {
	if i := c.index(instances, "SpotFleetOnDemandBase"); i >= 0 { // whether EnableSpot is true or not
		base, ok := c.number(instances, "SpotFleetOnDemandBase", 0)
		most, known := c.number(asg, "MaxSize", 4)
		if ok && known && base > most {
			c.report(i, Error, "spot-base", "", "SpotFleetOnDemandBase %d is greater than MaxSize %d%s", base, most, c.byDefault(asg, "MaxSize"))
		}
	}
	old, s := c.value(launchConfiguration, "InstanceType")
	types, t := c.value(instances, "InstanceTypes")
	if list := split(types); s == given && t == given && len(list) > 0 && list[0] != old {
		c.report(c.index(launchConfiguration, "InstanceType"), Warning, "no-effect", "", "the option has no effect: %s InstanceTypes comes first", instances)
	}
}

func (c *checker) rootVolume() {
	kind, s := c.value(launchConfiguration, "RootVolumeType")
	if s != given {
		return
	}
	if i := c.index(launchConfiguration, "RootVolumeIOPS"); i >= 0 {
		iops, ok := c.number(launchConfiguration, "RootVolumeIOPS", 0)
		switch {
		case kind == "gp3" && ok && iops >= 100 && iops <= 20000 && (iops < 3000 || iops > 16000):
			c.report(i, Error, "root-volume", "", "RootVolumeIOPS %d is out of range for gp3; allowed: 3000 to 16000", iops)
		case kind == "gp2" || kind == "standard":
			c.report(i, Warning, "root-volume", "", "the option has no effect on a %s volume", kind)
		}
	}
	if i := c.index(launchConfiguration, "RootVolumeThroughput"); i >= 0 && kind != "gp3" {
		c.report(i, Warning, "root-volume", "", "the option has no effect on a %s volume; only gp3 has a throughput", kind)
	}
	if size, ok := c.number(launchConfiguration, "RootVolumeSize", 0); kind == "standard" && ok && size > 1024 && size <= 16384 {
		c.report(c.index(launchConfiguration, "RootVolumeSize"), Error, "root-volume", "", "RootVolumeSize %d is out of range for standard; allowed: 8 to 1024", size)
	}
	if kind == "io1" && c.missing(launchConfiguration, "RootVolumeSize") {
		c.report(c.index(launchConfiguration, "RootVolumeType"), Warning, "root-volume", "", "io1 needs RootVolumeSize")
	}
}

func (c *checker) network() {
	if i := c.index(vpc, "VPCId"); i >= 0 {
		if _, s := c.valueAt(i); s != absent && c.missing(vpc, "Subnets") {
			c.report(i, Error, "vpc-subnets", "", "VPCId needs %s Subnets, the subnets of the instances", vpc)
		}
	} else if i := c.index(vpc, "Subnets", "ELBSubnets"); i >= 0 && !c.in.Partial {
		if _, s := c.valueAt(i); s != absent {
			c.report(i, Warning, "vpc-subnets", "", "subnets are given without their VPCId")
		}
	}
	if subnets, s := c.value(vpc, "ELBSubnets"); s == given && c.balancer.kind == Application && !c.balancer.assumed && !c.balancer.shared && !c.single {
		if list := split(subnets); len(list) == 1 {
			c.report(c.index(vpc, "ELBSubnets"), Warning, "load-balancer-subnets", "", "an application load balancer needs subnets in two Availability Zones")
		}
	}
	if !c.is(launchConfiguration, "DisableDefaultEC2SecurityGroup", "true") {
		return
	}
	i := c.index(launchConfiguration, "DisableDefaultEC2SecurityGroup")
	if c.missing(launchConfiguration, "SecurityGroups") {
		c.report(i, Error, "security-groups", "", "without the default security group the instances need %s SecurityGroups", launchConfiguration)
	}
	if c.single {
		return
	}
	where := ""
	switch c.balancer.kind {
	case Application:
		where = loadBalancer
	case Classic:
		where = classicLoadBalancer
	}
	if where != "" && c.missing(where, "SecurityGroups") {
		c.report(i, Warning, "security-groups", "", "without the default security group AWS asks for %s SecurityGroups too", where)
	}
}

// propertiesLimit is how many bytes all environment properties may have as name=value.
const propertiesLimit = 4096

func (c *checker) properties() {
	size, passed := 0, -1
	for i := range c.settings {
		s := &c.settings[i]
		if s.Namespace != environmentProperties || c.at[s.identity()] != i {
			continue
		}
		size += len(s.OptionName) + len("=")
		if s.resolved() {
			size += len(s.Value)
		}
		if size > propertiesLimit && passed < 0 {
			passed = i
		}
		if j, twice := c.at[key{environmentSecrets, "", s.OptionName}]; twice {
			c.report(j, Warning, "environment-name", "", "%s is an environment property and a secret; it is not documented which of them the application gets", s.OptionName)
		}
	}
	if passed >= 0 {
		c.report(passed, Error, "environment-size", "", "all environment properties together have %d bytes as name=value, and %d is the most; the limit is passed here",
			size, propertiesLimit)
	}
}

// processes checks the processes: each is a target group of the load balancer.
func (c *checker) processes() {
	for _, namespace := range c.order {
		if !strings.HasPrefix(namespace, process) {
			continue
		}
		if i := c.index(namespace, "HealthCheckTimeout", "HealthCheckInterval"); i >= 0 && c.balancer.kind != Classic && !c.single {
			timeout, ok := c.number(namespace, "HealthCheckTimeout", 5)
			interval, known := c.number(namespace, "HealthCheckInterval", 15)
			_, both := c.value(namespace, "HealthCheckInterval")
			_, first := c.value(namespace, "HealthCheckTimeout")
			if ok && known && timeout >= interval {
				level := Error
				if timeout == interval || both == absent || first == absent {
					level = Warning // Beanstalk itself takes it in a configuration; the load balancer refuses
				}
				c.report(i, level, "health-check-timeout", "", "HealthCheckTimeout %d must be less than HealthCheckInterval %d%s, or the load balancer refuses the health check",
					timeout, interval, c.byDefault(namespace, "HealthCheckTimeout", "HealthCheckInterval"))
			} else if ok && timeout == 1 && c.balancer.kind == Application {
				c.report(i, Warning, "health-check-timeout", "", "an application load balancer's least timeout is 2 seconds")
			}
		}
		if c.balancer.kind == Network {
			i := c.index(namespace, "Protocol")
			if protocol, s := c.value(namespace, "Protocol"); s == given && (strings.EqualFold(protocol, "HTTP") || strings.EqualFold(protocol, "HTTPS")) {
				c.report(i, Error, "network-protocol", "TCP", "%s is not possible with a network load balancer; allowed: TCP", protocol)
			}
			i = c.index(namespace, "HealthCheckInterval")
			if interval, ok := c.number(namespace, "HealthCheckInterval", 30); i >= 0 && ok && interval != 10 && interval != 30 {
				c.report(i, Warning, "network-interval", "", "AWS documents the intervals 10 and 30 only for a network load balancer")
			}
		}
		if protocol, s := c.value(namespace, "Protocol"); s == given && c.balancer.kind == Application && strings.EqualFold(protocol, "TCP") {
			c.report(c.index(namespace, "Protocol"), Warning, "application-protocol", "HTTP", "an application load balancer speaks HTTP and HTTPS")
		}
	}
}

func (c *checker) sharedLoadBalancer() {
	i := c.index(environment, "LoadBalancerIsShared")
	shared := c.is(environment, "LoadBalancerIsShared", "true")
	if shared {
		switch {
		case c.single:
			c.report(i, Error, "shared-load-balancer", "", "with EnvironmentType SingleInstance there is no load balancer to share")
		case c.balancer.kind != "" && c.balancer.kind != Application:
			c.report(i, Error, "shared-load-balancer", "", "only an application load balancer can be shared, and LoadBalancerType is %s%s", c.balancer.kind, c.assumed())
		}
		if c.missing(loadBalancer, "SharedLoadBalancer") {
			c.report(i, Error, "shared-load-balancer", "", "a shared load balancer needs %s SharedLoadBalancer, its ARN", loadBalancer)
		}
	}
	j := c.index(loadBalancer, "SharedLoadBalancer")
	if j < 0 {
		return
	}
	arn, s := c.valueAt(j)
	if _, state := c.value(environment, "LoadBalancerIsShared"); s != absent && !shared && state != unresolved && !c.balancer.shared && (state == given || !c.in.Partial) {
		c.report(j, Warning, "shared-load-balancer", "", "Beanstalk makes a load balancer of its own unless %s LoadBalancerIsShared is true", environment)
	}
	if s != given || !isARN(arn, []string{"elasticloadbalancing"}) {
		return
	}
	switch _, name, _ := strings.Cut(arn, ":loadbalancer/"); {
	case strings.HasPrefix(name, "app/awseb-"):
		c.report(j, Error, "shared-load-balancer", "", "Beanstalk made the load balancer for another environment; only one of your own can be shared")
	case !strings.HasPrefix(name, "app/"):
		c.report(j, Error, "shared-load-balancer", "", "only an application load balancer can be shared (…:loadbalancer/app/…)")
	}
}

// listeners checks the listeners of application and network load balancers.
func (c *checker) listeners() {
	for _, namespace := range c.order {
		if !strings.HasPrefix(namespace, listener) {
			continue
		}
		if c.single || c.balancer.shared || c.is(namespace, "ListenerEnabled", "false") {
			continue
		}
		protocol, s := c.value(namespace, "Protocol")
		i := c.index(namespace, "Protocol")
		secure := strings.EqualFold(protocol, "HTTPS") || strings.EqualFold(protocol, "TLS")
		v2 := c.balancer.kind == Application || c.balancer.kind == Network
		if _, certificates := c.value(namespace, "SSLCertificateArns"); v2 && certificates != absent && !secure && (s == given || c.missing(namespace, "Protocol")) {
			c.report(c.index(namespace, "SSLCertificateArns"), Warning, "listener-certificate", "",
				"a certificate is for a listener whose Protocol is HTTPS or TLS, and it is neither%s", c.byDefault(namespace, "Protocol"))
		}
		if s != given {
			continue
		}
		switch {
		case c.balancer.kind == Network && (strings.EqualFold(protocol, "HTTP") || strings.EqualFold(protocol, "HTTPS")):
			c.report(i, Error, "network-protocol", map[bool]string{false: "TCP", true: "TLS"}[secure], "%s is not possible with a network load balancer; allowed: TCP, TLS", protocol)
		case c.balancer.kind == Application && (strings.EqualFold(protocol, "TCP") || strings.EqualFold(protocol, "TLS")):
			c.report(i, Warning, "application-protocol", map[bool]string{false: "HTTP", true: "HTTPS"}[secure], "an application load balancer speaks HTTP and HTTPS")
		case secure && v2 && c.missing(namespace, "SSLCertificateArns"):
			c.report(i, Error, "listener-certificate", "", "a listener for %s needs SSLCertificateArns", protocol)
		}
	}
	if i := c.index(loadBalancer, "IpAddressType"); i >= 0 {
		if _, s := c.valueAt(i); s != absent && (c.single || c.balancer.kind == Classic && !c.balancer.shared) {
			what := "LoadBalancerType is classic" + c.assumed()
			if c.single {
				what = "EnvironmentType is SingleInstance"
			}
			c.report(i, Error, "ip-address-type", "", "IpAddressType needs an application or network load balancer, and %s", what)
		}
	}
}

// listenerRules checks the rules and that listeners, rules and processes know one another.
func (c *checker) listenerRules() {
	rules := map[string]bool{"default": true} // Beanstalk's own
	processes := map[string]bool{"default": true}
	var rulesKnown, processesKnown []string
	for _, namespace := range c.order {
		if name, ok := strings.CutPrefix(namespace, listenerRule); ok && name != "" {
			rules[name] = true
			rulesKnown = append(rulesKnown, name)
		}
		if name, ok := strings.CutPrefix(namespace, process); ok && name != "" {
			processes[name] = true
			processesKnown = append(processesKnown, name)
		}
	}
	used := map[string]bool{}
	certain := !c.in.Partial
	for _, namespace := range c.order {
		if !strings.HasPrefix(namespace, listener) {
			continue
		}
		if name, s := c.value(namespace, "DefaultProcess"); s == given && certain && !processes[name] {
			c.report(c.index(namespace, "DefaultProcess"), Warning, "process-missing", suggest.Closest(name, processesKnown),
				"no process %q is configured (%s%s)", name, process, name)
		}
		list, s := c.value(namespace, "Rules")
		if s == unresolved {
			certain = false
			continue
		}
		priorities := map[int]string{}
		for _, name := range split(list) {
			used[name] = true
			if !rules[name] {
				if certain {
					c.report(c.index(namespace, "Rules"), Warning, "rule-missing", suggest.Closest(name, rulesKnown),
						"no rule %q is configured (%s%s)", name, listenerRule, name)
				}
				continue
			}
			i := c.index(listenerRule+name, "Priority")
			if i < 0 {
				continue
			}
			priority, ok := c.number(listenerRule+name, "Priority", 1)
			if !ok {
				continue
			}
			if other, taken := priorities[priority]; taken && other != name {
				c.report(i, Error, "rule-priority", "", "the rules %s and %s of one listener have the same priority %d", other, name, priority)
			}
			priorities[priority] = name
		}
	}
	for _, name := range rulesKnown {
		namespace := listenerRule + name
		if target, s := c.value(namespace, "Process"); s == given && !c.in.Partial && !processes[target] {
			c.report(c.index(namespace, "Process"), Warning, "process-missing", suggest.Closest(target, processesKnown),
				"no process %q is configured (%s%s)", target, process, target)
		}
		if certain && !used[name] && c.balancer.kind != Classic && c.balancer.kind != Network && !c.single && (name != "default" || !c.balancer.shared) {
			first := slices.IndexFunc(c.settings, func(s Setting) bool { return s.Namespace == namespace })
			c.report(first, Warning, "rule-unused", "", "the rule has no effect: no listener names it in Rules")
		}
		hosts, h := c.value(namespace, "HostHeaders")
		paths, p := c.value(namespace, "PathPatterns")
		limit := 5
		if c.balancer.shared {
			limit = 4 // Beanstalk adds the environment's CNAME
		}
		if n := len(split(hosts)) + len(split(paths)); h != unresolved && p != unresolved && n > limit {
			c.report(c.index(namespace, "HostHeaders", "PathPatterns"), Warning, "rule-conditions", "", "a rule has at most %d host names and paths together, and this one has %d", limit, n)
		}
	}
}

// classic checks the classic load balancer.
func (c *checker) classic() {
	if c.balancer.kind != Classic || c.single {
		return
	}
	layer := map[string]int{"HTTP": 7, "HTTPS": 7, "TCP": 4, "SSL": 4}
	for _, namespace := range c.order {
		if namespace != classicListener && !strings.HasPrefix(namespace, classicListener+":") {
			continue
		}
		front, s := c.value(namespace, "ListenerProtocol")
		if s != given || c.is(namespace, "ListenerEnabled", "false") {
			continue
		}
		i := c.index(namespace, "InstanceProtocol")
		if back, s := c.value(namespace, "InstanceProtocol"); s == given && layer[front] != 0 && layer[back] != 0 && layer[front] != layer[back] {
			c.report(i, Error, "listener-layer", "", "InstanceProtocol %s is not on the layer of ListenerProtocol %s: HTTP and HTTPS go together, TCP and SSL go together", back, front)
		}
		if (front == "HTTPS" || front == "SSL") && c.missing(namespace, "SSLCertificateId") {
			c.report(c.index(namespace, "ListenerProtocol"), Error, "listener-certificate", "", "a listener for %s needs SSLCertificateId", front)
		}
	}
	if i := c.index(classicPolicies, "ConnectionDrainingTimeout"); i >= 0 {
		if _, s := c.valueAt(i); s == given && (c.is(classicPolicies, "ConnectionDrainingEnabled", "false") || c.missing(classicPolicies, "ConnectionDrainingEnabled")) {
			c.report(i, Error, "connection-draining", "", "ConnectionDrainingTimeout needs ConnectionDrainingEnabled true")
		}
	}
	if i := c.index(classicHealthCheck, "Timeout", "Interval"); i >= 0 {
		timeout, ok := c.number(classicHealthCheck, "Timeout", 5)
		interval, known := c.number(classicHealthCheck, "Interval", 10)
		if ok && known && timeout >= interval {
			c.report(i, Warning, "health-check-timeout", "", "Timeout %d must be less than Interval %d%s, or the load balancer refuses the health check",
				timeout, interval, c.byDefault(classicHealthCheck, "Timeout", "Interval"))
		}
	}
}

func (c *checker) health() {
	if c.is(healthLogs, "HealthStreamingEnabled", "true") && c.is(healthReporting, "SystemType", "basic") {
		c.report(c.index(healthLogs, "HealthStreamingEnabled"), Error, "enhanced-health", "", "health streaming needs %s SystemType enhanced", healthReporting)
	}
}

func (c *checker) managedUpdates() {
	if !c.is(managedActions, "ManagedActionsEnabled", "true") {
		return
	}
	i := c.index(managedActions, "ManagedActionsEnabled")
	if c.missing(managedActions, "PreferredStartTime") {
		c.report(i, Error, "managed-updates", "", "managed updates need PreferredStartTime, such as Tue:09:00")
	}
	if c.missing(platformUpdate, "UpdateLevel") {
		c.report(i, Error, "managed-updates", "", "managed updates need %s UpdateLevel", platformUpdate)
	}
	if c.is(healthReporting, "SystemType", "basic") {
		c.report(i, Error, "managed-updates", "", "managed updates need %s SystemType enhanced", healthReporting)
	}
	// The monitoring role is not the one for managed updates, which has a service-linked role of its own.
	for _, o := range []struct{ namespace, name string }{{environment, "ServiceRole"}, {managedActions, "ServiceRoleForManagedUpdates"}} {
		role, s := c.value(o.namespace, o.name)
		if s == given && role[strings.LastIndexByte(role, '/')+1:] == "AWSServiceRoleForElasticBeanstalk" {
			c.report(c.index(o.namespace, o.name), Warning, "managed-updates", "", "managed updates cannot use the service-linked role for monitoring; "+
				"give a service role of your own, or AWSServiceRoleForElasticBeanstalkManagedUpdates as ServiceRoleForManagedUpdates")
		}
	}
}

func (c *checker) activeDirectory() {
	for _, o := range []struct{ name, needs string }{{"DirectoryId", "DirectoryName"}, {"DirectoryName", "DirectoryId"}, {"DirectoryOU", "DirectoryId"}} {
		i := c.index(activeDirectory, o.name)
		if i < 0 || !c.missing(activeDirectory, o.needs) {
			continue
		}
		if _, s := c.valueAt(i); s != absent {
			c.report(i, Error, "active-directory", "", "%s needs %s", o.name, o.needs)
		}
	}
}
