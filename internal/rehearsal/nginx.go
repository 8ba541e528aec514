package rehearsal

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

//go:embed nginx
var nginxFiles embed.FS

var nginxTemplates = template.Must(template.ParseFS(nginxFiles, "nginx/*"))

// findNginx looks where packages put it: not always on the PATH of a user.
func findNginx() (string, error) {
	if path, err := exec.LookPath("nginx"); err == nil {
		return path, nil
	}
	for _, path := range []string{"/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx", "/usr/local/bin/nginx"} {
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	install := "apt-get install nginx-light (Debian, Ubuntu), dnf install nginx (Fedora, Amazon Linux) or apk add nginx (Alpine)"
	if runtime.GOOS == "darwin" {
		install = "brew install nginx"
	}
	return "", errors.New("nginx is not installed, and the rehearsal runs the real one: " + install)
}

// proxy is what the configuration of nginx depends on.
type proxy struct {
	Root        string           // directory of the rehearsal
	App         string           // where the bundle is
	Port        int              // where the configuration expects the app
	AppPort     int              // where the app is; another than Port only if that is taken on this machine
	Listen      map[int][]string // port that the platform would listen on → addresses to listen on instead; nil takes any
	Address     string           // address for ports that Listen does not name; "" skips those
	StaticFiles []staticFile
}

func (p proxy) dir() string { return filepath.Join(p.Root, "nginx") }
func (p proxy) log() string { return filepath.Join(p.Root, "log", "nginx") }

// write lays the platform's files down and the bundle's .platform/nginx over them, as a deployment does, and turns what
// only fits an instance (addresses, paths, the user) into what fits here. It returns the certificates and keys that made-up
// ones stand for.
func (p proxy) write() (standIns []string, err error) {
	files := map[string][]byte{}
	for target, name := range map[string]string{
		"nginx.conf": "nginx.conf",
		"mime.types": "mime.types",
		"conf.d/elasticbeanstalk/00_application.conf": "00_application.conf",
		"conf.d/elasticbeanstalk/01_static.conf":      "01_static.conf",
		"conf.d/elasticbeanstalk/healthd.conf":        "healthd.conf",
		"conf.d/healthd_http.conf":                    "healthd_http.conf",
	} {
		var b bytes.Buffer
		if err := nginxTemplates.ExecuteTemplate(&b, name, p); err != nil {
			return nil, err
		}
		files[target] = b.Bytes()
	}
	bundle := os.DirFS(filepath.Join(p.App, ".platform", "nginx"))
	err = fs.WalkDir(bundle, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(bundle, name)
		files[name] = content
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf(".platform/nginx: %w", err)
	}
	for number, name := range slices.Sorted(maps.Keys(files)) {
		content := files[name]
		file := filepath.Join(p.dir(), filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return nil, err
		}
		if strings.HasSuffix(name, ".conf") {
			conf, missing, err := p.standInCertificates(p.adapt(string(content), number))
			if err != nil {
				return nil, err
			}
			content, standIns = []byte(conf), append(standIns, missing...)
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return nil, err
		}
	}
	// nginx writes a log whose name has a variable only if the server's root exists.
	for _, dir := range []string{filepath.Join(p.dir(), "html"), filepath.Join(p.log(), "healthd"), filepath.Join(p.Root, "run"), filepath.Join(p.Root, "tmp")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	return standIns, nil
}

var (
	listenDirective = regexp.MustCompile(`(?m)^([^#\n]*?)\blisten\s+([^;]+);`)
	userDirective   = regexp.MustCompile(`(?m)^\s*user\s+[^;]+;`)
	daemonDirective = regexp.MustCompile(`(?m)^\s*daemon\s+[^;]+;`)
	httpBlock       = regexp.MustCompile(`(?m)^\s*http\s*\{`)
)

// adapt changes one configuration file, whose number no other has. Paths of an instance become paths of the rehearsal.
func (p proxy) adapt(conf string, number int) string {
	unheard := 0
	conf = listenDirective.ReplaceAllStringFunc(conf, func(directive string) string {
		m := listenDirective.FindStringSubmatch(directive)
		arguments := strings.Fields(m[2])
		lines := []string{}
		for _, address := range p.listen(arguments[0]) {
			lines = append(lines, "listen "+strings.Join(append([]string{address}, arguments[1:]...), " ")+";")
		}
		if len(lines) == 0 {
			// Without any, a server would listen on port 80 of this machine.
			ssl := ""
			if slices.Contains(arguments, "ssl") {
				ssl = " ssl"
			}
			unheard++
			lines = append(lines, fmt.Sprintf("listen unix:%s%s;", filepath.Join(p.Root, fmt.Sprintf("%d-%d.s", number, unheard)), ssl))
		}
		return m[1] + strings.Join(lines, " ")
	})
	conf = userDirective.ReplaceAllString(conf, "")
	conf = daemonDirective.ReplaceAllString(conf, "")
	conf = strings.NewReplacer(
		"/var/log/nginx/", p.log()+"/",
		"/var/run/nginx.pid", filepath.Join(p.Root, "run", "nginx.pid"),
		"/run/nginx.pid", filepath.Join(p.Root, "run", "nginx.pid"),
		"/etc/nginx/", p.dir()+"/",
		"/var/app/current", p.App,
		"/var/app/staging", p.App,
	).Replace(conf)
	if p.AppPort != p.Port {
		conf = replacePort(conf, p.Port, p.AppPort)
	}
	if at := httpBlock.FindStringIndex(conf); at != nil {
		var temporary strings.Builder
		// A server that names no log of its own has nginx's, which is in a directory of the system.
		fmt.Fprintf(&temporary, "\n    access_log %s;", filepath.Join(p.log(), "access.log"))
		for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			fmt.Fprintf(&temporary, "\n    %s_temp_path %s;", kind, filepath.Join(p.Root, "tmp", "nginx_"+kind))
		}
		conf = conf[:at[1]] + temporary.String() + conf[at[1]:]
		if os.Geteuid() == 0 {
			conf = superuser() + conf
		}
	}
	return conf
}

// listen says where to listen instead of on all addresses of the instance: another rehearsal's nginx, or the metadata
// service on port 80 of its own address, may be on this machine too.
func (p proxy) listen(argument string) []string {
	if strings.HasPrefix(argument, "unix:") {
		return []string{argument}
	}
	host, portText, err := net.SplitHostPort(argument)
	if err != nil {
		host, portText = "", argument
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		port = 80 // an address without a port
	}
	if host == "::" || host == "[::]" {
		return nil // the load balancer asks over IPv4
	}
	if addresses, ok := p.Listen[port]; ok {
		return addresses
	}
	if p.Address == "" {
		return nil
	}
	return []string{net.JoinHostPort(p.Address, strconv.Itoa(port))}
}

// superuser keeps the workers of an nginx that root started as root: inside a user namespace there is nobody else, and
// the files of the rehearsal are root's.
func superuser() string {
	group := "root"
	if g, err := user.LookupGroupId("0"); err == nil {
		group = g.Name
	}
	return "user root " + group + ";\n"
}

// command runs nginx in the foreground.
func (p proxy) command(nginx string) []string {
	return []string{nginx, "-p", p.dir() + "/", "-c", filepath.Join(p.dir(), "nginx.conf"), "-g", "daemon off;"}
}
