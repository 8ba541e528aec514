package bundle

import (
	"bytes"
	"io"
	"path"
	"strings"
)

// defaultExcludes never belong on an instance: history, caches, what tools leave behind, packages of other platforms.
// A "!" pattern in an ignore file or in Exclude brings one back.
var defaultExcludes = mustPatterns(
	".git", ".hg", ".svn", ".bzr",
	"__pycache__/", "*.py[co]",
	".tox/", ".nox/", ".mypy_cache/", ".pytest_cache/", ".ruff_cache/", ".hypothesis/", ".ipynb_checkpoints/", ".direnv/",
	".coverage", "htmlcov/",
	"node_modules/",
	"cdk.out/", ".beanpole/", ".elasticbeanstalk/", ".aws-sam/", ".terraform/",
	".idea/", ".vscode/", ".DS_Store", "Thumbs.db", "desktop.ini", ".#*", "*~", "*.sw[op]",
)

// virtualEnvironmentMarks are the files by which a directory is known as a Python environment, whatever its name.
var virtualEnvironmentMarks = []string{"pyvenv.cfg", "conda-meta"}

// sensitiveNames hold secrets or data of a developer's computer. They are refused, not left out: who relies on one of them
// must hear that it would be missing.
var sensitiveNames = mustPatterns(
	".env", ".env.*", "*.env", "!*.example", "!*.sample", "!*.template", "!*.dist",
	"*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.ppk", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519",
	".netrc", ".pgpass", ".pypirc", ".htpasswd", ".aws/**", ".ssh/**", "**/.aws/**", "**/.ssh/**",
	"*.db", "*.sqlite", "*.sqlite3", "*.sqlite3-journal", "*.sqlite3-wal", "*.sqlite3-shm",
)

func mustPatterns(lines ...string) []pattern {
	var patterns []pattern
	for _, line := range lines {
		p, ok, err := parsePattern(line, "")
		if err != nil || !ok {
			panic(line)
		}
		patterns = append(patterns, p)
	}
	return patterns
}

// sensitive says whether a file is one that must not travel by accident. A .pem file is one only if it holds a private key:
// bundles of certificates are public, and commonly travel.
func sensitive(name string, e entry) bool {
	if judge(sensitiveNames, name, false) != leftOut {
		return false
	}
	if path.Ext(name) != ".pem" {
		return true
	}
	r, err := e.open()
	if err != nil {
		return true
	}
	defer r.Close()
	content, err := io.ReadAll(io.LimitReader(r, 1<<20))
	return err != nil || bytes.Contains(content, []byte("PRIVATE KEY"))
}

// isHook says whether the platform runs the file during a deployment.
func isHook(name string) bool {
	return strings.HasPrefix(name, ".platform/hooks/") || strings.HasPrefix(name, ".platform/confighooks/")
}
