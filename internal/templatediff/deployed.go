package templatediff

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"example.com/beanpole-cdk/internal/template"
)

// Deployed yields the templates of stacks that run, as CloudFormation's GetTemplate returns them before it applies macros.
type Deployed interface {
	// Template returns a stack's template by the stack's name. A stack that does not exist is an error that wraps
	// [fs.ErrNotExist].
	Template(ctx context.Context, stack string) ([]byte, error)
}

// OpenDeployed reads what of an assembly's stacks runs. Stacks that do not run yet are left out: to the comparison they are
// new. Nested stacks have names that only their parents know, and are left out with a warning.
func OpenDeployed(ctx context.Context, source Deployed, head *Assembly) (*Assembly, error) {
	a := &Assembly{Name: "what is deployed"}
	var errs []error
	for _, s := range head.Stacks {
		if strings.Contains(s.Name, "/") {
			a.Warnings = append(a.Warnings, fmt.Sprintf("the nested stack %s is not compared with what is deployed", s.ID))
			continue
		}
		data, err := source.Template(ctx, s.Name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.Name, err))
			continue
		}
		document, err := template.Parse(s.Name, data)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		a.Stacks = append(a.Stacks, &Stack{ID: s.ID, Name: s.Name, Document: document, artifact: s.artifact})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return a, a.finish()
}
