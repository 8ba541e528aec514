//go:build ignore

// Makes schemas.tsv.gz: of every CloudFormation resource type, what a template's reader cannot see. The source is the
// database of AWS's published resource schemas that ships with the CDK CLI which package.json pins (Apache-2.0); the
// CLI's own diff reads the same one.
//
//	go generate ./internal/templatediff
//
// One line a type, by name: type, "data" if it holds data, its kind of policy or rule if it is one as a whole, the
// properties that identify it, and the properties that matter. Such a property is a path with "!" if a change of it replaces the
// resource and "?" if it may, and ":" with the kind of policy or rule that it holds.
package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"slices"
	"sort"
	"strings"
)

type definition struct {
	ID                string `json:"$id"`
	Type              string `json:"cloudFormationType"`
	IsStateful        bool   `json:"isStateful"`
	Scrutinizable     string `json:"scrutinizable"`
	PrimaryIdentifier []string
	Properties        map[string]struct {
		CausesReplacement string
		Scrutinizable     string
		Type              json.RawMessage
	}
}

func main() {
	const source, target = "../../node_modules/aws-cdk/db.json.gz", "schemas.tsv.gz"
	file, err := os.Open(source)
	if err != nil {
		log.Fatalf("%v: run make setup first", err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		log.Fatal(err)
	}
	var database struct {
		Schema map[string]struct{ Entities json.RawMessage }
	}
	if err := json.NewDecoder(unzipped).Decode(&database); err != nil {
		log.Fatal(err)
	}
	entities := func(name string) (all []definition) {
		if err := json.Unmarshal(database.Schema[name].Entities, &all); err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		return all
	}
	types := map[string]definition{}
	for _, t := range entities("typeDefinition") {
		types[t.ID] = t
	}
	resources := entities("resource")
	slices.SortFunc(resources, func(a, b definition) int { return cmp.Compare(a.Type, b.Type) })
	var out bytes.Buffer
	count, previous := 0, ""
	for _, r := range resources {
		if r.Type == previous {
			continue // one type, once for each of the regions that differ
		}
		previous = r.Type
		data, whole := "", ""
		if r.IsStateful {
			data = "data"
		}
		if r.Scrutinizable != "" && r.Scrutinizable != "None" {
			whole = r.Scrutinizable
		}
		fmt.Fprintf(&out, "%s\t%s\t%s\t%s\t%s\n", r.Type, data, whole, strings.Join(r.PrimaryIdentifier, " "), strings.Join(properties(types, r, "", nil), " "))
		count++
	}
	var zipped bytes.Buffer
	w, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if _, err := w.Write(out.Bytes()); err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(target, zipped.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %d types, %d bytes of text, %d compressed\n", target, count, out.Len(), zipped.Len())
}

func properties(types map[string]definition, d definition, prefix string, above []string) []string {
	names := make([]string, 0, len(d.Properties))
	for name := range d.Properties {
		names = append(names, name)
	}
	sort.Strings(names)
	var out []string
	for _, name := range names {
		p := d.Properties[name]
		entry := prefix + name + map[string]string{"yes": "!", "maybe": "?"}[p.CausesReplacement]
		if p.Scrutinizable != "" && p.Scrutinizable != "None" {
			entry += ":" + p.Scrutinizable
		}
		if entry != prefix+name {
			out = append(out, entry)
		}
		if p.CausesReplacement == "yes" {
			continue
		}
		for _, id := range references(p.Type) {
			if !slices.Contains(above, id) {
				out = append(out, properties(types, types[id], prefix+name+".", append(slices.Clone(above), id))...)
			}
		}
	}
	return slices.Compact(out)
}

// references returns the ids of the type definitions that a property's type names, inside lists, maps and unions too.
func references(raw json.RawMessage) []string {
	var t struct {
		Type      string
		Reference struct {
			Ref string `json:"$ref"`
		}
		Element json.RawMessage
		Types   []json.RawMessage
	}
	if len(raw) == 0 || json.Unmarshal(raw, &t) != nil {
		return nil
	}
	if t.Type == "ref" {
		return []string{t.Reference.Ref}
	}
	ids := references(t.Element)
	for _, u := range t.Types {
		ids = append(ids, references(u)...)
	}
	return ids
}
