package templatediff

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"sort"
	"strings"
	"sync"
)

// schemasGzip is AWS's resource schemas, reduced by generate.go to what the comparison asks for.
//
//go:embed schemas.tsv.gz
var schemasGzip []byte

// replacement is what a change of a property does to the resource.
type replacement uint8

const (
	inPlace replacement = iota
	mayReplace
	replaces
)

// schema is what is published of one resource type.
type schema struct {
	data       bool   // the resource holds data that goes with it
	kind       string // the kind of policy or rule that the resource is, or ""
	identifier []string
	// properties are those a change of which may replace the resource, by path ("Tier.Name").
	properties map[string]replacement
	// access are the properties that hold policies or rules, with their kind.
	access map[string]string
}

var schemaLines = sync.OnceValue(func() []string {
	r, err := gzip.NewReader(bytes.NewReader(schemasGzip))
	if err != nil {
		panic("schemas.tsv.gz: " + err.Error()) // the file is part of the program
	}
	text, err := io.ReadAll(r)
	if err != nil {
		panic("schemas.tsv.gz: " + err.Error())
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
})

// known caches the schemas that were asked for.
var known sync.Map

// schemaOf returns the schema of a type, false if AWS publishes none: a custom resource, a private or a future type.
func schemaOf(typ string) (schema, bool) {
	if s, ok := known.Load(typ); ok {
		return s.(schema), true
	}
	s, ok := readSchema(typ)
	if ok {
		known.Store(typ, s)
	}
	return s, ok
}

func readSchema(typ string) (schema, bool) {
	lines := schemaLines()
	i := sort.Search(len(lines), func(i int) bool { name, _, _ := strings.Cut(lines[i], "\t"); return name >= typ })
	if i == len(lines) || !strings.HasPrefix(lines[i], typ+"\t") {
		return schema{}, false
	}
	fields := strings.Split(lines[i], "\t")
	s := schema{
		data: fields[1] != "", kind: fields[2], identifier: strings.Fields(fields[3]),
		properties: map[string]replacement{}, access: map[string]string{},
	}
	for _, entry := range strings.Fields(fields[4]) {
		path, kind, found := strings.Cut(entry, ":")
		name := strings.TrimRight(path, "!?")
		if found {
			s.access[name] = kind
		}
		switch path[len(path)-1] {
		case '!':
			s.properties[name] = replaces
		case '?':
			s.properties[name] = mayReplace
		}
	}
	return s, true
}
