package stacks

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Whatever can warn is in the list, and nothing else, so that no acknowledgement is refused that counts, and none passes that
// does nothing.
func TestTheListOfWarnings(t *testing.T) {
	found := map[string]string{}
	whole := regexp.MustCompile(`"beanpole:([a-z0-9-]+)"`)
	for _, root := range []string{".", "../constructs", "../internal/template"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, match := range whole.FindAllStringSubmatch(string(text), -1) {
				found[match[1]] = path
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
			if err != nil {
				return err
			}
			for _, rule := range warningRules(file) {
				found[rule] = path
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// One of each way to warn, lest the search finds nothing.
	for _, id := range []string{"migrate", "instance-role", "not-applicable", "value-type", "procfile-port", "null-value", "duplicate-key"} {
		if found[id] == "" {
			t.Errorf("%s is not found in the sources", id)
		}
	}
	for id, path := range found {
		if !slices.Contains(warnings, id) {
			t.Errorf("%q, of %s, is not in the list", id, path)
		}
	}
	for i, id := range warnings {
		if found[id] == "" {
			t.Errorf("%q is in the list, and no warning is called so", id)
		}
		if i > 0 && warnings[i-1] >= id {
			t.Errorf("%q is not behind %q in the order of the alphabet", id, warnings[i-1])
		}
	}
}

// warningRules are the rules whose findings are warnings, or may be, and become an id behind the prefix.
func warningRules(file *ast.File) []string {
	var found []string
	add := func(expression ast.Expr) {
		if literal, ok := expression.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if rule, err := strconv.Unquote(literal.Value); err == nil {
				found = append(found, rule)
			}
		}
	}
	isError := func(expression ast.Expr) bool {
		name, ok := expression.(*ast.Ident)
		return ok && name.Name == "Error"
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.CallExpr:
			called, ok := node.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			switch in := file.Name.Name; {
			case in == "option" && called.Sel.Name == "report" && len(node.Args) > 2 && !isError(node.Args[1]):
				add(node.Args[2])
			case in == "bundle" && called.Sel.Name == "warn" && len(node.Args) > 0:
				add(node.Args[0])
			case in == "template" && called.Sel.Name == "problem" && len(node.Args) > 2:
				add(node.Args[2])
			}
		case *ast.CompositeLit:
			var rule ast.Expr
			refused := false
			for _, element := range node.Elts {
				if pair, ok := element.(*ast.KeyValueExpr); ok {
					switch key, _ := pair.Key.(*ast.Ident); {
					case key == nil:
					case key.Name == "Rule":
						rule = pair.Value
					case key.Name == "Level":
						refused = isError(pair.Value)
					}
				}
			}
			if rule != nil && !refused {
				add(rule)
			}
		}
		return true
	})
	return found
}
