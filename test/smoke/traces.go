package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	dns "github.com/aws/aws-sdk-go-v2/service/route53/types"

	"example.com/beanpole-cdk/internal/account"
)

// What AWS makes besides the stacks, and may keep when they are gone.
const (
	logGroups   = "log groups"
	zoneRecords = "records in the hosted zone"
)

// logGroups are the names of the log groups that are there: the environments' logs, and those of the stacks' functions, which
// the last line of a function makes once more after its stack has deleted them.
func (t *test) logGroups(ctx context.Context) ([]string, error) {
	begin := []string{"/aws/lambda/" + t.name + "-"}
	for _, name := range t.environments {
		begin = append(begin, "/aws/elasticbeanstalk/"+name+"/")
	}
	var found []string
	for _, prefix := range begin {
		pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(t.logs, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, account.Plain("the log groups "+prefix+"…", err)
			}
			for _, group := range page.LogGroups {
				found = append(found, aws.ToString(group.LogGroupName))
			}
		}
	}
	return found, nil
}

// ownsRecord says whether a name in the user's zone, as Route 53 writes it, is this run's: nobody else has its own name in one.
func (t *test) ownsRecord(name string) bool {
	own := t.name + "." + t.zoneName + "."
	return name == own || strings.HasSuffix(name, "."+own)
}

// zoneRecords are the run's records that are in the user's zone, those that prove the certificate among them.
func (t *test) zoneRecords(ctx context.Context) ([]dns.ResourceRecordSet, error) {
	if t.zoneID == "" {
		return nil, nil
	}
	var found []dns.ResourceRecordSet
	pages := route53.NewListResourceRecordSetsPaginator(t.dns, &route53.ListResourceRecordSetsInput{HostedZoneId: &t.zoneID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, account.Plain("the records of "+t.zoneID, err)
		}
		for _, r := range page.ResourceRecordSets {
			if t.ownsRecord(aws.ToString(r.Name)) {
				found = append(found, r)
			}
		}
	}
	return found, nil
}

// removeTraces deletes log groups and records, and returns what it could not.
func (t *test) removeTraces(ctx context.Context) []string {
	var left []string
	groups, err := t.logGroups(ctx)
	if err != nil {
		left = append(left, fmt.Sprintf("perhaps %s: %v", logGroups, err))
	}
	for _, group := range groups {
		if _, err := t.logs.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &group}); err != nil && !gone(err) {
			left = append(left, fmt.Sprintf("the log group %s: %v; later: aws logs delete-log-group --region %s --log-group-name %s",
				group, account.Plain("delete it", err), t.region, group))
		}
	}
	records, err := t.zoneRecords(ctx)
	if err != nil {
		left = append(left, fmt.Sprintf("perhaps %s: %v", zoneRecords, err))
	}
	for _, r := range records {
		if _, err := t.dns.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
			HostedZoneId: &t.zoneID, ChangeBatch: &dns.ChangeBatch{Changes: []dns.Change{{Action: dns.ChangeActionDelete, ResourceRecordSet: &r}}},
		}); err != nil {
			left = append(left, fmt.Sprintf("the record %s %s in the hosted zone %s: %v", r.Type, aws.ToString(r.Name), t.zoneID, account.Plain("delete it", err)))
		}
	}
	return left
}
