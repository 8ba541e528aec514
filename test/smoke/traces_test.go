package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Log groups and records are listed, and those of the run alone are deleted; what cannot be is named.
func TestRemoveTraces(t *testing.T) {
	for _, refused := range []bool{false, true} {
		var deleted []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			record := func(name string) string {
				return fmt.Sprintf("<ResourceRecordSet><Name>%s</Name><Type>CNAME</Type><TTL>300</TTL><ResourceRecords><ResourceRecord><Value>x.acm-validations.aws.</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>", name)
			}
			switch target := r.Header.Get("X-Amz-Target"); {
			case strings.HasSuffix(target, ".DescribeLogGroups"):
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				if strings.Contains(string(body), "/aws/elasticbeanstalk/live/") {
					io.WriteString(w, `{"logGroups": [{"logGroupName": "/aws/elasticbeanstalk/live/var/log/x"}]}`)
				} else {
					io.WriteString(w, `{}`)
				}
			case strings.HasSuffix(target, ".DeleteLogGroup") || r.Method == http.MethodPost:
				if refused {
					w.Header().Set("Content-Type", "application/x-amz-json-1.1")
					w.WriteHeader(400)
					return
				}
				deleted = append(deleted, string(body))
				if target == "" {
					io.WriteString(w, "<ChangeResourceRecordSetsResponse><ChangeInfo><Id>1</Id><Status>PENDING</Status><SubmittedAt>2026-11-26T10:00:00Z</SubmittedAt></ChangeInfo></ChangeResourceRecordSetsResponse>")
				}
			default:
				io.WriteString(w, "<ListResourceRecordSetsResponse><ResourceRecordSets>"+record("_1.example.com.")+record("_2.www.beanpole-smoke-1a2b3c.example.com.")+
					"</ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>100</MaxItems></ListResourceRecordSetsResponse>")
			}
		}))
		defer server.Close()
		cfg := aws.Config{Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
		run := newTestIn(cfg, "", "", "beanpole-smoke-1a2b3c", settings{zoneID: "Z0123456789ABC", zoneName: "example.com"}, io.Discard)
		run.environments = []string{"live"}
		left := run.removeTraces(context.Background())
		has := func(all []string, part string) bool {
			return slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, part) })
		}
		where, other := deleted, left
		if refused {
			where, other = left, deleted
		}
		if len(where) != 2 || len(other) != 0 || !has(where, "/aws/elasticbeanstalk/live/var/log/x") || !has(where, "_2.www.beanpole-smoke-1a2b3c.example.com.") {
			t.Errorf("refused %v: deleted %q, left %q", refused, deleted, left)
		}
	}
}
