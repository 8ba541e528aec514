//go:build !linux

package rehearsal

import (
	"context"
	"errors"
	"syscall"
)

// Inside does nothing here: only Linux has namespaces.
func Inside() {}

func (j job) performInNamespace(context.Context, func(event)) (outcome, error) {
	return outcome{}, unavailableError{errors.New("only Linux has them")}
}

func raiseNetwork(string, bool) error { return errors.New("only Linux has namespaces") }

func processGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func listeners() ([]int, bool) { return nil, false }
