package elasticbeanstalk_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticbeanstalk"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53targets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
	"example.com/beanpole-cdk/internal/template/templatetest"
)

// What somebody brings who comes from cloudposse/terraform-aws-elastic-beanstalk-environment: each of its inputs and outputs
// (testdata/cloudposse.txt), what takes its place here, and what that writes into a template. What has nothing of ours says
// why; there are no more than five of these.

// asked is a value of a template: an option ("namespace name") of an environment, or a property of another resource.
type asked struct {
	of, path, want string
}

var cloudposse = map[string]struct {
	ours   string
	asked  asked
	reason string
}{
	"input region":      {ours: "Env of the stack", asked: asked{"All/Web", "PlatformArn", "arn:${AWS::Partition}:elasticbeanstalk:eu-west-1::platform/Python 3.12 running on 64bit Amazon Linux 2023"}},
	"input description": {ours: "Description", asked: asked{"All/Web", "Description", "The shop"}},
	"input elastic_beanstalk_application_name": {ours: "Application, ApplicationName", asked: asked{"All/Web", "ApplicationName", "shop"}},
	"input environment_type":                   {ours: "EnvironmentType", asked: asked{"All/Single", "aws:elasticbeanstalk:environment EnvironmentType", "SingleInstance"}},
	// Application load balancers alone: classic ones are AWS's past, and a network one has no success codes to answer.
	"input loadbalancer_type":                          {ours: "always: application", asked: asked{"All/Web", "aws:elasticbeanstalk:environment LoadBalancerType", "application"}},
	"input loadbalancer_is_shared":                     {ours: "LoadBalancer.Shared", asked: asked{"All/Behind", "aws:elasticbeanstalk:environment LoadBalancerIsShared", "true"}},
	"input shared_loadbalancer_arn":                    {ours: "LoadBalancer.Shared", asked: asked{"All/Behind", "aws:elbv2:loadbalancer SharedLoadBalancer", "${All/LB}"}},
	"input loadbalancer_crosszone":                     {ours: "CrossZoneEnabled of LoadBalancer.Shared", asked: asked{"All/LB", "LoadBalancerAttributes", `{"Key":"load_balancing.cross_zone.enabled","Value":"true"}`}},
	"input loadbalancer_connection_idle_timeout":       {ours: "LoadBalancer.IdleTimeout", asked: asked{"All/Web", "aws:elbv2:loadbalancer IdleTimeout", "90"}},
	"input dns_zone_id":                                {ours: "a record that points to LoadBalancer()", asked: asked{"All/Alias", "HostedZoneId", "Z0123456789"}},
	"input dns_subdomain":                              {ours: "a record that points to LoadBalancer()", asked: asked{"All/Alias", "Name", "shop.example.com."}},
	"input vpc_id":                                     {ours: "Network.VPC", asked: asked{"All/Web", "aws:ec2:vpc VPCId", "vpc-1"}},
	"input loadbalancer_subnets":                       {ours: "Network.LoadBalancerSubnets", asked: asked{"All/Other", "aws:ec2:vpc ELBSubnets", "subnet-private-a,subnet-private-b"}},
	"input application_subnets":                        {ours: "Network.InstanceSubnets", asked: asked{"All/Other", "aws:ec2:vpc Subnets", "subnet-public-a,subnet-public-b"}},
	"input availability_zone_selector":                 {ours: "Capacity.AvailabilityZones", asked: asked{"All/Web", "aws:autoscaling:asg Availability Zones", "Any 2"}},
	"input instance_type":                              {ours: "Capacity.InstanceTypes", asked: asked{"All/Web", "aws:ec2:instances InstanceTypes", "m7g.large"}},
	"input enable_spot_instances":                      {ours: "Capacity.Spot.EnableSpot", asked: asked{"All/Web", "aws:ec2:instances EnableSpot", "true"}},
	"input spot_fleet_on_demand_base":                  {ours: "Capacity.Spot.OnDemandBase", asked: asked{"All/Web", "aws:ec2:instances SpotFleetOnDemandBase", "1"}},
	"input spot_fleet_on_demand_above_base_percentage": {ours: "Capacity.Spot.OnDemandAboveBasePercentage", asked: asked{"All/Web", "aws:ec2:instances SpotFleetOnDemandAboveBasePercentage", "20"}},
	"input spot_max_price":                             {ours: "Capacity.Spot.MaxPrice", asked: asked{"All/Web", "aws:ec2:instances SpotMaxPrice", "0.05"}},
	"input enhanced_reporting_enabled":                 {ours: "Health.SystemType", asked: asked{"All/Other", "aws:elasticbeanstalk:healthreporting:system SystemType", "basic"}},
	"input managed_actions_enabled":                    {ours: "Platform.DisableManagedUpdates", asked: asked{"All/Other", "aws:elasticbeanstalk:managedactions ManagedActionsEnabled", "false"}},
	"input autoscale_min":                              {ours: "Capacity.MinSize", asked: asked{"All/Web", "aws:autoscaling:asg MinSize", "3"}},
	"input autoscale_max":                              {ours: "Capacity.MaxSize", asked: asked{"All/Web", "aws:autoscaling:asg MaxSize", "9"}},
	"input solution_stack_name":                        {ours: "Platform.Branch", asked: asked{"All/Web", "PlatformArn", "arn:${AWS::Partition}:elasticbeanstalk:eu-west-1::platform/Python 3.12 running on 64bit Amazon Linux 2023"}},
	"input wait_for_ready_timeout":                     {reason: "CloudFormation waits for Ready, and nobody can tell it for how long; beanpole status --wait takes a deadline"},
	"input associate_public_ip_address":                {ours: "Network.AssociatePublicIPAddress", asked: asked{"All/Single", "aws:ec2:vpc AssociatePublicIpAddress", "true"}},
	"input tier":                                       {ours: "Tier", asked: asked{"All/Worker", "Tier.Name", "Worker"}},
	"input version_label":                              {ours: "VersionLabel", asked: asked{"All/Single", "VersionLabel", "v42"}},
	"input force_destroy":                              {ours: "LoadBalancer.AccessLogs, a bucket with AutoDeleteObjects", asked: asked{"All/Logs/AutoDeleteObjectsCustomResource", "BucketName", "${All/Logs}"}},
	"input rolling_update_enabled":                     {ours: "Deployment.ConfigurationUpdates.DisableRollingUpdates", asked: asked{"All/Other", "aws:autoscaling:updatepolicy:rollingupdate RollingUpdateEnabled", "false"}},
	"input rolling_update_type":                        {ours: "Deployment.ConfigurationUpdates.RollingUpdateType", asked: asked{"All/Web", "aws:autoscaling:updatepolicy:rollingupdate RollingUpdateType", "Time"}},
	"input deployment_policy":                          {ours: "Deployment.Policy", asked: asked{"All/Web", "aws:elasticbeanstalk:command DeploymentPolicy", "Rolling"}},
	"input updating_min_in_service":                    {ours: "Deployment.ConfigurationUpdates.MinInstancesInService", asked: asked{"All/Web", "aws:autoscaling:updatepolicy:rollingupdate MinInstancesInService", "3"}},
	"input updating_max_batch":                         {ours: "Deployment.ConfigurationUpdates.MaxBatchSize", asked: asked{"All/Web", "aws:autoscaling:updatepolicy:rollingupdate MaxBatchSize", "2"}},
	"input health_streaming_enabled":                   {ours: "Health.HealthStreamingEnabled", asked: asked{"All/Web", "aws:elasticbeanstalk:cloudwatch:logs:health HealthStreamingEnabled", "true"}},
	"input health_streaming_delete_on_terminate":       {ours: "Health.DeleteOnTerminate", asked: asked{"All/Web", "aws:elasticbeanstalk:cloudwatch:logs:health DeleteOnTerminate", "true"}},
	"input health_streaming_retention_in_days":         {ours: "Health.RetentionInDays", asked: asked{"All/Web", "aws:elasticbeanstalk:cloudwatch:logs:health RetentionInDays", "14"}},
	"input healthcheck_url":                            {ours: "Processes: HealthCheck.Path", asked: asked{"All/Web", "aws:elasticbeanstalk:environment:process:default HealthCheckPath", "/up/"}},
	"input enable_log_publication_control":             {ours: "Logs.DisablePublication", asked: asked{"All/Other", "aws:elasticbeanstalk:hostmanager LogPublicationControl", "false"}},
	"input enable_stream_logs":                         {ours: "Logs.DisableStreaming", asked: asked{"All/Other", "aws:elasticbeanstalk:cloudwatch:logs StreamLogs", "false"}},
	"input logs_delete_on_terminate":                   {ours: "Logs.DeleteOnTerminate", asked: asked{"All/Web", "aws:elasticbeanstalk:cloudwatch:logs DeleteOnTerminate", "true"}},
	"input enable_loadbalancer_logs":                   {ours: "LoadBalancer.DisableAccessLogs", asked: asked{"All/Other", "aws:elbv2:loadbalancer AccessLogsS3Enabled", "false"}},
	"input logs_retention_in_days":                     {ours: "Logs.RetentionInDays", asked: asked{"All/Web", "aws:elasticbeanstalk:cloudwatch:logs RetentionInDays", "60"}},
	"input loadbalancer_certificate_arn":               {ours: "LoadBalancer.CertificateARNs", asked: asked{"All/Web", "aws:elbv2:listener:443 SSLCertificateArns", cloudposseCertificate}},
	"input loadbalancer_ssl_policy":                    {ours: "LoadBalancer.SSLPolicy", asked: asked{"All/Web", "aws:elbv2:listener:443 SSLPolicy", "ELBSecurityPolicy-TLS13-1-3-2021-06"}},
	"input loadbalancer_security_groups":               {ours: "LoadBalancer.SecurityGroups", asked: asked{"All/Web", "aws:elbv2:loadbalancer SecurityGroups", "sg-balancer"}},
	"input loadbalancer_managed_security_group":        {ours: "LoadBalancer.SecurityGroups", asked: asked{"All/Web", "aws:elbv2:loadbalancer ManagedSecurityGroup", "sg-balancer"}},
	"input http_listener_enabled":                      {ours: "LoadBalancer.DisableHTTPListener", asked: asked{"All/Other", "aws:elbv2:listener:default ListenerEnabled", "false"}},
	"input application_port":                           {ours: "Processes: Port", asked: asked{"All/Web", "aws:elasticbeanstalk:environment:process:default Port", "8080"}},
	"input preferred_start_time":                       {ours: "Platform.PreferredStartTime", asked: asked{"All/Web", "aws:elasticbeanstalk:managedactions PreferredStartTime", "Sat:02:00"}},
	"input update_level":                               {ours: "Platform.UpdateLevel", asked: asked{"All/Web", "aws:elasticbeanstalk:managedactions:platformupdate UpdateLevel", "patch"}},
	"input instance_refresh_enabled":                   {ours: "Platform.InstanceRefreshEnabled", asked: asked{"All/Web", "aws:elasticbeanstalk:managedactions:platformupdate InstanceRefreshEnabled", "true"}},
	"input keypair":                                    {ours: "Capacity.EC2KeyName", asked: asked{"All/Web", "aws:autoscaling:launchconfiguration EC2KeyName", "ops"}},
	"input root_volume_size":                           {ours: "Capacity.RootVolume.Size", asked: asked{"All/Web", "aws:autoscaling:launchconfiguration RootVolumeSize", "40"}},
	"input root_volume_type":                           {ours: "Capacity.RootVolume.Type", asked: asked{"All/Other", "aws:autoscaling:launchconfiguration RootVolumeType", "gp2"}},
	"input root_volume_iops":                           {ours: "Capacity.RootVolume.IOPS", asked: asked{"All/Web", "aws:autoscaling:launchconfiguration RootVolumeIOPS", "4000"}},
	"input root_volume_throughput":                     {ours: "Capacity.RootVolume.Throughput", asked: asked{"All/Web", "aws:autoscaling:launchconfiguration RootVolumeThroughput", "250"}},
	"input autoscale_measure_name":                     {ours: "Capacity.Trigger.MeasureName", asked: asked{"All/Web", "aws:autoscaling:trigger MeasureName", "NetworkOut"}},
	"input autoscale_statistic":                        {ours: "Capacity.Trigger.Statistic", asked: asked{"All/Web", "aws:autoscaling:trigger Statistic", "Maximum"}},
	"input autoscale_unit":                             {ours: "Capacity.Trigger.Unit", asked: asked{"All/Web", "aws:autoscaling:trigger Unit", "Bytes"}},
	"input autoscale_lower_bound":                      {ours: "Capacity.Trigger.LowerThreshold", asked: asked{"All/Web", "aws:autoscaling:trigger LowerThreshold", "1000000"}},
	"input autoscale_lower_increment":                  {ours: "Capacity.Trigger.LowerBreachScaleIncrement", asked: asked{"All/Web", "aws:autoscaling:trigger LowerBreachScaleIncrement", "-2"}},
	"input autoscale_upper_bound":                      {ours: "Capacity.Trigger.UpperThreshold", asked: asked{"All/Web", "aws:autoscaling:trigger UpperThreshold", "5000000"}},
	"input autoscale_upper_increment":                  {ours: "Capacity.Trigger.UpperBreachScaleIncrement", asked: asked{"All/Web", "aws:autoscaling:trigger UpperBreachScaleIncrement", "3"}},
	"input elb_scheme":                                 {ours: "LoadBalancer.Internal", asked: asked{"All/Web", "aws:ec2:vpc ELBScheme", "internal"}},
	// Nobody has to open a port for a shell.
	"input ssh_listener_enabled":                             {ours: "Roles.SessionManager", asked: asked{"All/Web/InstanceRole", "Policies", "ssmmessages:OpenDataChannel"}},
	"input ssh_listener_port":                                {reason: "an application load balancer passes on HTTP alone; Roles.SessionManager needs no port"},
	"input additional_settings":                              {ours: "OptionSettings, AddOptionSettings", asked: asked{"All/Web", "aws:elasticbeanstalk:application:environment RAW", "yes"}},
	"input env_vars":                                         {ours: "Environment", asked: asked{"All/Web", "aws:elasticbeanstalk:application:environment STAGE", "production"}},
	"input alb_zone_id":                                      {ours: "LoadBalancer(), of which AWS tells the zone", asked: asked{"All/Alias", "AliasTarget.HostedZoneId", "CanonicalHostedZoneId"}},
	"input ami_id":                                           {ours: "Capacity.ImageID", asked: asked{"All/Web", "aws:autoscaling:launchconfiguration ImageId", "ami-0123456789abcdef0"}},
	"input deployment_batch_size_type":                       {ours: "Deployment.BatchSizeType", asked: asked{"All/Web", "aws:elasticbeanstalk:command BatchSizeType", "Percentage"}},
	"input deployment_batch_size":                            {ours: "Deployment.BatchSize", asked: asked{"All/Web", "aws:elasticbeanstalk:command BatchSize", "30"}},
	"input deployment_ignore_health_check":                   {ours: "Deployment.IgnoreHealthCheck", asked: asked{"All/Web", "aws:elasticbeanstalk:command IgnoreHealthCheck", "true"}},
	"input deployment_timeout":                               {ours: "Deployment.Timeout", asked: asked{"All/Web", "aws:elasticbeanstalk:command Timeout", "900"}},
	"input extended_ec2_policy_document":                     {ours: "InstanceRole.AddToPrincipalPolicy, or any grant", asked: asked{"All/Web/InstanceRole/DefaultPolicy", "PolicyDocument", "polly:SynthesizeSpeech"}},
	"input prefer_legacy_ssm_policy":                         {ours: "Roles.SessionManager, narrower than either of the policies", asked: asked{"All/Web/InstanceRole", "Policies", "ssm:UpdateInstanceInformation"}},
	"input prefer_legacy_service_policy":                     {ours: "always the policies that are not legacy, or Roles.Service", asked: asked{"All/Web/ServiceRole", "ManagedPolicyArns", "AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy"}},
	"input s3_bucket_access_log_bucket_name":                 {ours: "LoadBalancer.AccessLogs, a bucket that logs to another", asked: asked{"All/Logs", "LoggingConfiguration.DestinationBucketName", "${All/LogsOfLogs}"}},
	"input s3_bucket_versioning_enabled":                     {ours: "LoadBalancer.AccessLogs, a bucket with versions", asked: asked{"All/Logs", "VersioningConfiguration.Status", "Enabled"}},
	"input scheduled_actions":                                {ours: "Capacity.ScheduledActions", asked: asked{"All/Web", "aws:autoscaling:scheduledaction Recurrence", "0 8 * * *"}},
	"input healthcheck_interval":                             {ours: "Processes: HealthCheck.Interval", asked: asked{"All/Web", "aws:elasticbeanstalk:environment:process:default HealthCheckInterval", "10"}},
	"input healthcheck_timeout":                              {ours: "Processes: HealthCheck.Timeout", asked: asked{"All/Web", "aws:elasticbeanstalk:environment:process:default HealthCheckTimeout", "4"}},
	"input healthcheck_healthy_threshold_count":              {ours: "Processes: HealthCheck.HealthyThresholdCount", asked: asked{"All/Web", "aws:elasticbeanstalk:environment:process:default HealthyThresholdCount", "2"}},
	"input healthcheck_unhealthy_threshold_count":            {ours: "Processes: HealthCheck.UnhealthyThresholdCount", asked: asked{"All/Web", "aws:elasticbeanstalk:environment:process:default UnhealthyThresholdCount", "4"}},
	"input healthcheck_httpcodes_to_match":                   {ours: "Processes: HealthCheck.SuccessCodes", asked: asked{"All/Web", "aws:elasticbeanstalk:environment:process:default MatcherHTTPCode", "200,204"}},
	"input enable_capacity_rebalancing":                      {ours: "Capacity.Spot.EnableCapacityRebalancing", asked: asked{"All/Web", "aws:autoscaling:asg EnableCapacityRebalancing", "true"}},
	"input loadbalancer_redirect_http_to_https":              {ours: "by default with a certificate, LoadBalancer.AllowHTTP; a rule of your own in front of LoadBalancer.Shared", asked: asked{"All/Redirect", "Actions.0.Type", "redirect"}},
	"input loadbalancer_redirect_http_to_https_priority":     {ours: "Priority of your rule", asked: asked{"All/Redirect", "Priority", "7"}},
	"input loadbalancer_redirect_http_to_https_path_pattern": {ours: "Conditions of your rule", asked: asked{"All/Redirect", "Conditions.0.PathPatternConfig.Values.0", "/shop/*"}},
	"input loadbalancer_redirect_http_to_https_host":         {ours: "Action of your rule", asked: asked{"All/Redirect", "Actions.0.RedirectConfig.Host", "shop.example.com"}},
	"input loadbalancer_redirect_http_to_https_port":         {ours: "Action of your rule", asked: asked{"All/Redirect", "Actions.0.RedirectConfig.Port", "8443"}},
	"input loadbalancer_redirect_http_to_https_status_code":  {ours: "Action of your rule", asked: asked{"All/Redirect", "Actions.0.RedirectConfig.StatusCode", "HTTP_302"}},
	"input create_security_group":                            {ours: "always one of its own, beside Network.SecurityGroups", asked: asked{"All/Web", "aws:autoscaling:launchconfiguration SecurityGroups", "${All/Web/SecurityGroup.GroupId}"}},
	"input associated_security_group_ids":                    {ours: "Network.SecurityGroups", asked: asked{"All/Web", "aws:autoscaling:launchconfiguration SecurityGroups", "sg-more"}},
	"input security_group_name":                              {ours: "SecurityGroup, as the CDK's own resource", asked: asked{"All/Web/SecurityGroup", "GroupName", "shop-instances"}},
	"input security_group_description":                       {ours: "SecurityGroup, as the CDK's own resource", asked: asked{"All/Web/SecurityGroup", "GroupDescription", "Instances of the shop"}},
	// CloudFormation makes the new one first unless the name is taken, and without a name of your own it never is.
	"input security_group_create_before_destroy": {ours: "always, because names are generated", asked: asked{"All/Single/SecurityGroup", "GroupName", ""}},
	"input security_group_create_timeout":        {reason: "CloudFormation has no timeout for one resource of a stack"},
	"input security_group_delete_timeout":        {reason: "CloudFormation has no timeout for one resource of a stack"},
	"input allow_all_egress":                     {ours: "Network.DisableAllOutbound", asked: asked{"All/Other/SecurityGroup", "SecurityGroupEgress", "Disallow all traffic"}},
	"input additional_security_group_rules":      {ours: "Connections()", asked: asked{"All/Web/SecurityGroup", "SecurityGroupIngress", "Metrics"}},

	"output hostname":                       {ours: "LoadBalancer().LoadBalancerDnsName()", asked: asked{"All/Alias", "AliasTarget.DNSName", "DNSName"}},
	"output id":                             {ours: "EnvironmentID()", asked: asked{"output", "ID", "${All/Web/EnvironmentID.Environments.0.EnvironmentId}"}},
	"output name":                           {ours: "EnvironmentName()", asked: asked{"output", "Name", "${All/Web}"}},
	"output security_group_id":              {ours: "SecurityGroup.SecurityGroupId()", asked: asked{"output", "SecurityGroup", "${All/Web/SecurityGroup.GroupId}"}},
	"output security_group_arn":             {ours: "SecurityGroup.SecurityGroupId(), from which Stack.FormatArn makes it", asked: asked{"output", "SecurityGroupARN", "security-group/${All/Web/SecurityGroup.GroupId}"}},
	"output security_group_name":            {ours: "SecurityGroup.Node().DefaultChild(), whose GroupName it is", asked: asked{"output", "SecurityGroupName", "shop-instances"}},
	"output elb_zone_id":                    {ours: "LoadBalancer().LoadBalancerCanonicalHostedZoneId()", asked: asked{"All/Alias", "AliasTarget.HostedZoneId", "CanonicalHostedZoneId"}},
	"output ec2_instance_profile_role_name": {ours: "InstanceRole.RoleName()", asked: asked{"output", "InstanceRole", "${All/Web/InstanceRole}"}},
	"output ec2_service_role_arn":           {ours: "ServiceRole.RoleArn()", asked: asked{"output", "ServiceRole", "${All/Web/ServiceRole.Arn}"}},
	"output tier":                           {ours: "Resource.Tier()", asked: asked{"All/Web", "Tier.Name", "WebServer"}},
	"output application":                    {ours: "Application", asked: asked{"output", "Application", "shop"}},
	"output setting":                        {ours: "OptionSettings()", asked: asked{"output", "Settings", "aws:autoscaling:asg MaxSize=9"}},
	"output all_settings":                   {ours: "OptionSettings(); every default is among them", asked: asked{"output", "Settings", "aws:elasticbeanstalk:environment:process:default DeregistrationDelay=20"}},
	"output endpoint":                       {ours: "Resource.AttrEndpointUrl()", asked: asked{"output", "Endpoint", "${All/Web.EndpointURL}"}},
	"output autoscaling_groups":             {ours: `PhysicalID("AWSEBAutoScalingGroup")`, asked: asked{"output", "AutoScalingGroup", "${All/Web/PhysicalID-AWSEBAutoScalingGroup.StackResourceDetail.PhysicalResourceId}"}},
	"output instances":                      {reason: "instances come and go between two deployments; DescribeEnvironmentResources tells them at any time"},
	"output launch_configurations":          {ours: `PhysicalID("AWSEBEC2LaunchTemplate")`, asked: asked{"output", "LaunchTemplate", "${All/Web/PhysicalID-AWSEBEC2LaunchTemplate.StackResourceDetail.PhysicalResourceId}"}},
	"output load_balancers":                 {ours: "LoadBalancer().LoadBalancerArn()", asked: asked{"output", "LoadBalancer", "${All/Web/LoadBalancerARN.StackResourceDetail.PhysicalResourceId}"}},
	"output load_balancer_log_bucket":       {ours: "LoadBalancer.AccessLogs", asked: asked{"All/Web", "aws:elbv2:loadbalancer AccessLogsS3Bucket", "${All/Logs}"}},
	"output queues":                         {ours: "Worker.Queue", asked: asked{"All/Worker", "aws:elasticbeanstalk:sqsd WorkerQueueURL", "${All/Queue}"}},
	"output triggers":                       {ours: `PhysicalID("AWSEBCloudwatchAlarmHigh")`, asked: asked{"output", "Alarm", "${All/Web/PhysicalID-AWSEBCloudwatchAlarmHigh.StackResourceDetail.PhysicalResourceId}"}},
}

const cloudposseCertificate = "arn:aws:acm:eu-west-1:123456789012:certificate/1"

func TestWhoComesFromCloudposseLacksNothing(t *testing.T) {
	names, err := os.ReadFile("testdata/cloudposse.txt")
	if err != nil {
		t.Fatal(err)
	}
	template, byDefault := cloudposseTemplate(t), cloudposseDefaults(t)
	known, without := map[string]bool{}, 0
	for line := range strings.Lines(string(names)) {
		name := strings.TrimSpace(line)
		if strings.HasPrefix(name, "#") {
			continue
		}
		known[name] = true
		row, ok := cloudposse[name]
		switch {
		case !ok:
			t.Errorf("%s has no row", name)
			continue
		case (row.ours == "") == (row.reason == ""):
			t.Errorf("%s has either something of ours or a reason why not, and not both", name)
			continue
		case row.reason != "":
			without++
			continue
		}
		if got, ok := template.ask(row.asked); !ok {
			t.Errorf("%s (%s): %s %s is %q, want %q", name, row.ours, row.asked.of, row.asked.path, got, row.asked.want)
		}
		if strings.HasPrefix(row.asked.path, "aws:") && byDefault[row.asked.path] == row.asked.want && !strings.HasPrefix(row.ours, "always") {
			t.Errorf("%s (%s): %s is %s by default too: ask for another", name, row.ours, row.asked.path, row.asked.want)
		}
	}
	if len(known) != 94+9+21 {
		t.Errorf("%d inputs and outputs are known, want 94 of the module's, 9 of its security group's and 21 outputs", len(known))
	}
	for name := range cloudposse {
		if !known[name] {
			t.Errorf("%s is no input or output", name)
		}
	}
	if without > 5 {
		t.Errorf("%d have nothing of ours, want 5 at most", without)
	}
}

type cloudposseAnswers struct{ *templatetest.Template }

// ask looks a value up. What is rendered as a whole, such as a policy, has to hold what is wanted; anything else has to be it.
func (a cloudposseAnswers) ask(q asked) (got string, ok bool) {
	switch r := a.Resources[q.of]; {
	case q.of == "output":
		got = a.Outputs[q.path]
	case r == nil:
		return "no such resource", false
	case strings.HasPrefix(q.path, "aws:"):
		got = r.Options()[q.path]
	default:
		got = r.Property(q.path)
	}
	if q.want == "" {
		return got, got == ""
	}
	return got, got == q.want || strings.Contains(got, q.want) && strings.ContainsAny(got, "{[,")
}

// cloudposseTemplate is a stack with environments of every kind, and all that the table asks for.
func cloudposseTemplate(t *testing.T) cloudposseAnswers {
	t.Helper()
	app := newApp(t)
	stack := awscdk.NewStack(app, jsii.String("All"), &awscdk.StackProps{Env: &awscdk.Environment{Account: jsii.String("123456789012"), Region: jsii.String("eu-west-1")}})
	vpc := existingVPC(stack)
	group := func(id string) awsec2.ISecurityGroup {
		return awsec2.SecurityGroup_FromSecurityGroupId(stack, &id, &id, nil)
	}
	logs := awss3.NewBucket(stack, jsii.String("Logs"), &awss3.BucketProps{
		Versioned:              jsii.Bool(true),
		RemovalPolicy:          awscdk.RemovalPolicy_DESTROY,
		AutoDeleteObjects:      jsii.Bool(true),
		ServerAccessLogsBucket: awss3.NewBucket(stack, jsii.String("LogsOfLogs"), nil),
	})
	application := awselasticbeanstalk.CfnApplication_FromApplicationName(stack, jsii.String("ShopApplication"), jsii.String("shop"))

	web := elasticbeanstalk.NewEnvironment(stack, "Web", &elasticbeanstalk.EnvironmentProps{
		Source:      bundle.Source{Path: "testdata/app"},
		Application: application,
		Description: "The shop",
		Platform: elasticbeanstalk.Platform{
			Branch: "Python 3.12 running on 64bit Amazon Linux 2023", PreferredStartTime: "Sat:02:00", UpdateLevel: "patch", InstanceRefreshEnabled: true,
		},
		LoadBalancer: elasticbeanstalk.LoadBalancer{
			Internal: true, CertificateARNs: []string{cloudposseCertificate}, SSLPolicy: "ELBSecurityPolicy-TLS13-1-3-2021-06",
			SecurityGroups: []awsec2.ISecurityGroup{group("sg-balancer")}, IdleTimeout: 90 * time.Second, AccessLogs: logs,
		},
		Processes: map[string]elasticbeanstalk.Process{"default": {Port: 8080, HealthCheck: health.Check{
			Path: "/up/", SuccessCodes: "200,204", Interval: 10 * time.Second, Timeout: 4 * time.Second, HealthyThresholdCount: 2, UnhealthyThresholdCount: 4,
		}}},
		Capacity: elasticbeanstalk.Capacity{
			MinSize: ptr(3), MaxSize: ptr(9), AvailabilityZones: "Any 2", InstanceTypes: []string{"m7g.large"}, Architecture: "arm64",
			Spot:       elasticbeanstalk.Spot{EnableSpot: true, OnDemandBase: 1, OnDemandAboveBasePercentage: ptr(20), MaxPrice: 0.05, EnableCapacityRebalancing: true},
			RootVolume: elasticbeanstalk.RootVolume{Type: "gp3", Size: 40, IOPS: 4000, Throughput: 250},
			Trigger: elasticbeanstalk.Trigger{
				MeasureName: "NetworkOut", Statistic: "Maximum", Unit: "Bytes", LowerThreshold: ptr(1e6), UpperThreshold: ptr(5e6),
				LowerBreachScaleIncrement: -2, UpperBreachScaleIncrement: 3,
			},
			ScheduledActions: map[string]elasticbeanstalk.ScheduledAction{"morning": {Recurrence: "0 8 * * *", MinSize: ptr(4), MaxSize: ptr(9)}},
			ImageID:          "ami-0123456789abcdef0", EC2KeyName: "ops",
		},
		Deployment: elasticbeanstalk.Deployment{
			Policy: elasticbeanstalk.Rolling, BatchSizeType: "Percentage", BatchSize: 30, IgnoreHealthCheck: true, Timeout: 15 * time.Minute,
			ConfigurationUpdates: elasticbeanstalk.ConfigurationUpdates{RollingUpdateType: "Time", MaxBatchSize: 2, MinInstancesInService: ptr(3)},
		},
		Network: elasticbeanstalk.Network{
			VPC: vpc, SecurityGroups: []awsec2.ISecurityGroup{group("sg-more")},
		},
		Roles:          elasticbeanstalk.Roles{SessionManager: true},
		Health:         elasticbeanstalk.Health{HealthStreamingEnabled: true, RetentionInDays: 14, DeleteOnTerminate: true},
		Logs:           elasticbeanstalk.Logs{RetentionInDays: 60, DeleteOnTerminate: true},
		Environment:    map[string]string{"STAGE": "production"},
		OptionSettings: []option.Setting{{Namespace: "aws:elasticbeanstalk:application:environment", OptionName: "RAW", Value: "yes"}},
	})
	web.InstanceRole.AddToPrincipalPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings("polly:SynthesizeSpeech"), Resources: jsii.Strings("*"),
	}))
	web.Connections().AllowFrom(awsec2.Peer_Ipv4(jsii.String("10.9.0.0/16")), awsec2.Port_Tcp(jsii.Number(9100)), jsii.String("Metrics"))
	groupOfInstances := web.SecurityGroup.Node().DefaultChild().(awsec2.CfnSecurityGroup)
	groupOfInstances.SetGroupName(jsii.String("shop-instances"))
	groupOfInstances.SetGroupDescription(jsii.String("Instances of the shop"))
	zone := awsroute53.HostedZone_FromHostedZoneAttributes(stack, jsii.String("Zone"), &awsroute53.HostedZoneAttributes{
		HostedZoneId: jsii.String("Z0123456789"), ZoneName: jsii.String("example.com"),
	})
	awsroute53.NewARecord(stack, jsii.String("Alias"), &awsroute53.ARecordProps{
		Zone: zone, RecordName: jsii.String("shop"),
		Target: awsroute53.RecordTarget_FromAlias(awsroute53targets.NewLoadBalancerTarget(web.LoadBalancer(), nil)),
	})

	lb := awselasticloadbalancingv2.NewApplicationLoadBalancer(stack, jsii.String("LB"), &awselasticloadbalancingv2.ApplicationLoadBalancerProps{
		Vpc: vpc, CrossZoneEnabled: jsii.Bool(true),
	})
	listener := lb.AddListener(jsii.String("HTTP"), &awselasticloadbalancingv2.BaseApplicationListenerProps{
		Port: jsii.Number(80), DefaultAction: awselasticloadbalancingv2.ListenerAction_FixedResponse(jsii.Number(404), nil),
	})
	elasticbeanstalk.NewEnvironment(stack, "Behind", shared(vpc, lb))
	awselasticloadbalancingv2.NewApplicationListenerRule(stack, jsii.String("Redirect"), &awselasticloadbalancingv2.ApplicationListenerRuleProps{
		Listener:   listener,
		Priority:   jsii.Number(7),
		Conditions: &[]awselasticloadbalancingv2.ListenerCondition{awselasticloadbalancingv2.ListenerCondition_PathPatterns(jsii.Strings("/shop/*"))},
		Action: awselasticloadbalancingv2.ListenerAction_Redirect(&awselasticloadbalancingv2.RedirectOptions{
			Protocol: jsii.String("HTTPS"), Host: jsii.String("shop.example.com"), Port: jsii.String("8443"), Permanent: jsii.Bool(false),
		}),
	})

	// What is on by default, off.
	other := dedicated(vpc)
	other.LoadBalancer = elasticbeanstalk.LoadBalancer{CertificateARNs: []string{cloudposseCertificate}, DisableHTTPListener: true, DisableAccessLogs: true}
	other.Capacity.RootVolume.Type = "gp2"
	other.Deployment.ConfigurationUpdates.DisableRollingUpdates = true
	other.Platform.DisableManagedUpdates = true
	other.Network.DisableAllOutbound = true
	other.Network.InstanceSubnets = &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PUBLIC}
	other.Network.LoadBalancerSubnets = &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS}
	other.Health.SystemType = elasticbeanstalk.BasicHealth
	other.Logs = elasticbeanstalk.Logs{DisableStreaming: true, DisablePublication: true}
	elasticbeanstalk.NewEnvironment(stack, "Other", other)

	single := dedicated(vpc)
	single.Source, single.Application, single.VersionLabel = bundle.Source{}, application, "v42"
	single.EnvironmentType = elasticbeanstalk.SingleInstance
	elasticbeanstalk.NewEnvironment(stack, "Single", single)

	worker := dedicated(vpc)
	worker.Tier = option.Worker
	worker.Worker.Queue = awssqs.NewQueue(stack, jsii.String("Queue"), nil)
	elasticbeanstalk.NewEnvironment(stack, "Worker", worker)

	var settings []string
	for _, s := range web.OptionSettings() {
		if !s.Unresolved {
			settings = append(settings, s.Name()+"="+s.Value)
		}
	}
	for id, value := range map[string]string{
		"ID":                web.EnvironmentID(),
		"Name":              web.EnvironmentName(),
		"SecurityGroup":     *web.SecurityGroup.SecurityGroupId(),
		"SecurityGroupName": *groupOfInstances.GroupName(),
		"SecurityGroupARN": *stack.FormatArn(&awscdk.ArnComponents{
			Service: jsii.String("ec2"), Resource: jsii.String("security-group"), ResourceName: web.SecurityGroup.SecurityGroupId(),
		}),
		"InstanceRole":     *web.InstanceRole.RoleName(),
		"ServiceRole":      *web.ServiceRole.RoleArn(),
		"Application":      *web.Application.ApplicationRef().ApplicationName,
		"Settings":         strings.Join(settings, ", "),
		"Endpoint":         *web.Resource.AttrEndpointUrl(),
		"AutoScalingGroup": web.PhysicalID("AWSEBAutoScalingGroup"),
		"LaunchTemplate":   web.PhysicalID("AWSEBEC2LaunchTemplate"),
		"Alarm":            web.PhysicalID("AWSEBCloudwatchAlarmHigh"),
		"LoadBalancer":     *web.LoadBalancer().LoadBalancerArn(),
	} {
		awscdk.NewCfnOutput(stack, &id, &awscdk.CfnOutputProps{Value: &value})
	}
	return cloudposseAnswers{synth(t, stack)}
}

// cloudposseDefaults are the options of an environment that asks for nothing, in another VPC.
func cloudposseDefaults(t *testing.T) map[string]string {
	t.Helper()
	stack := newStack(t)
	elasticbeanstalk.NewEnvironment(stack, "Web", dedicated(newVPC(stack)))
	return synth(t, stack).Resources["Stack/Web"].Options()
}
