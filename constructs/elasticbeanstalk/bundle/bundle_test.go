package bundle

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// write makes a tree: a name that ends with a slash is a directory, a content that begins with "-> " a symbolic link, one
// that begins with "#!" is executable.
func write(t testing.TB, dir string, files map[string]string) string {
	t.Helper()
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(file), 0o755))
		target, isLink := strings.CutPrefix(content, "-> ")
		switch {
		case strings.HasSuffix(name, "/"):
			must(t, os.MkdirAll(file, 0o755))
		case isLink:
			must(t, os.Symlink(target, file))
		case strings.HasPrefix(content, "#!"):
			must(t, os.WriteFile(file, []byte(content), 0o755))
		default:
			must(t, os.WriteFile(file, []byte(content), 0o644))
		}
	}
	return dir
}

// zipped makes the same tree as a zip.
func zipped(t testing.TB, files map[string]string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "source.zip")
	f, err := os.Create(file)
	must(t, err)
	z := zip.NewWriter(f)
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(b, a) }) // any order will do
	for _, name := range names {
		content := files[name]
		header := &zip.FileHeader{Name: name, Modified: time.Now()}
		target, isLink := strings.CutPrefix(content, "-> ")
		switch {
		case isLink:
			header.SetMode(fs.ModeSymlink | 0o777)
			content = target
		case strings.HasPrefix(content, "#!"):
			header.SetMode(0o775)
		default:
			header.SetMode(0o664)
		}
		w, err := z.CreateHeader(header)
		must(t, err)
		if !strings.HasSuffix(name, "/") {
			_, err = io.WriteString(w, content)
			must(t, err)
		}
	}
	must(t, z.Close())
	must(t, f.Close())
	return file
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func build(t testing.TB, s Source) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, s.WriteZip(&b))
	return b.Bytes()
}

// list returns what a bundle holds: mode, name and content, a line each.
func list(t testing.TB, data []byte) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	var b strings.Builder
	for _, f := range z.File {
		r, err := f.Open()
		must(t, err)
		content, err := io.ReadAll(r)
		must(t, err)
		fmt.Fprintf(&b, "%o %s %q\n", f.Mode(), f.Name, content)
	}
	return b.String()
}

var project = map[string]string{
	"manage.py":                              "#!/usr/bin/env python\n",
	"requirements.txt":                       "Django==5.2\n",
	"mysite/__init__.py":                     "",
	"mysite/settings.py":                     "DEBUG = False\n",
	"mysite/__pycache__/settings.pyc":        "\x00",
	"mysite/old.pyc":                         "\x00",
	"mysite/static/a b/ü.css":                "body {}\n",
	".platform/hooks/predeploy/01_x.sh":      "#!/bin/bash\r\necho\r\n",
	".platform/confighooks/predeploy/x":      "binary\r\n",
	".platform/nginx/conf.d/x.conf":          "client_max_body_size 20M;\r\n",
	".ebextensions/x.config":                 "option_settings: {}\n",
	".git/HEAD":                              "ref: refs/heads/main\n",
	"venv/pyvenv.cfg":                        "home = /usr/bin\n",
	"venv/bin/python":                        "#!",
	"any name/pyvenv.cfg":                    "home = /usr/bin\n",
	"any name/lib/x.py":                      "",
	"conda/conda-meta/history":               "",
	"conda/bin/python":                       "",
	"node_modules/left/pad.js":               "",
	"web/node_modules/left/pad.js":           "",
	"cdk.out/manifest.json":                  "{}",
	".beanpole/state":                        "",
	".DS_Store":                              "",
	"media/":                                 "",
	"environment.py":                         "",
	"deploy/.env.example":                    "SECRET_KEY=\n",
	"certificates/global-bundle.pem":         "-----BEGIN CERTIFICATE-----\n",
	"link.txt":                               "-> mysite/settings.py",
	"linked":                                 "-> mysite/static",
	"mysite/static/up":                       "-> ../settings.py",
	".elasticbeanstalk/config.yml":           "",
	"scripts/run":                            "#!/bin/sh\n",
	"mysite/migrations/0001_initial.py":      "",
	"mysite/templates/mysite/node_modules.x": "",
}

func TestBundle(t *testing.T) {
	want := `644 .ebextensions/x.config "option_settings: {}\n"
755 .platform/confighooks/predeploy/x "binary\r\n"
755 .platform/hooks/predeploy/01_x.sh "#!/bin/bash\necho\n"
644 .platform/nginx/conf.d/x.conf "client_max_body_size 20M;\r\n"
644 certificates/global-bundle.pem "-----BEGIN CERTIFICATE-----\n"
644 deploy/.env.example "SECRET_KEY=\n"
644 environment.py ""
644 link.txt "DEBUG = False\n"
644 linked/a b/ü.css "body {}\n"
644 linked/up "DEBUG = False\n"
755 manage.py "#!/usr/bin/env python\n"
644 mysite/__init__.py ""
644 mysite/migrations/0001_initial.py ""
644 mysite/settings.py "DEBUG = False\n"
644 mysite/static/a b/ü.css "body {}\n"
644 mysite/static/up "DEBUG = False\n"
644 mysite/templates/mysite/node_modules.x ""
644 requirements.txt "Django==5.2\n"
755 scripts/run "#!/bin/sh\n"
`
	directory := Source{Path: write(t, t.TempDir(), project)}
	archive := Source{Path: zipped(t, project)}
	for name, s := range map[string]Source{"directory": directory, "zip": archive} {
		must(t, s.Validate())
		if got := list(t, build(t, s)); got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
		}
	}
	if !bytes.Equal(build(t, directory), build(t, archive)) {
		t.Error("the bundle of the directory and that of the zip differ")
	}
	// The bundle of a bundle is the bundle.
	again := filepath.Join(t.TempDir(), "again.zip")
	must(t, os.WriteFile(again, build(t, directory), 0o600))
	if !bytes.Equal(build(t, directory), build(t, Source{Path: again})) {
		t.Error("the bundle of a bundle differs from it")
	}
}

func TestSameContentSameBytes(t *testing.T) {
	first := Source{Path: write(t, t.TempDir(), project)}
	second := Source{Path: write(t, filepath.Join(t.TempDir(), "another place"), project)}
	long := time.Date(2001, 2, 3, 4, 5, 6, 7, time.FixedZone("x", 5*3600))
	must(t, filepath.WalkDir(second.Path, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.Type()&fs.ModeSymlink != 0:
			return err
		case d.IsDir():
			return os.Chmod(name, 0o700)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if err := os.Chmod(name, info.Mode()&0o700); err != nil { // as under the umask 077
			return err
		}
		return os.Chtimes(name, long, long)
	}))
	if !bytes.Equal(build(t, first), build(t, second)) {
		t.Error("place, times and umask show in the bytes")
	}
	one, err := first.Hash()
	must(t, err)
	two, err := second.Hash()
	must(t, err)
	if one != two || len(one) != 64 {
		t.Errorf("hashes %q and %q", one, two)
	}

	hashes := map[string]string{"": one}
	for name, change := range map[string]map[string]string{
		"content":    {"mysite/settings.py": "DEBUG = True\n"},
		"a new file": {"mysite/new.py": ""},
		"mode":       {"requirements.txt": "#!Django==5.2\n"},
	} {
		files := map[string]string{}
		for _, m := range []map[string]string{project, change} {
			for k, v := range m {
				files[k] = v
			}
		}
		hash, err := Source{Path: write(t, t.TempDir(), files)}.Hash()
		must(t, err)
		for other, seen := range hashes {
			if seen == hash {
				t.Errorf("with another %s the hash is that with another %q", name, other)
			}
		}
		hashes[name] = hash
	}
}

func TestIgnoreFiles(t *testing.T) {
	for _, test := range []struct {
		name    string
		files   map[string]string
		exclude []string
		want    string // names
	}{
		{name: "gitignore", files: map[string]string{
			".gitignore": "/local.py\n*.log\n!keep.log\n", "local.py": "", "a/local.py": "", "a/x.log": "", "a/keep.log": "",
		}, want: ".gitignore a/keep.log a/local.py"},
		{name: "gitignore below", files: map[string]string{
			"a/.gitignore": "*.txt\n!b.txt\n/only\n", "a/a.txt": "", "a/b.txt": "", "a/only": "", "a/x/only": "", "b/a.txt": "", "only": "",
		}, want: "a/.gitignore a/b.txt a/x/only b/a.txt only"},
		{name: "ebignore instead of gitignore", files: map[string]string{
			".gitignore": "/dist\n", ".ebignore": "docs/\n", "a/.gitignore": "*.txt\n", "a/a.txt": "", "dist/app.js": "", "docs/x": "",
		}, want: ".ebignore .gitignore a/.gitignore a/a.txt dist/app.js"},
		{name: "what is ignored may be secret", files: map[string]string{".gitignore": ".env\ndb.sqlite3\n", ".env": "", "db.sqlite3": "", "a.py": ""},
			want: ".gitignore a.py"},
		{name: "exclude has the last word", files: map[string]string{".gitignore": "!a.txt\nb.txt\n", "a.txt": "", "b.txt": "", "c.py": ""},
			exclude: []string{"*.txt", "!b.txt", ".gitignore"}, want: "b.txt c.py"},
		{name: "bring back what is left out by itself", files: map[string]string{"node_modules/x.js": "", "venv/pyvenv.cfg": "", "a.py": ""},
			exclude: []string{"!node_modules/", "!venv/"}, want: "a.py node_modules/x.js venv/pyvenv.cfg"},
		{name: "let a secret travel", files: map[string]string{".env": "", "keys/jwt.key": "", "a.py": ""},
			exclude: []string{"!/.env", "!keys/*.key"}, want: ".env a.py keys/jwt.key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := Source{Path: write(t, t.TempDir(), test.files), Exclude: test.exclude}
			if got := names(t, build(t, s)); got != test.want {
				t.Errorf("the bundle holds\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func names(t *testing.T, data []byte) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	var all []string
	for _, f := range z.File {
		all = append(all, f.Name)
	}
	return strings.Join(all, " ")
}

func TestProblems(t *testing.T) {
	outside := write(t, t.TempDir(), map[string]string{"passwords": "x"})
	many := map[string]string{"a.py": ""}
	for i := range 30 {
		many[fmt.Sprintf("%02d.sqlite3", i)] = ""
	}
	for _, test := range []struct {
		name     string
		files    map[string]string
		exclude  []string
		overlay  []File
		both     bool     // in a zip, too
		problems []string // one for each line
	}{
		{name: "empty", files: map[string]string{"media/": ""}, both: true, problems: []string{"holds no file to deploy"}},
		{name: "nothing but what is left out", files: map[string]string{".git/HEAD": "x", "a.py": ""}, exclude: []string{"*.py"}, both: true,
			problems: []string{"holds no file to deploy"}},
		{name: "link out", files: map[string]string{"a.py": "", "conf/x": "-> ../../../etc/passwd", "y": "-> " + filepath.Join(outside, "passwords"), "z": "-> " + outside},
			problems: []string{"conf/x: the symbolic link leads nowhere", "y: the symbolic link leaves the source", "z: the symbolic link leaves the source"}},
		{name: "link out, left out", files: map[string]string{"a.py": "", "z": "-> " + outside}, exclude: []string{"/z"}, both: true},
		{name: "dangling", files: map[string]string{"a.py": "", "x": "-> none"}, both: true,
			problems: []string{`x: the symbolic link leads nowhere; remove it or leave it out with Exclude "/x"`}},
		{name: "loop", files: map[string]string{"a/b.py": "", "a/c/up": "-> ../../a"}, problems: []string{"a/c/up: the symbolic link leads to a directory that holds it"}},
		{name: "link to a secret", files: map[string]string{".env": "x", "settings.txt": "-> .env"}, exclude: []string{"/.env"}, both: true,
			problems: []string{"settings.txt: by its name it holds secrets or data"}},
		{name: "secrets", files: map[string]string{
			".env": "", ".env.production": "", "prod.env": "", "db.sqlite3": "", "conf/id_rsa": "", "conf/server.key": "", "conf/server.pem": "-----BEGIN PRIVATE KEY-----",
			".aws/credentials": "", "x/.ssh/known_hosts": "", "a.py": "", ".envrc.sample": "", ".env.sample": "", "key.py": "", "db.py": "",
		}, both: true, problems: []string{
			".aws/credentials: ", `.env: by its name it holds secrets or data that should stay where they are; leave it out with Exclude "/.env", or let it travel with Exclude "!/.env"`,
			".env.production: ", "conf/id_rsa: ", "conf/server.key: ", "conf/server.pem: ", "db.sqlite3: ", "prod.env: ", "x/.ssh/known_hosts: ",
		}},
		{name: "many", files: many, problems: append(slices.Repeat([]string{".sqlite3: by its name"}, 20), "and 10 more like these")},
		{name: "pattern", files: map[string]string{"a.py": "", ".gitignore": "x[\n"}, exclude: []string{`a\`},
			problems: []string{`Exclude: pattern "a\\": nothing follows the backslash`, `.gitignore: pattern "x[": the bracket is not closed`}},
		{name: "overlay", files: map[string]string{"a/b.py": "", "c": ""}, both: true, overlay: []File{
			{Name: "../x"}, {Name: "/x"}, {Name: `x\y`}, {Name: ""}, {Name: "x/"}, {Name: "a"}, {Name: "c/d"}, {Name: "n"}, {Name: "n"}, {Name: "n/m"},
		}, problems: []string{
			`Overlay: "../x" is not a name`, `Overlay: "/x" is not`, `Overlay: "x\\y" is not`, `Overlay: "" is not`, `Overlay: "x/" is not`,
			"Overlay: n is given twice", "Overlay: a is a directory of the source", "Overlay: c/d lies below c, which is a file of the source", "Overlay: n/m lies below n",
		}},
		{name: "new", files: map[string]string{"a.py": "a", "same.py": "same"}, both: true,
			overlay:  []File{{Name: "a.py", Content: []byte("b"), New: true}, {Name: "same.py", Content: []byte("same"), New: true}},
			problems: []string{`Overlay: the source has a file a.py, which is the name of a generated one; rename it, or leave it out with Exclude "/a.py"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			sources := map[string]string{"directory": write(t, t.TempDir(), test.files)}
			if test.both {
				sources["zip"] = zipped(t, test.files)
			}
			for name, path := range sources {
				s := Source{Path: path, Exclude: test.exclude, Overlay: test.overlay}
				compareProblems(t, name, s.Validate(), test.problems)
				if err := s.WriteZip(io.Discard); (err != nil) != (test.problems != nil) {
					t.Errorf("%s: WriteZip: %v", name, err)
				}
				if _, err := s.Hash(); (err != nil) != (test.problems != nil) {
					t.Errorf("%s: Hash: %v", name, err)
				}
			}
		})
	}
}

func compareProblems(t *testing.T, name string, err error, want []string) {
	t.Helper()
	var lines []string
	if err != nil {
		lines = strings.Split(err.Error(), "\n")
	}
	if len(lines) != len(want) {
		t.Fatalf("%s: %d problems, want %d:\n%v", name, len(lines), len(want), err)
	}
	for i, want := range want {
		if !strings.Contains(lines[i], want) {
			t.Errorf("%s: problem %d is %q, want it to say %q", name, i, lines[i], want)
		}
	}
}

func TestNoSource(t *testing.T) {
	text := filepath.Join(write(t, t.TempDir(), map[string]string{"a.tar.gz": "not a zip, whatever its name"}), "a.tar.gz")
	for path, want := range map[string]string{
		"":                               "Path: no source given",
		filepath.Join(t.TempDir(), "no"): "does not exist; name a directory or a .zip file",
		text:                             "is neither a directory nor a zip file",
	} {
		s := Source{Path: path, Overlay: []File{{Name: "../x"}}}
		for name, err := range map[string]error{"Validate": s.Validate(), "WriteZip": s.WriteZip(io.Discard)} {
			compareProblems(t, name, err, []string{want, `Overlay: "../x"`})
		}
		if _, err := s.ReadFile("x"); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("ReadFile of no source: %v", err)
		}
	}
}

func TestHostileZip(t *testing.T) {
	for _, test := range []struct {
		name     string
		files    map[string]string
		problems []string
	}{
		{"names", map[string]string{"../up.py": "", "/root.py": "", `a\b.py`: "", "a/../../c.py": "", "a.py": ""}, []string{
			`"../up.py" is not a name inside the bundle`, `"/root.py" is`, `"a/../../c.py" is`, `"a\\b.py" is`}},
		{"a directory around it", map[string]string{"mysite-main/manage.py": "", "mysite-main/mysite/wsgi.py": ""}, []string{
			"source.zip: everything in it lies below mysite-main, where the platform does not look"}},
		{"a name with dots", map[string]string{"./a.py": "", "b/../c.py": ""}, nil},
		{"twice", map[string]string{"a.py": "", "./a.py": ""}, []string{"a.py is in it twice"}},
		{"links", map[string]string{"a.py": "", "etc": "-> /etc/passwd", "up": "-> ../x", "self": "-> self", "one": "-> two", "two": "-> one", "d/in": "-> ../d"}, []string{
			"d/in", "one: the symbolic link leads in a circle", "self: the symbolic link leads in a circle", "two: the symbolic link leads in a circle",
			"up: the symbolic link leaves the source (to ../x)", "etc: the symbolic link leaves the source (to /etc/passwd)"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := Source{Path: zipped(t, test.files)}.Validate()
			if (err != nil) != (test.problems != nil) {
				t.Fatalf("Validate() = %v", err)
			}
			for _, want := range test.problems {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Validate() does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestOverlay(t *testing.T) {
	s := Source{
		Path:    write(t, t.TempDir(), map[string]string{"a.py": "a", "Procfile": "web: x\n", "left.py": ""}),
		Exclude: []string{"left.py", "Procfile"},
		Overlay: []File{
			{Name: "Procfile", Content: []byte("web: y\n")},
			{Name: "bin/run", Mode: 0o700, Content: []byte("run")},
			{Name: "left.py", Mode: 0o444, Content: []byte("here again")},
		},
	}
	want := "644 Procfile \"web: y\\n\"\n644 a.py \"a\"\n755 bin/run \"run\"\n644 left.py \"here again\"\n"
	if got := list(t, build(t, s)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestReadFile(t *testing.T) {
	files := map[string]string{"a.py": "a", "b/c.py": "c", ".git/HEAD": "x", "left.py": "", "link": "-> b/c.py"}
	for _, path := range []string{write(t, t.TempDir(), files), zipped(t, files)} {
		s := Source{Path: path, Exclude: []string{"left.py"}, Overlay: []File{{Name: "a.py"}, {Name: "new.py"}}}
		for name, want := range map[string]string{"a.py": "a", "b/c.py": "c", "link": "c"} {
			if got, err := s.ReadFile(name); err != nil || string(got) != want {
				t.Errorf("%s: ReadFile(%q) = %q, %v", path, name, got, err)
			}
		}
		for _, name := range []string{"none", "new.py", "left.py", ".git/HEAD", "b", "../a.py", "/a.py", "", "."} {
			if _, err := s.ReadFile(name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: ReadFile(%q): %v, want fs.ErrNotExist", path, name, err)
			}
		}
	}
}

func TestSocketsAreLeftOut(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{"a.py": ""})
	l, err := net.Listen("unix", filepath.Join(dir, "gunicorn.sock"))
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	if got := names(t, build(t, Source{Path: dir})); got != "a.py" {
		t.Errorf("the bundle holds %s", got)
	}
}

func TestUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	dir := write(t, t.TempDir(), map[string]string{"a.py": "", "b.py": ""})
	must(t, os.Chmod(filepath.Join(dir, "b.py"), 0))
	if err := (Source{Path: dir}).WriteZip(io.Discard); err == nil || !strings.Contains(err.Error(), "b.py: ") {
		t.Errorf("WriteZip: %v", err)
	}
}

func TestTooLarge(t *testing.T) {
	defer func() { maxSize = MaxSize }()
	maxSize = 10_000
	noise := make([]byte, 18_000)
	for i := range noise {
		noise[i] = byte(rand.IntN(256))
	}
	for _, test := range []struct {
		name    string
		content string
		fits    bool
	}{
		{"small", "a", true},
		{"small once compressed", strings.Repeat("a", 100_000), true},
		{"just small enough", string(noise[:9_000]), true},
		{"too large", string(noise), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := Source{Path: write(t, t.TempDir(), map[string]string{"a.py": test.content})}
			for name, err := range map[string]error{"Validate": s.Validate(), "WriteZip": s.WriteZip(io.Discard)} {
				if (err == nil) != test.fits || err != nil && !strings.Contains(err.Error(), "larger than 500 MiB") {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// TestMemory holds that a bundle is streamed: a large file, and many files, fit into little memory, from a directory and from
// a zip. In full they are 400 MB and 100,000 files.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("zips large files")
	}
	size, links := int64(150<<20), 10
	if os.Getenv("BEANPOLE_TEST_FULL") != "" {
		size, links = 400<<20, 100
	}
	large := makeTree(t, 2_000, 100)
	file, err := os.Create(filepath.Join(large, "large"))
	must(t, err)
	must(t, file.Truncate(size))
	must(t, file.Close())
	many := makeTree(t, 1_000, 10) // as many times as there are links
	for i := 1; i < links; i++ {
		link := filepath.Join(many, fmt.Sprintf("link%03d", i))
		must(t, os.Mkdir(link, 0o755))
		for d := range 10 {
			must(t, os.Symlink(fmt.Sprintf("../d%04d", d), filepath.Join(link, fmt.Sprintf("d%04d", d))))
		}
	}
	zip := filepath.Join(t.TempDir(), "many.zip")
	file, err = os.Create(zip)
	must(t, err)
	must(t, Source{Path: many}.WriteZip(file))
	must(t, file.Close())

	for name, path := range map[string]string{"large file": large, "many files": many, "many files, zipped": zip} {
		t.Run(name, func(t *testing.T) {
			inUse := func() int64 {
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				return int64(now.HeapInuse)
			}
			runtime.GC()
			before, peak, writes := inUse(), int64(0), 0
			must(t, Source{Path: path}.WriteZip(writerFunc(func([]byte) {
				if writes++; writes%50 == 1 {
					peak = max(peak, inUse())
				}
			})))
			if used := peak - before; used > 80<<20 || peak == 0 {
				t.Errorf("%d MB in use, in %d writes", used>>20, writes)
			}
		})
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }

// makeTree makes a source of n files of the given size, in directories of 100.
func makeTree(t testing.TB, n, size int) string {
	t.Helper()
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	content := make([]byte, size)
	for i := range n {
		if i%100 == 0 {
			must(t, os.MkdirAll(filepath.Join(dir, fmt.Sprintf("d%04d", i/100)), 0o755))
		}
		for j := range content {
			content[j] = "etaoin shrdlu\n"[random.IntN(14)]
		}
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("d%04d", i/100), fmt.Sprintf("f%d.py", i)), content, 0o644))
	}
	return dir
}

func BenchmarkWriteZip(b *testing.B) {
	for _, size := range []struct{ files, bytes int }{{100, 4 << 10}, {10_000, 1 << 10}, {20, 1 << 20}} {
		b.Run(fmt.Sprintf("%dx%dKiB", size.files, size.bytes>>10), func(b *testing.B) {
			s := Source{Path: makeTree(b, size.files, size.bytes)}
			b.SetBytes(int64(size.files * size.bytes))
			b.ReportAllocs()
			for b.Loop() {
				must(b, s.WriteZip(io.Discard))
			}
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	s := Source{Path: makeTree(b, 10_000, 1)}
	b.ReportAllocs()
	for b.Loop() {
		must(b, s.Validate())
	}
}
