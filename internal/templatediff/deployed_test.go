package templatediff

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

type running map[string]string

func (r running) Template(_ context.Context, stack string) ([]byte, error) {
	text, ok := r[stack]
	switch {
	case !ok:
		return nil, fmt.Errorf("stack %s: %w", stack, fs.ErrNotExist)
	case text == "":
		return nil, errors.New("access denied")
	}
	return []byte(text), nil
}

func TestDeployed(t *testing.T) {
	topic := `{"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": %q}}}}`
	head := assembly(t, map[string]string{"a": fmt.Sprintf(topic, "new"), "b": fmt.Sprintf(topic, "b")})
	base, err := OpenDeployed(context.Background(), running{"a": fmt.Sprintf(topic, "old")}, head)
	if err != nil {
		t.Fatal(err)
	}
	r := Compare(base, head)
	if len(r.Changes) != 2 || r.Changes[0].Stack != "b" || r.Changes[0].Effect != AddsResource || deref(r.Changes[1].Before) != "old" || !strings.Contains(strings.Join(r.Notes, ""), "the stack b is new") {
		t.Errorf("%+v", r)
	}
	if _, err := OpenDeployed(context.Background(), running{"a": "", "b": "{"}, head); err == nil || !strings.Contains(err.Error(), "a: access denied") || !strings.Contains(err.Error(), "b: ") {
		t.Errorf("%v: want everything that is wrong", err)
	}
}
